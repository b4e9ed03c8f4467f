package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
)

type record struct {
	Service string `json:"service"`
	N       int    `json:"n,omitempty"`
}

func open(t *testing.T, dir string, o audit.Options) *audit.Log {
	t.Helper()
	l, err := audit.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, l) })
	return l
}

func shut(t *testing.T, l *audit.Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func add(t *testing.T, l *audit.Log, records ...any) {
	t.Helper()
	for _, r := range records {
		if err := l.Append(r); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns the lines without ts and prev_hash, and the report.
func read(t *testing.T, dir string) ([]string, audit.Report) {
	t.Helper()
	var lines []string
	r, err := audit.Read(dir, audit.Name, func(l audit.Line) error {
		_, rest, _ := bytes.Cut(l.JSON, []byte(`"seq":`))
		seq, rest, _ := bytes.Cut(rest, []byte(`,"prev_hash":"`))
		lines = append(lines, string(seq)+string(rest[64+1:]))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines, r
}

// whole reads a log that must be unbroken and end where l ends.
func whole(t *testing.T, dir string, l *audit.Log) []string {
	t.Helper()
	lines, r := read(t, dir)
	if r.BreakCount != 0 || r.Partial || r.Last != l.Head() {
		t.Errorf("report is %+v, want no break and the end %+v", r, l.Head())
	}
	return lines
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAppend(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	now := time.Date(2026, 3, 29, 1, 2, 3, 4e6, time.UTC)
	o := audit.Options{Now: func() time.Time { return now }}
	l := open(t, dir, o)
	path := filepath.Join(dir, audit.FileName)
	add(t, l, record{"web", 1}, map[string]any{}, json.RawMessage("{\n \"html\": \"<a> & \\n\"\n}"))
	first, _, _ := strings.Cut(string(contents(t, path)), "\n")
	want := `{"ts":"2026-03-29T01:02:03.004Z","seq":1,"prev_hash":"` + strings.Repeat("0", 64) + `","service":"web","n":1}`
	if first != want {
		t.Errorf("line is\n%s\nwant\n%s", first, want)
	}
	shut(t, l)
	shut(t, l)
	if err := l.Append(record{}); err != audit.ErrClosed { //nolint:errorlint // it is this very value
		t.Errorf("error is %v, want ErrClosed", err)
	}
	l = open(t, dir, o)
	add(t, l, record{"db", 2})
	if diff := cmp.Diff([]string{`1,"service":"web","n":1}`, "2}", `3,"html":"<a> & \n"}`, `4,"service":"db","n":2}`}, whole(t, dir, l)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if runtime.GOOS != "windows" {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file has mode %#o (%v), want 0600", info.Mode().Perm(), err)
		}
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, audit.Options{})
	for _, tt := range []struct {
		name   string
		record any
		want   string
	}{
		{"number", 7, "is not a JSON object"},
		{"null", nil, "is not a JSON object"},
		{"list", []int{1}, "is not a JSON object"},
		{"function", func() {}, "cannot be written as JSON"},
		{"secret in the error", map[string]any{"canary": math.NaN()}, "cannot be written as JSON"},
		{"own seq", map[string]any{"SEQ": 1}, `has a member "seq" of its own`},
		{"own hash", map[string]any{"prev_hash": 1}, `has a member "prev_hash" of its own`},
	} {
		err := l.Append(tt.record)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error is %v, want one with %q", tt.name, err, tt.want)
		}
	}
	if b := contents(t, filepath.Join(dir, audit.FileName)); len(b) > 0 {
		t.Errorf("the file has %q, want nothing", b)
	}
	add(t, l, record{"web", 1})
	whole(t, dir, l)
}

func TestLongRecords(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, audit.Options{})
	quotes := map[string]any{}
	for i := range 2000 {
		quotes[fmt.Sprintf("k%d", i)] = `"""""""""""\\\\\\\\\\\"""""""""""`
	}
	add(t, l,
		map[string]any{"stderr": strings.Repeat("ä", 50_000), "n": json.Number("12345678901234567890")},
		quotes,
		map[string]any{"fits": strings.Repeat("x", 40_000)},
	)
	lines := whole(t, dir, l)
	for i, want := range []string{
		`1,"cut_from":100038,"n":12345678901234567890,"stderr":"` + strings.Repeat("ä", 512) + `… (cut, 100000 bytes)"}`,
		`2,"cut_from":`, `3,"fits":"xxx`,
	} {
		if !strings.HasPrefix(lines[i], want) || len(lines[i]) >= audit.MaxLine {
			t.Errorf("line %d has %d bytes and begins with %.120q, want %.120q", i, len(lines[i]), lines[i], want)
		}
	}
	if !strings.Contains(lines[1], `"cut":"{\"k0\":`) {
		t.Errorf("line is %.200q, want one with the beginning of the record", lines[1])
	}
}

func TestRotation(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)
	o := audit.Options{MaxBytes: 1000, MaxAge: 24 * time.Hour, MaxFiles: 4, Now: func() time.Time { return now }}
	l := open(t, dir, o)
	for i := range 100 {
		add(t, l, record{"web", i})
		if i%7 == 0 { // the end of a file is the end of the chain, too
			shut(t, l)
			l = open(t, dir, o)
		}
	}
	lines := whole(t, dir, l)
	if n := len(lines); n < 15 || n > 40 || !strings.HasPrefix(lines[n-1], "100,") {
		t.Errorf("%d records are left, the last is %q", n, lines[n-1])
	}
	names, size := list(t, dir)
	if len(names) != 4 || size > 4000 || names[0] != fmt.Sprintf("audit-%016s.jsonl", strings.Split(lines[0], ",")[0]) {
		t.Errorf("files are %q with %d bytes", names, size)
	}
	now = now.Add(23 * time.Hour)
	add(t, l, record{"web", 0})
	if after, _ := list(t, dir); after[3] != names[3] {
		t.Error("a file of 23 hours was rotated")
	}
	shut(t, l)
	l = open(t, dir, o)
	now = now.Add(time.Hour)
	add(t, l, record{"web", 0})
	if after, _ := list(t, dir); after[2] == names[2] || bytes.Count(contents(t, filepath.Join(dir, audit.FileName)), []byte("\n")) != 1 {
		t.Error("a file of 24 hours was not rotated")
	}
	whole(t, dir, l)
	if _, err := os.Create(filepath.Join(dir, "audit-of-somebody.jsonl")); err != nil {
		t.Fatal(err)
	}
	whole(t, dir, l)
}

// list returns the names as they sort, with the current file last.
func list(t *testing.T, dir string) (names []string, size int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		names, size = append(names, e.Name()), size+info.Size()
	}
	return names, size
}

// A log can be read while it is written, rotated, and loses its oldest files.
func TestReadWhileWritten(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, audit.Options{MaxBytes: 2000, MaxFiles: 3})
	var wg sync.WaitGroup
	done := make(chan struct{})
	for w := range 2 {
		wg.Go(func() {
			for i := range 150 {
				if err := l.Append(record{"web", 1000*w + i}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { wg.Wait(); close(done) }()
	for n := 0; ; n++ {
		r, err := audit.Read(dir, audit.Name, func(audit.Line) error { return nil })
		if err != nil || r.BreakCount > 0 {
			t.Fatalf("reading it for the %dth time: %+v, %v", n, r, err)
		}
		select {
		case <-done:
			if lines := whole(t, dir, l); !strings.HasPrefix(lines[len(lines)-1], "300,") {
				t.Errorf("the last record is %q", lines[len(lines)-1])
			}
			return
		default:
		}
	}
}

func TestReadStops(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, audit.Options{})
	add(t, l, record{"web", 1}, record{"web", 2})
	n := 0
	if _, err := audit.Read(dir, audit.Name, func(audit.Line) error { n++; return os.ErrProcessDone }); err != os.ErrProcessDone || n != 1 { //nolint:errorlint // it is this very value
		t.Errorf("error is %v after %d records", err, n)
	}
	if r, err := audit.Read(filepath.Join(dir, "none"), audit.Name, nil); err == nil {
		t.Errorf("reading no directory: %+v", r)
	}
}
