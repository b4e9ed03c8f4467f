//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/supervisord"
)

// supervisordPrograms are what people have: an app, one in a group, one that does not hear, and those that go wrong.
const supervisordPrograms = `[program:app]
command=%s -listen=%s
[program:deaf]
command=%s -listen=%s
stopsignal=CONT
stopwaitsecs=3
[program:worker]
command=/bin/sleep 1000
process_name=worker_%%(process_num)d
numprocs=2
startsecs=0
[program:fatal]
command=/bin/false
startretries=0
[program:backoff]
command=/bin/false
startretries=1000
[program:once]
command=/bin/true
startsecs=0
autorestart=unexpected
[program:never]
command=/bin/sleep 1000
autostart=false
`

// TestSupervisord restarts processes of a real supervisord, whose socket is for its owner, with a password.
func TestSupervisord(t *testing.T) {
	t.Parallel()
	needs(t, "root", "supervisord", "supervisorctl", "unshare")
	ctx := context.WithoutCancel(t.Context())
	r := &realSupervisord{address: freePort(t), deaf: freePort(t)}
	var err error
	app := binaries.App()
	r.Supervisord, err = harness.StartSupervisord(ctx, probetest.ShortDir(t), fmt.Sprintf(supervisordPrograms, app, r.address, app, r.deaf))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	t.Run("states", r.judges)
	t.Run("restart", r.restarts)
	t.Run("alert", r.repairs)
	t.Run("killed", r.finishes)
}

type realSupervisord struct {
	*harness.Supervisord
	address, deaf string // of the apps
}

