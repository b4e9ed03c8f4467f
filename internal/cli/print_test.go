package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/report"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/replay"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// ugly controls the terminal, changes the order of the text, hides some of it, forges a line, and is very long.
var ugly = strings.Repeat("\x1b]0;owned\a\x1b[2J\u202e\u200b\r\nSUCCESS\t\u0085\u2028\xff", 1000)

// spoil replaces every text in v by ugly.
func spoil(v reflect.Value) {
	switch v.Kind() { //nolint:exhaustive // the others have no text
	case reflect.String:
		v.SetString(ugly)
	case reflect.Struct:
		for _, f := range v.Fields() {
			if f.CanSet() && v.Type() != reflect.TypeFor[time.Time]() {
				spoil(f)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		spoil(v.Index(0))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		spoil(v.Elem())
	case reflect.Interface:
		if v.Type() == reflect.TypeFor[error]() {
			v.Set(reflect.ValueOf(errors.New(ugly)))
		}
	}
}

// spoilt returns a value in which every text is ugly.
func spoilt[T any](change func(*T)) T {
	var v T
	spoil(reflect.ValueOf(&v).Elem())
	if change != nil {
		change(&v)
	}
	return v
}

// TestNothingSteersTheTerminal writes the output of every command, made of the worst texts.
func TestNothingSteersTheTerminal(t *testing.T) {
	for name, tc := range map[string]struct {
		lines int // including the header
		wraps bool
		write func(b *bytes.Buffer)
	}{
		"targets": {2, true, func(b *bytes.Buffer) { writeTargets(b, []api.Target{spoilt[api.Target](nil)}, time.Now()) }},
		"restarts list": {2, true, func(b *bytes.Buffer) {
			writeServices(b, []policy.Explanation{spoilt[policy.Explanation](nil)}, time.UTC)
		}},
		"restarts explain": {8, true, func(b *bytes.Buffer) {
			e := spoilt[policy.Explanation](nil)
			writeExplanation(b, &e, time.UTC)
		}},
		"restarts explain, held": {8, true, func(b *bytes.Buffer) {
			e := spoilt(func(e *policy.Explanation) { e.Healthy = true })
			writeExplanation(b, &e, time.UTC)
		}},
		"probe": {19, false, func(b *bytes.Buffer) {
			rep := spoilt(func(r *report.Report) {
				r.Steps, r.Shared, r.Result.WebSocket.Messages[0].Type = true, false, prober.TextMessage
			})
			_ = rep.WriteText(b)
		}},
		"replay": {8, false, func(b *bytes.Buffer) {
			r := spoilt(func(r *replay.Report) { r.BreakCount, r.DifferenceCount, r.ChangeCount = 1, 1, 1 })
			writeReplay(b, &r)
		}},
		"line": {1, false, func(b *bytes.Buffer) { say(b, "%s", ugly) }},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			tc.write(&b)
			ours := 0 // the rest of a wrapped line is indented
			for line := range strings.SplitSeq(strings.TrimSuffix(b.String(), "\n"), "\n") {
				if !tc.wraps || !strings.HasPrefix(line, "  ") {
					ours++
				}
				if !printable.Is(line) || strings.HasPrefix(line, "SUCCESS") {
					t.Errorf("the line %.300q does not print, or is forged", line)
				}
				if most := 10 * (printable.MaxURL + 100) * 3; len(line) > most { // ten cells, three bytes for one
					t.Errorf("the line has %d bytes, want at most %d", len(line), most)
				}
			}
			if ours > tc.lines {
				t.Errorf("there are %d lines, want at most %d: a text forges some\n%.3000q", ours, tc.lines, b.String())
			}
		})
	}
}

// JSON keeps every character and does not control the terminal.
func TestJSONPrints(t *testing.T) {
	want := "\x1b[2J\u202e\u200b\u0085 서버 \U000e0041 \u2028 \x7f <&>"
	var b bytes.Buffer
	e := json.NewEncoder(jsonWriter{&b})
	e.SetIndent("", "\t")
	if err := e.Encode(map[string]string{"k": want}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(b.String(), "\n") {
		if !printable.Is(strings.TrimLeft(line, "\t")) {
			t.Errorf("the line %q does not print", line)
		}
	}
	var got map[string]string
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got["k"] != want {
		t.Errorf("decoded is %q (%v), want %q", got["k"], err, want)
	}
}
