package supervisord

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// is returns a process that was started an hour ago.
func is(state int64) process { return process{state: state, start: 1000, now: 4600} }

func TestInspect(t *testing.T) {
	for _, tt := range []struct {
		state  int64
		unfit  restart.Unfit
		detail string
	}{
		{running, "", "supervisord says RUNNING"},
		{fatal, "", "supervisord says FATAL"},
		{stopped, restart.UnfitStopped, "supervisord says STOPPED"},
		{exited, restart.UnfitStopped, "supervisord says EXITED"},
		{backoff, restart.UnfitLooping, "supervisord says BACKOFF"},
		{starting, restart.UnfitRolling, "supervisord says STARTING"},
		{stopping, restart.UnfitRolling, "supervisord says STOPPING"},
		{1000, restart.UnfitRolling, "supervisord says state 1000"},
	} {
		f := newFake(t, is(tt.state))
		s, err := f.backend().Inspect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if age := time.Since(s.StartedAt).Round(time.Minute); age != time.Hour {
			t.Errorf("started %s ago, want an hour by the clock of supervisord", age)
		}
		s.StartedAt = time.Time{}
		want := restart.Status{Identity: "group:web@1000", Running: tt.state == running, Unfit: tt.unfit, Detail: tt.detail, Takes: 33 * time.Second}
		if diff := cmp.Diff(want, s); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		if tt.unfit != "" {
			if err := f.backend().Restart(t.Context(), restart.Attempt{}); !errors.Is(err, restart.ErrRefused) {
				t.Errorf("%s: the restart ended with %v, want that it is refused", tt.detail, err)
			}
		}
		if tt.unfit != "" && len(f.called()) > 0 {
			t.Errorf("%s: called %q", tt.detail, f.called())
		}
	}
}

func TestRestart(t *testing.T) {
	const stop, start = "stopProcess group:web 1", "startProcess group:web 1"
	for _, tt := range []struct {
		name    string
		state   int64
		fail    map[string]string
		calls   []string
		refused bool
		want    string // empty: no error
	}{
		{"running", running, nil, []string{stop, start}, false, ""},
		{"given up", fatal, nil, []string{start}, false, ""},
		{"removed when it had given up", fatal, map[string]string{"startProcess": "fault 10"}, []string{start}, true, "fault 10"},
		{"shuts down when it had given up", fatal, map[string]string{"startProcess": "fault 6"}, []string{start}, true, "fault 6"},
		{"given up again", fatal, map[string]string{"startProcess": "fault 50"}, []string{start}, false, `starting the process "group:web": calling supervisor.startProcess: fault 50, TEXT: group:web`},
		{"started meanwhile", fatal, map[string]string{"startProcess": "fault 60"}, []string{start}, true, "fault 60"},
		{"ended meanwhile", running, map[string]string{"stopProcess": "fault 70"}, []string{stop}, true, `stopping the process "group:web": calling supervisor.stopProcess: fault 70`},
		{"removed meanwhile", running, map[string]string{"stopProcess": "fault 10"}, []string{stop}, true, "fault 10"},
		{"shuts down at the start", running, map[string]string{"startProcess": "fault 6"}, []string{stop, start}, false, "fault 6"},
		{"cannot be stopped", running, map[string]string{"stopProcess": "fault 30"}, []string{stop}, false, "fault 30"},
		{"shuts down", running, map[string]string{"stopProcess": "fault 6"}, []string{stop}, true, "fault 6"},
		{"cannot be started", running, map[string]string{"startProcess": "fault 40"}, []string{stop, start}, false, `starting the process "group:web": calling supervisor.startProcess: fault 40`},
		{"hangs at the stop", running, map[string]string{"stopProcess": "hang"}, []string{stop, start}, false, ""},
		{"gone after the stop", running, map[string]string{"stopProcess": "break after"}, []string{stop, start}, false, ""},
		{"gone after the start", running, map[string]string{"startProcess": "break after"}, []string{stop, start}, false, ""},
		{"missing", running, map[string]string{"getProcessInfo": "fault 10"}, nil, true, `the process "group:web" is missing: supervisord has no process of this name`},
		{"no answer", running, map[string]string{"getProcessInfo": "break before"}, nil, true, `asking supervisord for the process "group:web": calling supervisor.getProcessInfo: EOF`},
		{"an old one", running, map[string]string{"getAllConfigInfo": "fault 1"}, []string{stop, start}, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t, is(tt.state))
			for method, how := range tt.fail {
				f.breaks(method, how)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			f.hung = cancel // what is stopped is started even so
			err := f.backend().Restart(ctx, restart.Attempt{})
			if err == nil != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) || errors.Is(err, restart.ErrRefused) != tt.refused {
				t.Errorf("got %v, want %q, refused %t", err, tt.want, tt.refused)
			}
			if diff := cmp.Diff(tt.calls, f.called()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if strings.Contains(fmt.Sprint(err), "canary") {
				t.Errorf("a secret is in %v", err)
			}
		})
	}
}

