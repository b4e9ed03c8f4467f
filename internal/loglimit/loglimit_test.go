package loglimit

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A buffer may be written to and read at a time.
type buffer struct {
	mu sync.Mutex // protects the following
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.b.Reset()
	return b.b.String()
}

// lines is a limited logger and what it has written.
func lines() (*slog.Logger, func() []string) {
	var b buffer
	text := slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}})
	return slog.New(New(text)), func() []string {
		synctest.Wait()
		return strings.Split(strings.TrimSpace(b.take()), "\n")
	}
}

func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, got := lines()
		expect := func(when string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, got()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		for i := range 1000 {
			log.With("component", "webhook").Warn("Refused delivery", "i", i)
		}
		log.Warn("Refused operator")
		expect("at once", `msg="Refused delivery" component=webhook i=0`, `msg="Refused operator"`)
		time.Sleep(Interval)
		expect("after the interval", `msg="Refused delivery" component=webhook i=999 suppressed=998`)
		log.Warn("Refused delivery", "i", 1000)
		expect("soon after", "")
		time.Sleep(Interval)
		expect("one more interval", `msg="Refused delivery" i=1000`)
		time.Sleep(2 * Interval)
		log.Warn("Refused delivery", "i", 1001)
		expect("after a pause", `msg="Refused delivery" i=1001`)
		time.Sleep(2 * Interval) // the timers end
	})
}

// Ten seconds of as much as one can send are eleven lines.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, got := lines()
		for range 1000 {
			for range 100 {
				log.Warn("Refused operator", "path", strings.Repeat("x", 100))
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := len(got()); n > 11 {
			t.Errorf("%d lines, want at most 11", n)
		}
		time.Sleep(2 * Interval)
	})
}
