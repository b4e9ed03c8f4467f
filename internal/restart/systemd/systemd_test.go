package systemd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// A fakeManager has one unit.
type fakeManager struct {
	all      map[string]any
	broken   error // of properties
	result   string
	err      error // of restart
	restarts int
	open     int
}

func (f *fakeManager) properties(_ context.Context, name string) (map[string]any, error) {
	if name != "web.service" {
		return map[string]any{"LoadState": "not-found"}, f.broken
	}
	return f.all, f.broken
}

func (f *fakeManager) restart(context.Context, string) (string, error) {
	f.restarts++
	return f.result, f.err
}

func (f *fakeManager) close() { f.open-- }

func (f *fakeManager) backend() *Backend {
	return &Backend{cfg: Config{Unit: "web.service"}, connect: func(context.Context, string) (manager, error) {
		f.open++
		return f, nil
	}}
}

var now = time.Now().Truncate(time.Microsecond)

func micros(t time.Time) uint64 { return uint64(t.UnixMicro()) } //nolint:gosec // of our time

// running returns the properties of a unit that has run for an hour, with changes.
func running(changes map[string]any) map[string]any {
	all := map[string]any{
		"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "Result": "success",
		"InvocationID": []byte{0xab, 0xcd}, "Job": []any{uint32(0), "/"}, "LoadError": []any{"", ""},
		"RefuseManualStart": false, "RefuseManualStop": false, "NRestarts": uint32(0),
		"StartLimitBurst": uint32(5), "StartLimitIntervalUSec": uint64(10_000_000),
		"TimeoutStopUSec": uint64(90_000_000), "TimeoutStartUSec": uint64(30_000_000),
		"InactiveExitTimestamp": micros(now.Add(-time.Hour)), "ExecMainStartTimestamp": micros(now.Add(-time.Hour)),
		"ActiveEnterTimestamp":           micros(now.Add(-59 * time.Minute)),
		"InactiveExitTimestampMonotonic": uint64(100), "ActiveExitTimestampMonotonic": uint64(50), "ExecMainExitTimestampMonotonic": uint64(40),
	}
	maps.Copy(all, changes)
	return all
}

func TestStatus(t *testing.T) {
	failed := func(result string, activeExit, mainExit uint64) map[string]any {
		return running(map[string]any{
			"ActiveState": "failed", "SubState": "failed", "Result": result,
			"ActiveExitTimestampMonotonic": activeExit, "ExecMainExitTimestampMonotonic": mainExit,
		})
	}
	for _, tt := range []struct {
		name   string
		all    map[string]any
		unfit  restart.Unfit
		detail string
	}{
		{"running", running(nil), "", "systemd says active (running)"},
		{"nothing is known", map[string]any{}, restart.UnfitMissing, "systemd says "},
		{"another state", running(map[string]any{"ActiveState": "refreshing", "SubState": "x"}), restart.UnfitRolling, "systemd says refreshing (x)"},
		{"masked", running(map[string]any{"LoadState": "masked"}), restart.UnfitStopped, "systemd says masked; somebody has masked it"},
		{
			"not to be started by hand", running(map[string]any{"RefuseManualStart": true}),
			restart.UnfitStopped, "systemd says active (running); RefuseManualStart or RefuseManualStop forbids it",
		},
		{
			"not to be stopped by hand", running(map[string]any{"RefuseManualStop": true}),
			restart.UnfitStopped, "systemd says active (running); RefuseManualStart or RefuseManualStop forbids it",
		},
		{
			"broken file", running(map[string]any{"LoadState": "bad-setting", "LoadError": []any{"x", "no ExecStart"}}),
			restart.UnfitMissing, "systemd says bad-setting; no ExecStart",
		},
		{
			"about to be started again", running(map[string]any{"ActiveState": "activating", "SubState": "auto-restart"}),
			restart.UnfitLooping, "systemd says activating (auto-restart); it is about to start it again",
		},
		{"a job waits", running(map[string]any{"Job": []any{uint32(7), "/7"}}), restart.UnfitRolling, "systemd says active (running); it has a job for it"},
		{
			"restarted a moment ago", running(map[string]any{"NRestarts": uint32(3), "ExecMainStartTimestamp": micros(now.Add(-30 * time.Second))}),
			restart.UnfitLooping, "systemd says active (running); it has restarted it 3 times, the last one 30s ago",
		},
		{"restarted long ago", running(map[string]any{"NRestarts": uint32(3)}), "", "systemd says active (running)"},
		{
			"near the limit", running(map[string]any{"StartLimitIntervalUSec": uint64(3600_000_000), "StartLimitBurst": uint32(3)}),
			restart.UnfitLimited, "systemd says active (running); started 59m0s ago, and systemd may refuse one more start within 1h0m0s (StartLimitBurst 3)",
		},
		{
			"limit for ever", running(map[string]any{"StartLimitIntervalUSec": uint64(math.MaxUint64)}),
			restart.UnfitLimited, "systemd says active (running); started 59m0s ago, and systemd may refuse one more start, however long it waits (StartLimitBurst 5)",
		},
		{"frozen", running(map[string]any{"FreezerState": "frozen"}), restart.UnfitPaused, "systemd says active (running); somebody has frozen it"},
		{"thawing", running(map[string]any{"FreezerState": "thawing"}), restart.UnfitPaused, "systemd says active (running); somebody has frozen it"},
		{"never frozen", running(map[string]any{"FreezerState": "running"}), "", "systemd says active (running)"},
		{"no limit", running(map[string]any{"StartLimitIntervalUSec": uint64(3600_000_000), "StartLimitBurst": uint32(0)}), "", "systemd says active (running)"},
		{"crashed", failed("exit-code", 200, 199), "", "systemd says failed (exit-code)"},
		{"failed when stopped", failed("exit-code", 200, 201), restart.UnfitStopped, "systemd says failed (exit-code); it failed when it was stopped"},
		{"killed when stopped", failed("timeout", 200, 290), restart.UnfitStopped, "systemd says failed (timeout); it failed when it was stopped"},
		{"no main process", failed("timeout", 200, 0), restart.UnfitStopped, "systemd says failed (timeout); it failed when it was stopped"},
		{"never became active", failed("exit-code", 90, 101), "", "systemd says failed (exit-code)"},
		{"its watchdog bit", failed("watchdog", 200, 290), "", "systemd says failed (watchdog)"},
		{"out of memory", failed("oom-kill", 200, 290), "", "systemd says failed (oom-kill)"},
		{"too many starts", failed("start-limit-hit", 200, 290), "", "systemd says failed (start-limit-hit)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := unitOf(tt.all).status(now)
			if s.Unfit != tt.unfit || s.Detail != tt.detail {
				t.Errorf("got %q, %q, want %q, %q", s.Unfit, s.Detail, tt.unfit, tt.detail)
			}
		})
	}
}