// Once the process was told to stop, no error is a refusal any more, even if the start was not sent: a reader of "nothing was
// done" would leave the process stopped.
func TestLostAfterTheStop(t *testing.T) {
	f := newFake(t, is(running))
	b := f.backend()
	b.least = time.Millisecond
	f.breaks("getAllConfigInfo", "fault 1") // otherwise it says how long a start may take
	f.locksAfterStop = true
	err := b.Restart(t.Context(), restart.Attempt{})
	if err == nil || errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), "after it was to stop") {
		t.Errorf("error is %v, want one that is not a refusal", err)
	}
	if diff := cmp.Diff([]string{"stopProcess group:web 1"}, f.called()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// A process that somebody else has restarted is left alone.
func TestRestartedByOthers(t *testing.T) {
	f := newFake(t, is(running))
	a := restart.Attempt{Before: restart.Status{Identity: "group:web@999"}}
	if err := f.backend().Restart(t.Context(), a); !errors.Is(err, restart.ErrRefused) || len(f.called()) > 0 {
		t.Errorf("got %v with the calls %q, want that it is refused", err, f.called())
	}
}

// A stopped process is started only if this attempt has stopped it.
func TestFinish(t *testing.T) {
	at := func(state, stop int64) process { return process{state: state, start: 1000, stop: stop, now: 4600} }
	for _, tt := range []struct {
		name   string
		p      process
		before string
		ago    time.Duration // the attempt
		want   bool
	}{
		{"stopped by it", at(stopped, 4580), "group:web@1000", 21 * time.Second, true},
		{"stopped by it long ago", at(stopped, 1100), "group:web@1000", 3502 * time.Second, true},
		{"stopped before it", at(stopped, 4570), "group:web@1000", 20 * time.Second, false},
		{"stopped long after it", at(stopped, 4580), "group:web@1000", 10 * time.Minute, false},
		{"being stopped long after it", at(stopping, 0), "group:web@1000", 10 * time.Minute, false},
		{"another run", at(stopped, 4580), "group:web@999", 21 * time.Second, false},
		{"never looked at", at(stopped, 4580), "", 21 * time.Second, false},
		{"never run", process{state: stopped, now: 4600}, "group:web@0", 21 * time.Second, false},
		{"running", at(running, 4580), "group:web@1000", 21 * time.Second, false},
		{"ended by itself", at(exited, 4580), "group:web@1000", 21 * time.Second, false},
		{"given up", at(fatal, 4580), "group:web@1000", 21 * time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t, tt.p)
			tried, err := f.backend().Finish(t.Context(), restart.Attempt{At: time.Now().Add(-tt.ago), Before: restart.Status{Identity: tt.before}})
			var want []string
			if tt.want {
				want = []string{"startProcess group:web 1"}
			}
			if err != nil || tried != tt.want || !cmp.Equal(want, f.called()) {
				t.Errorf("tried %t, %v, with the calls %q, want %t", tried, err, f.called(), tt.want)
			}
		})
	}
}

// A process that the attempt has told to stop and is still stopping is waited for, without asking for the configuration of all
// processes again and again.
func TestFinishStopping(t *testing.T) {
	f := newFake(t, is(stopping))
	f.stopsAfter = 3
	tried, err := f.backend().Finish(t.Context(), restart.Attempt{At: time.Now(), Before: restart.Status{Identity: "group:web@1000"}})
	if err != nil || !tried || len(f.called()) != 1 || f.configs != 1 {
		t.Errorf("tried %t, %v, with the calls %q, and asked for the configuration %d times, want once", tried, err, f.called(), f.configs)
	}
}

func TestUnreachable(t *testing.T) {
	f := newFake(t, is(running))
	b := f.backend()
	b.cfg.BasicAuth.Password = "wrong"
	other, err := New(b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	gone, err := New(Config{Process: "web", URL: "unix:///nowhere/socket"})
	if err != nil {
		t.Fatal(err)
	}
	for want, b := range map[string]*Backend{
		"calling supervisor.getProcessInfo: status 401, want 200": other,
		"connect: no such file or directory":                      gone,
	} {
		if _, err := b.Inspect(t.Context()); !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}

func TestKind(t *testing.T) {
	if got := new(Backend).Kind(); got != "supervisord" {
		t.Errorf("kind %q", got)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add("<methodResponse><params><param>" + structOf(map[string]int64{"state": 20}) + "</param></params></methodResponse>")
	f.Add("<methodResponse><fault><value><struct></struct></value></fault></methodResponse>")
	f.Add("<methodResponse><params><param><value><array><data><value/></data></array></value></param></params>")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := answer(strings.NewReader(text))
		if err == nil && v.member("\x00nothing").integer() != 0 {
			t.Error("a member that is not there has a value")
		}
	})
}
