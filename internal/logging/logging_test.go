package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/go-logfmt/logfmt"
	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

func TestSlogConformance(t *testing.T) {
	for _, tc := range []struct {
		format Format
		parse  func(*testing.T, string) map[string]any
	}{
		{FormatLogfmt, parseLogfmt},
		{FormatJSON, parseJSON},
	} {
		t.Run(string(tc.format), func(t *testing.T) {
			var buf bytes.Buffer
			slogtest.Run(t, func(*testing.T) slog.Handler {
				buf.Reset()
				return NewHandler(Options{Format: tc.format, Writer: &buf})
			}, func(t *testing.T) map[string]any {
				flat := tc.parse(t, buf.String())
				if ts, ok := flat["ts"]; ok {
					delete(flat, "ts")
					flat[slog.TimeKey] = ts
				}
				return nest(flat)
			})
		})
	}
}

// parseLogfmt returns the keys and values of one line.
func parseLogfmt(t *testing.T, line string) map[string]any {
	t.Helper()
	m := map[string]any{}
	d := logfmt.NewDecoder(strings.NewReader(line))
	for d.ScanRecord() {
		for d.ScanKeyval() {
			m[string(d.Key())] = string(d.Value())
		}
	}
	if err := d.Err(); err != nil {
		t.Fatalf("decoding %q: %v", line, err)
	}
	return m
}

// parseJSON returns the keys and values of one line.
func parseJSON(t *testing.T, line string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("decoding %q: %v", line, err)
	}
	return m
}

// nest turns dotted keys into maps of maps.
func nest(flat map[string]any) map[string]any {
	root := map[string]any{}
	for k, v := range flat {
		m, path := root, strings.Split(k, ".")
		for _, group := range path[:len(path)-1] {
			sub, ok := m[group].(map[string]any)
			if !ok {
				sub = map[string]any{}
				m[group] = sub
			}
			m = sub
		}
		m[path[len(path)-1]] = v
	}
	return root
}

type (
	panickyError  struct{}
	panickyValuer struct{}
	panickyText   struct{}
	badText       struct{}
	nilError      struct{ text string }
)

func (panickyError) Error() string               { panic("no text") }
func (panickyValuer) LogValue() slog.Value       { panic("no value") }
func (panickyText) MarshalText() ([]byte, error) { panic("no text") }
func (badText) MarshalText() ([]byte, error)     { return nil, errors.New("out of ink") }
func (e *nilError) Error() string                { return e.text }
func (e *nilError) MarshalText() ([]byte, error) { return []byte(e.text), nil }
func (e *nilError) MarshalJSON() ([]byte, error) { return []byte(e.text), nil }

// group and intAttr make attributes that the linter does not want to see in real code.
func group(key string, attrs ...slog.Attr) slog.Attr {
	return slog.Attr{Key: key, Value: slog.GroupValue(attrs...)}
}

func intAttr(key string, n int) slog.Attr { return slog.Attr{Key: key, Value: slog.IntValue(n)} }

func newRecord(attrs ...slog.Attr) slog.Record {
	r := slog.NewRecord(time.Date(2026, 2, 3, 4, 5, 6, 7_890_000, time.FixedZone("", 3600)), slog.LevelInfo, "Hello world", 0)
	r.AddAttrs(attrs...)
	return r
}

