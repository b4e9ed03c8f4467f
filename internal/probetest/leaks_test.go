package probetest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// recorder is a test that notes its failures.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestNoLeaks(t *testing.T) {
	for _, tc := range []struct {
		name string
		leak func(t *testing.T) (stop func())
		want string // empty: no failure
	}{
		{"nothing", func(*testing.T) func() { return func() {} }, ""},
		{"goroutine", leakGoroutine, "leaked 1 goroutines and 0 files"},
		{"file", leakFile, "leaked 0 goroutines and 1 files"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.name == "file" && openFiles() == nil {
				t.Skip("files are not counted here")
			}
			defer NoLeaks(t)() // Once the leak is stopped, all is well.
			r := &recorder{TB: t}
			check := noLeaks(r, 10*time.Millisecond)
			stop := tc.leak(t)
			defer stop()
			check()
			switch got := strings.Join(r.failures, "\n"); {
			case tc.want == "" && got != "":
				t.Errorf("failed, want no failure:\n%s", got)
			case !strings.Contains(got, tc.want):
				t.Errorf("want a failure about %q, got:\n%s", tc.want, got)
			case tc.want != "" && !strings.Contains(got, "TestNoLeaks"):
				t.Errorf("want the stacks of all goroutines, got:\n%s", got)
			}
		})
	}
}

func leakGoroutine(*testing.T) func() {
	stop := make(chan struct{})
	go func() { <-stop }()
	return func() { close(stop) }
}

func leakFile(t *testing.T) func() {
	t.Helper()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = f.Close() }
}

func TestNoLeaksWaits(t *testing.T) {
	check := NoLeaks(t)
	for range 10 {
		go pause(t.Context(), 20*time.Millisecond)
	}
	check()
}

func TestHeapInUse(t *testing.T) {
	const size, tolerance = 8 << 20, 1 << 20
	before := HeapInUse(t)
	b := make([]byte, size)
	if grown := int64(HeapInUse(t) - before); grown < size-tolerance {
		t.Errorf("heap grew by %d bytes, want about %d", grown, size)
	}
	runtime.KeepAlive(b)
	if grown := int64(HeapInUse(t) - before); grown > tolerance {
		t.Errorf("heap grew by %d bytes after all was let go, want next to nothing", grown)
	}
}