func (r *realSupervisord) backend(t *testing.T, process string) *supervisord.Backend {
	t.Helper()
	b, err := supervisord.New(supervisord.Config{
		Process: process, URL: "unix://" + r.Socket,
		BasicAuth: &commonconfig.BasicAuth{Username: harness.SupervisordUser, Password: harness.SupervisordPassword},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// state is what supervisorctl says of a process.
func (r *realSupervisord) state(ctx context.Context, process string) (string, error) {
	out, err := r.Ctl(ctx, "status", process)
	if fields := strings.Fields(out); err == nil && len(fields) > 1 {
		return fields[1], nil
	}
	return "", errors.Join(err, fmt.Errorf("supervisorctl says %q", out))
}

func (r *realSupervisord) await(t *testing.T, process, state string) {
	t.Helper()
	err := harness.Until(t.Context(), patience, process+" is "+state, func(ctx context.Context) (bool, error) {
		got, err := r.state(ctx, process)
		return got == state, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// block is that of the configuration.
func (r *realSupervisord) block(process string) string {
	return fmt.Sprintf("supervisord: {process: '%s', url: 'unix://%s', basic_auth: {username: %s, password: %s}}",
		process, r.Socket, harness.SupervisordUser, harness.SupervisordPassword)
}

func (r *realSupervisord) judges(t *testing.T) {
	for _, tt := range []struct {
		process, state string // empty: there is none
		unfit          restart.Unfit
		detail         string
	}{
		{"app", "RUNNING", "", "supervisord says RUNNING"},
		{"worker:worker_1", "RUNNING", "", "supervisord says RUNNING"},
		{"fatal", "FATAL", "", "supervisord says FATAL"},
		{"backoff", "BACKOFF", restart.UnfitLooping, "supervisord says BACKOFF"},
		{"once", "EXITED", restart.UnfitStopped, "supervisord says EXITED"},
		{"never", "STOPPED", restart.UnfitStopped, "supervisord says STOPPED"},
		{"worker", "", restart.UnfitMissing, "supervisord has no process of this name"},
		{"nothing", "", restart.UnfitMissing, "supervisord has no process of this name"},
	} {
		t.Run(tt.process, func(t *testing.T) {
			b := r.backend(t, tt.process)
			var s restart.Status
			// What is in BACKOFF is STARTING now and then.
			err := harness.Until(t.Context(), patience, tt.process+" is "+tt.detail, func(ctx context.Context) (bool, error) {
				var err error
				s, err = b.Inspect(ctx)
				return s.Detail == tt.detail, err
			})
			if err != nil {
				t.Fatalf("%v; it is %+v", err, s)
			}
			if s.Unfit != tt.unfit || s.Running != (tt.state == "RUNNING") || (s.Takes != 0) != (tt.state != "") {
				t.Errorf("got %+v, want %q", s, tt.unfit)
			}
			if tt.unfit == "" {
				return
			}
			if err := b.Restart(t.Context(), restart.Attempt{}); !errors.Is(err, restart.ErrRefused) {
				t.Errorf("the restart ended with %v, want that it is refused", err)
			}
			if tt.state != "" && tt.state != "BACKOFF" {
				r.await(t, tt.process, tt.state)
			}
		})
	}
}

// restarts one process of a group, and one on which supervisord has given up; a person's stop holds, and others' processes
// and supervisord itself go on.
func (r *realSupervisord) restarts(t *testing.T) {
	inspect := func(process string) restart.Status {
		t.Helper()
		s, err := r.backend(t, process).Inspect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	pid, err := r.Ctl(t.Context(), "pid")
	if err != nil {
		t.Fatal(err)
	}
	one, two := inspect("worker:worker_0"), inspect("worker:worker_1")
	// Starts are told apart by the second.
	err = harness.Until(t.Context(), patience, "two seconds are over", func(context.Context) (bool, error) {
		return time.Since(two.StartedAt) > 2*time.Second, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.backend(t, "worker:worker_1").Restart(t.Context(), restart.Attempt{Before: two}); err != nil {
		t.Fatal(err)
	}
	if s := inspect("worker:worker_1"); s.Identity == two.Identity || !s.Running {
		t.Errorf("got %+v, want another run than %+v", s, two)
	}
	if s := inspect("worker:worker_0"); s.Identity != one.Identity {
		t.Errorf("the other process of the group was restarted, too: %+v", s)
	}
	if err := r.backend(t, "worker:worker_1").Restart(t.Context(), restart.Attempt{Before: two}); !errors.Is(err, restart.ErrRefused) {
		t.Errorf("what was restarted since is restarted with %v, want that it is refused", err)
	}

	const want = `starting the process "fatal:fatal": calling supervisor.startProcess: fault `
	err = r.backend(t, "fatal").Restart(t.Context(), restart.Attempt{Before: inspect("fatal")})
	if err == nil || errors.Is(err, restart.ErrRefused) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("what cannot be started is started with %v, want %s", err, want)
	}
	if now, err := r.Ctl(t.Context(), "pid"); err != nil || now != pid {
		t.Errorf("supervisord is the process %s, want %s: %v", now, pid, err)
	}
}

// repairs is the whole chain.
func (r *realSupervisord) repairs(t *testing.T) {
	s := &supervised{
		kind: "supervisord", block: r.block("app"), address: r.address,
		stop: func(t *testing.T) {
			if _, err := r.Ctl(t.Context(), "stop", "app"); err != nil {
				t.Fatal(err)
			}
		},
		running: func(t *testing.T) bool {
			state, err := r.state(t.Context(), "app")
			return err != nil || state != "STOPPED"
		},
	}
	s.up(t)
	s.repairs(t)
}

// finishes: the exporter is killed after it has stopped a process and before it could start it. The next one does, and
// nobody has to ask.
func (r *realSupervisord) finishes(t *testing.T) {
	s := &supervised{kind: "supervisord", block: r.block("deaf"), address: r.deaf}
	s.up(t)
	pair := s.exporter(t)
	if err := s.get(t.Context(), http.MethodPost, "/break/hang"); err != nil {
		t.Fatal(err)
	}
	s.deliver(t, pair)
	// By the back-end: supervisorctl takes a good part of the time that there is to kill the exporter.
	deaf := r.backend(t, "deaf")
	err := harness.Until(t.Context(), patience, "deaf is STOPPING", func(ctx context.Context) (bool, error) {
		status, err := deaf.Inspect(ctx)
		return status.Detail == "supervisord says STOPPING", err
	})
	if err != nil {
		t.Fatal(err)
	}
	pair.KillExporter()
	r.await(t, "deaf", "STOPPED")
	if err := pair.StartExporter(t.Context(), "healthcheck.yml"); err != nil {
		t.Fatal(err)
	}
	r.await(t, "deaf", "RUNNING")
	s.up(t)
	awaitMetric(t, pair, "healthcheck_restart_attempts_total", harness.Labels{"backend": "supervisord", "outcome": "recovered"})
	if log := pair.Log(); !strings.Contains(log, "Finished a restart that the end of the exporter had interrupted") {
		t.Error("the log does not say that it was finished")
	}
}
