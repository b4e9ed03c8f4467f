package prober

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A scripted prober fails until its n-th attempt and takes its time.
type scripted struct {
	succeedAt int // 0: never
	takes     time.Duration
	allowed   []time.Duration
}

func (s *scripted) Probe(ctx context.Context, _ Request) Result {
	deadline, _ := ctx.Deadline()
	s.allowed = append(s.allowed, time.Until(deadline))
	res := Result{Start: time.Now()}
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		res.Reason, res.Err = ReasonRequestTimeout, ctx.Err()
		return res
	}
	if len(s.allowed) != s.succeedAt {
		res.Reason, res.Err = ReasonStatus, errors.New("status 503")
	}
	return res
}

type panicking struct{}

func (panicking) Probe(context.Context, Request) Result { panic("a mistake") }

func TestPanic(t *testing.T) {
	p := &retrying{prober: panicking{}, attempts: 2, timeout: time.Minute}
	res := p.Probe(t.Context(), Request{})
	if res.Reason != ReasonInternal || res.Err == nil || !strings.Contains(res.Err.Error(), "a mistake") || res.Attempts != 2 {
		t.Errorf("result is %+v, want reason internal after 2 attempts", res)
	}
}

func TestRetry(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name     string
		prober   scripted
		attempts int
		delay    time.Duration
		timeout  time.Duration // 0: no deadline
		ok       bool
		made     int
		took     time.Duration
		allowed  []time.Duration
	}{
		{"one attempt", scripted{takes: s}, 1, 0, 10 * s, false, 1, s, []time.Duration{10 * s}},
		{"success at once", scripted{takes: s, succeedAt: 1}, 3, s, 10 * s, true, 1, s, []time.Duration{10 * s / 3}},
		{"success at the second", scripted{takes: s, succeedAt: 2}, 3, s, 9 * s, true, 2, 3 * s, []time.Duration{3 * s, 7 * s / 2}},
		{"never", scripted{takes: s}, 3, s, 12 * s, false, 3, 5 * s, []time.Duration{4 * s, 5 * s, 8 * s}},
		{"hangs", scripted{takes: time.Hour}, 3, 0, 9 * s, false, 3, 9 * s, []time.Duration{3 * s, 3 * s, 3 * s}},
		{"no time for the pause", scripted{takes: 2 * s}, 3, time.Hour, 6 * s, false, 1, 2 * s, []time.Duration{2 * s}},
		{"no deadline", scripted{takes: time.Hour}, 1, 0, 0, false, 1, 7 * s, []time.Duration{7 * s}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &retrying{prober: &tt.prober, attempts: tt.attempts, delay: tt.delay, timeout: 7 * s}
				ctx, want := t.Context(), 7*s
				if tt.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.timeout)
					defer cancel()
					want = tt.timeout
				}
				start := time.Now()
				res := p.Probe(ctx, Request{})
				if res.Success() != tt.ok || res.Attempts != tt.made || res.Duration != tt.took || res.Timeout != want || !res.Start.Equal(start) {
					t.Errorf("success %t after %d attempts in %s of %s, want %t after %d in %s of %s",
						res.Success(), res.Attempts, res.Duration, res.Timeout, tt.ok, tt.made, tt.took, want)
				}
				for i, want := range tt.allowed {
					if i >= len(tt.prober.allowed) || tt.prober.allowed[i] != want {
						t.Errorf("attempts were allowed %v, want %v", tt.prober.allowed, tt.allowed)
						break
					}
				}
			})
		})
	}
}