func TestLine(t *testing.T) {
	const (
		logfmtHead = `ts=2026-02-03T03:05:06.007Z level=info msg="Hello world"`
		jsonTail   = `"level":"info","msg":"Hello world","ts":"2026-02-03T03:05:06.007Z"}` + "\n"
	)
	u, err := url.Parse("http://a.example/?x=1&y=<2>")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name         string
		attrs        []slog.Attr
		logfmt, json string // Without the built-in keys. The JSON's keys are the test's: before "level".
	}{
		{"no attributes", nil, ``, ``},
		{"string", []slog.Attr{slog.String("k", "v")}, `k=v`, `"k":"v"`},
		{"line break", []slog.Attr{slog.String("k", "a\nb=\"c\"")}, `k="a\ufffdb=\"c\""`, `"k":"a�b=\"c\""`},
		{"not UTF-8", []slog.Attr{slog.String("k", "a\xff")}, `k="a\ufffd"`, `"k":"a�"`},
		{"errors", []slog.Attr{slog.Any("err", errors.Join(io.EOF, io.ErrNoProgress))}, `err="EOF; multiple Read calls return no data or error"`, `"err":"EOF; multiple Read calls return no data or error"`},
		{"escapes in JSON", []slog.Attr{slog.Any("k", []string{"\x1b"})}, `k="[\ufffd]"`, `"k":"[\"\\u001b\"]"`},
		{"numbers", []slog.Attr{slog.Int("a", -1), slog.Uint64("b", math.MaxUint64), slog.Float64("c", 0.25)}, `a=-1 b=18446744073709551615 c=0.25`, `"a":-1,"b":18446744073709551615,"c":0.25`},
		{"not finite", []slog.Attr{slog.Float64("a", math.NaN()), slog.Float64("b", math.Inf(-1))}, `a=NaN b=-Inf`, `"a":"NaN","b":"-Inf"`},
		{"bool", []slog.Attr{slog.Bool("k", true)}, `k=true`, `"k":true`},
		{"duration", []slog.Attr{slog.Duration("k", 1500*time.Millisecond)}, `k=1.5s`, `"k":"1.5s"`},
		{"time", []slog.Attr{slog.Time("k", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}, `k=2026-01-01T00:00:00Z`, `"k":"2026-01-01T00:00:00Z"`},
		{"error", []slog.Attr{slog.Any("err", fmt.Errorf("reading: %w", io.EOF))}, `err="reading: EOF"`, `"err":"reading: EOF"`},
		{"nil", []slog.Attr{slog.Any("err", nil)}, `err=null`, `"err":null`},
		{"nil pointers", []slog.Attr{slog.Any("a", (*int)(nil)), slog.Any("b", (*nilError)(nil)), slog.Any("c", (*url.URL)(nil))}, `a=<nil> b=<nil> c=<nil>`, `"a":null,"b":"<nil>","c":"<nil>"`},
		{"strings", []slog.Attr{slog.Any("k", []string{"a", "b c"})}, `k="[a b c]"`, `"k":["a","b c"]`},
		{"bytes", []slog.Attr{slog.Any("k", []byte("abc"))}, `k=abc`, `"k":"abc"`},
		{"text marshaler", []slog.Attr{slog.Any("k", netip.MustParseAddr("::1"))}, `k=::1`, `"k":"::1"`},
		{"stringer", []slog.Attr{slog.Any("k", u)}, `k="http://a.example/?x=1&y=<2>"`, `"k":"http://a.example/?x=1&y=<2>"`},
		{"struct", []slog.Attr{slog.Any("k", struct {
			A int
			B string
		}{1, "<x>"})}, `k="{A:1 B:<x>}"`, `"k":{"A":1,"B":"<x>"}`},
		{"nothing JSON knows", []slog.Attr{slog.Any("k", struct{ F func() }{})}, `k={F:<nil>}`, `"k":"!ERROR: json: unsupported type: func()"`},
		{"error that panics", []slog.Attr{slog.Any("err", panickyError{})}, `err="%!v(PANIC=Error method: no text)"`, `"err":"%!v(PANIC=Error method: no text)"`},
		{"marshaler that panics", []slog.Attr{slog.Any("k", panickyText{})}, `k="!PANIC: no text"`, `"k":"!PANIC: no text"`},
		{"marshaler that fails", []slog.Attr{slog.Any("k", badText{})}, `k="!ERROR: out of ink"`, ``},
		{"groups", []slog.Attr{group("g", slog.Int("a", 1), group("h", slog.Int("b", 2)), group("none"))}, `g.a=1 g.h.b=2`, `"g.a":1,"g.h.b":2`},
		{"unwritable keys", []slog.Attr{intAttr("", 1), intAttr(" ", 2), intAttr("a b", 3)}, `!BADKEY=1 !BADKEY=2 ab=3`, `"!BADKEY":2,"a b":3`},
		{"keys of ours", []slog.Attr{intAttr("level", 1), intAttr("msg", 2), intAttr("ts", 3)}, `attr_level=1 attr_msg=2 attr_ts=3`, `"attr_level":1,"attr_msg":2,"attr_ts":3`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var buf bytes.Buffer
			if err := NewHandler(Options{Writer: &buf}).Handle(t.Context(), newRecord(tc.attrs...)); err != nil {
				t.Fatal(err)
			}
			want := logfmtHead + "\n"
			if tc.logfmt != "" {
				want = logfmtHead + " " + tc.logfmt + "\n"
			}
			if diff := cmp.Diff(want, buf.String()); diff != "" {
				t.Errorf("logfmt (-want +got):\n%s", diff)
			}

			buf.Reset()
			if err := NewHandler(Options{Format: FormatJSON, Writer: &buf}).Handle(t.Context(), newRecord(tc.attrs...)); err != nil {
				t.Fatal(err)
			}
			want = "{" + jsonTail
			if tc.json != "" {
				want = "{" + tc.json + "," + jsonTail
			}
			if tc.name == "marshaler that fails" { // The wording is encoding/json's.
				if m := parseJSON(t, buf.String()); !strings.Contains(fmt.Sprint(m["k"]), "out of ink") {
					t.Errorf("k = %q, want the error", m["k"])
				}
				return
			}
			if diff := cmp.Diff(want, buf.String()); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTextsAreFit logs texts without end that would steer a terminal, in every way that a text comes into a line.
func TestTextsAreFit(t *testing.T) {
	ugly := strings.Repeat("\x1b]0;owned\a\u202e\r\nlevel=error msg=forged \u2028\xff<&\"", 10_000)
	err := errors.New(ugly)
	for name, tc := range map[string]struct {
		log   func(l *slog.Logger)
		limit int
	}{
		"string":         {func(l *slog.Logger) { l.Info("m", "k", ugly) }, printable.MaxLog},
		"with":           {func(l *slog.Logger) { l.With("k", ugly).Info("m") }, printable.MaxLog},
		"group":          {func(l *slog.Logger) { l.Info("m", slog.Group("g", "k", ugly)) }, printable.MaxLog},
		"bytes":          {func(l *slog.Logger) { l.Info("m", "k", []byte(ugly)) }, printable.MaxLog},
		"strings":        {func(l *slog.Logger) { l.Info("m", "k", []string{ugly, ugly}) }, printable.MaxLog},
		"struct":         {func(l *slog.Logger) { l.Info("m", "k", struct{ S string }{ugly}) }, printable.MaxLog},
		"map":            {func(l *slog.Logger) { l.Info("m", "k", map[string]string{ugly: ugly}) }, printable.MaxLog},
		"URL":            {func(l *slog.Logger) { l.Info("m", "k", &url.URL{Scheme: "http", Host: ugly}) }, printable.MaxLog},
		"text marshaler": {func(l *slog.Logger) { l.Info("m", "k", &nilError{ugly}) }, printable.MaxError},
		"valuer":         {func(l *slog.Logger) { l.Info("m", "k", valuer(ugly)) }, printable.MaxLog},
		"error":          {func(l *slog.Logger) { l.Info("m", "err", err) }, printable.MaxError},
		"errors":         {func(l *slog.Logger) { l.Info("m", "err", errors.Join(err, err)) }, printable.MaxError},
		"message":        {func(l *slog.Logger) { l.Info(ugly) }, printable.MaxError}, //nolint:sloglint // it is about the message
		"key":            {func(l *slog.Logger) { l.Info("m", ugly, 1) }, printable.MaxLog},
		"name of group":  {func(l *slog.Logger) { l.WithGroup(ugly).Info("m", "k", 1) }, printable.MaxLog},
		"old logger":     {func(l *slog.Logger) { slog.NewLogLogger(l.Handler(), slog.LevelInfo).Print(ugly) }, printable.MaxError},
	} {
		for _, format := range []Format{FormatLogfmt, FormatJSON} {
			t.Run(name+" as "+string(format), func(t *testing.T) {
				var buf bytes.Buffer
				tc.log(New(Options{Format: format, Writer: &buf}))
				line, ok := strings.CutSuffix(buf.String(), "\n")
				const head, escapes = 100, 6 // logfmt writes U+FFFD as \ufffd
				if most := head + escapes*tc.limit; !ok || len(line) > most || !printable.Is(line) {
					t.Errorf("the line has %d bytes, want at most %d, and all of it to be printed: %.300q", len(line), most, line)
				}
				parse := map[Format]func(*testing.T, string) map[string]any{FormatLogfmt: parseLogfmt, FormatJSON: parseJSON}[format]
				for k, v := range parse(t, buf.String()) {
					const mark = 40
					if text := fmt.Sprint(v); len(text) > 3*tc.limit+mark || !printable.Is(text) || !printable.Is(k) {
						t.Errorf("%.100q has the value %.100q of %d bytes", k, text, len(text))
					}
				}
			})
		}
	}
}

type valuer string

func (v valuer) LogValue() slog.Value { return slog.StringValue(string(v)) }

func TestLogValuerThatPanics(t *testing.T) {
	for _, format := range []Format{FormatLogfmt, FormatJSON} {
		var buf bytes.Buffer
		New(Options{Format: format, Writer: &buf}).With("with", panickyValuer{}).Info("Hello", "k", panickyValuer{}, "nil", (*slogValuer)(nil))
		if n := strings.Count(buf.String(), "\n"); n != 1 {
			t.Errorf("%s: %d lines, want 1:\n%s", format, n, buf.String())
		}
		if n := strings.Count(buf.String(), "LogValue panicked"); n != 3 {
			t.Errorf("%s: %d values tell of the panic, want 3:\n%s", format, n, buf.String())
		}
	}
}

type slogValuer struct{ v slog.Value }

func (s *slogValuer) LogValue() slog.Value { return s.v }

func TestWith(t *testing.T) {
	var buf bytes.Buffer
	h := NewHandler(Options{Writer: &buf}).WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("").WithGroup("g")
	// Two children of one handler must not share the tail of its attributes.
	one := h.WithAttrs([]slog.Attr{slog.Int("b", 2)})
	two := h.WithAttrs([]slog.Attr{slog.Int("c", 3)}).WithGroup("h")
	r := newRecord(slog.Int("z", 9))
	r.Time = time.Time{}
	for _, h := range []slog.Handler{one, two, h} {
		if err := h.Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	want := `level=info msg="Hello world" a=1 g.b=2 g.z=9
level=info msg="Hello world" a=1 g.c=3 g.h.z=9
level=info msg="Hello world" a=1 g.z=9
`
	if diff := cmp.Diff(want, buf.String()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestLevels(t *testing.T) {
	var level slog.LevelVar
	var buf bytes.Buffer
	l := New(Options{Level: &level, Writer: &buf})
	for _, tc := range []struct {
		set  slog.Level
		want string
	}{
		{slog.LevelDebug, "debug info info+1 warn error"},
		{slog.LevelInfo, "info info+1 warn error"},
		{slog.LevelError, "error"},
		{LevelNone, ""},
	} {
		level.Set(tc.set)
		buf.Reset()
		for _, at := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelInfo + 1, slog.LevelWarn, slog.LevelError, LevelNone} {
			l.Log(t.Context(), at, "Hello")
		}
		var got []string
		for line := range strings.Lines(buf.String()) {
			got = append(got, fmt.Sprint(parseLogfmt(t, line)["level"]))
		}
		if got := strings.Join(got, " "); got != tc.want {
			t.Errorf("at %v: levels %q, want %q", tc.set, got, tc.want)
		}
	}
}

func TestZeroOptions(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func(f *os.File) { os.Stderr = f }(os.Stderr)
	os.Stderr = w
	l := New(Options{})
	l.Debug("Hidden")
	l.Info("Shown")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(got), "ts=") || !strings.HasSuffix(string(got), " level=info msg=Shown\n") {
		t.Errorf("standard error got %q, want one logfmt line at info", got)
	}
}

// lineWriter fails the test if two Writes overlap or one is not a line.
type lineWriter struct {
	t     *testing.T
	mu    sync.Mutex
	lines int
}

func (w *lineWriter) Write(p []byte) (int, error) {
	if !w.mu.TryLock() {
		w.t.Error("two Writes at a time")
		return len(p), nil
	}
	defer w.mu.Unlock()
	if bytes.Count(p, []byte("\n")) != 1 || p[len(p)-1] != '\n' {
		w.t.Errorf("wrote %q, want one line", p)
	}
	w.lines++
	return len(p), nil
}

func TestConcurrentUse(t *testing.T) {
	const goroutines, lines = 8, 100
	for _, format := range []Format{FormatLogfmt, FormatJSON} {
		w := &lineWriter{t: t}
		l := New(Options{Format: format, Writer: w})
		var wg sync.WaitGroup
		for g := range goroutines {
			wg.Go(func() {
				l := l.With("g", g)
				for i := range lines {
					l.Info("Hello", "i", i, "text", "two\nlines")
				}
			})
		}
		wg.Wait()
		if w.lines != goroutines*lines {
			t.Errorf("%s: %d lines, want %d", format, w.lines, goroutines*lines)
		}
	}
}

type fullDisk struct{}

var errFull = errors.New("no space left")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWriteError(t *testing.T) {
	for _, format := range []Format{FormatLogfmt, FormatJSON} {
		if err := NewHandler(Options{Format: format, Writer: fullDisk{}}).Handle(t.Context(), newRecord()); !errors.Is(err, errFull) {
			t.Errorf("%s: Handle returned %v, want %v", format, err, errFull)
		}
	}
}

func TestParse(t *testing.T) {
	for in, want := range map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "WARN": slog.LevelWarn, "error": slog.LevelError} {
		if got, err := ParseLevel(in); got != want || err != nil {
			t.Errorf("ParseLevel(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for in, want := range map[string]Format{"logfmt": FormatLogfmt, "JSON": FormatJSON} {
		if got, err := ParseFormat(in); got != want || err != nil {
			t.Errorf("ParseFormat(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "none", "info+1", "warning"} {
		if _, err := ParseLevel(in); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q, want debug", in)) {
			t.Errorf("ParseLevel(%q): error %v, want one that says what it wants", in, err)
		}
		if _, err := ParseFormat(in); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q, want logfmt", in)) {
			t.Errorf("ParseFormat(%q): error %v, want one that says what it wants", in, err)
		}
	}
}

func TestDisabledAllocates(t *testing.T) {
	l := New(Options{Writer: io.Discard})
	if n := testing.AllocsPerRun(100, func() { logLine(t, l, slog.LevelDebug) }); n != 0 {
		t.Errorf("a disabled line allocates %v times, want 0", n)
	}
}

// logLine logs one line with 5 attributes.
func logLine(tb testing.TB, l *slog.Logger, level slog.Level) {
	l.Log(tb.Context(), level, "Probe failed", "target", "https://a.example/health", "module", "http_2xx",
		"reason", "status", "status_code", 503, "duration_seconds", 0.125)
}

func BenchmarkLine(b *testing.B) {
	for _, format := range []Format{FormatLogfmt, FormatJSON} {
		l := New(Options{Format: format, Writer: io.Discard})
		b.Run(string(format), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				logLine(b, l, slog.LevelInfo)
			}
		})
	}
	b.Run("disabled", func(b *testing.B) {
		l := New(Options{Level: LevelNone, Writer: io.Discard})
		b.ReportAllocs()
		for b.Loop() {
			logLine(b, l, slog.LevelInfo)
		}
	})
}