func TestStatusFields(t *testing.T) {
	want := restart.Status{
		Identity: "abcd", Running: true, Detail: "systemd says active (running)",
		StartedAt: now.Add(-59 * time.Minute), Takes: 130 * time.Second,
	}
	if diff := cmp.Diff(want, unitOf(running(nil)).status(now)); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if unitOf(running(map[string]any{"ActiveState": "failed"})).status(now).Running {
		t.Error("a failed unit is said to run")
	}
	forever := running(map[string]any{"TimeoutStopUSec": uint64(math.MaxUint64), "TimeoutStartUSec": uint64(math.MaxUint64)})
	if got := unitOf(forever).status(now).Takes; got != 0 {
		t.Errorf("without a limit it takes %s, want that nothing is known", got)
	}
}

func TestInspect(t *testing.T) {
	f := fakeManager{all: running(nil)}
	if s, err := f.backend().Inspect(t.Context()); err != nil || s.Identity != "abcd" || f.open != 0 {
		t.Errorf("got %+v, %v, %d connections left, want the unit and none", s, err, f.open)
	}
}

func TestRestart(t *testing.T) {
	stopped := running(map[string]any{"ActiveState": "inactive", "SubState": "dead"})
	denied := fmt.Errorf("%w: access denied", restart.ErrRefused)
	for _, tt := range []struct {
		name     string
		manager  fakeManager
		before   string
		restarts int
		refused  bool
		want     string // empty: no error
	}{
		{"done", fakeManager{all: running(nil), result: "done"}, "abcd", 1, false, ""},
		{"done, not looked at before", fakeManager{all: running(nil), result: "done"}, "", 1, false, ""},
		{"failed", fakeManager{all: running(nil), result: "failed"}, "", 1, false, `restarting the unit "web.service": the job of systemd ended with "failed", want "done"; it is active (running) now`},
		{"denied", fakeManager{all: running(nil), err: denied}, "", 1, true, `restarting the unit "web.service": refused by the back-end: access denied`},
		{"broken off", fakeManager{all: running(nil), err: context.DeadlineExceeded}, "", 1, false, `restarting the unit "web.service": context deadline exceeded`},
		{"stopped", fakeManager{all: stopped}, "", 0, true, `refused by the back-end: the unit "web.service" is stopped: systemd says inactive (dead)`},
		{"another run", fakeManager{all: running(nil)}, "ef", 0, true, `refused by the back-end: the unit "web.service" was restarted by somebody else since it was looked at`},
		{"no answer", fakeManager{broken: errors.New("hung up")}, "", 0, true, `refused by the back-end: asking systemd for the unit "web.service": hung up`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := tt.manager
			err := f.backend().Restart(t.Context(), restart.Attempt{Before: restart.Status{Identity: tt.before}})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || errors.Is(err, restart.ErrRefused) != tt.refused {
				t.Errorf("got %q, refused %t, want %q, %t", got, errors.Is(err, restart.ErrRefused), tt.want, tt.refused)
			}
			if f.restarts != tt.restarts || f.open != 0 {
				t.Errorf("restarted %d times, %d connections left, want %d and none", f.restarts, f.open, tt.restarts)
			}
		})
	}
}

func TestNew(t *testing.T) {
	b, err := New(Config{Unit: "web.service"})
	if connect == nil {
		if err == nil || !strings.Contains(err.Error(), "built with the tag nosystemd") {
			t.Errorf("left out of the build the error is %v", err)
		}
		return
	}
	if err != nil || b.Kind() != "systemd" {
		t.Errorf("got %v, %v", b, err)
	}
}

// A start that systemd may refuse is allowed again at a known time, unless its interval has no end.
func TestLimitedUntil(t *testing.T) {
	for _, tt := range []struct {
		name     string
		interval uint64 // in microseconds
		want     time.Time
	}{
		{"an hour", 3600_000_000, now.Add(time.Minute)},
		{"over", 10_000_000, time.Time{}},
		{"without end", math.MaxUint64, time.Time{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := unitOf(running(map[string]any{"StartLimitIntervalUSec": tt.interval})).status(now)
			if !s.FitAt.Equal(tt.want) {
				t.Errorf("it is %q until %s, want %s", s.Unfit, s.FitAt, tt.want)
			}
		})
	}
}

// A start by systemd itself (Restart=) is not somebody else's.
func TestStartedByItself(t *testing.T) {
	for restarts, want := range map[uint32]bool{0: false, 2: true} {
		if s := unitOf(running(map[string]any{"NRestarts": restarts})).status(now); s.Itself != want {
			t.Errorf("after %d restarts of systemd got %+v, want by itself: %t", restarts, s, want)
		}
	}
}
