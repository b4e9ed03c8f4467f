//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/systemd"
)

// TestSystemd restarts units of a real systemd: the manager of a user, on a bus of its own. What differs for that of the
// system is who may ask it, which polkit decides, and the address of the bus.
func TestSystemd(t *testing.T) {
	needs(t, "root", "/lib/systemd/systemd", "unshare", "systemctl", "dbus-daemon")
	ctx := context.WithoutCancel(t.Context())
	s, err := harness.StartSystemd(ctx, probetest.ShortDir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", s.Bus)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", s.Bus)
	r := &realSystemd{s}
	t.Run("alert", r.repairs)
	t.Run("states", r.judges)
	t.Run("start limit", r.keepsBelowLimit)
	t.Run("slow stop", r.waitsForStop)
	t.Run("failing start", r.tellsFailure)
	t.Run("somebody else", r.refusesOthers)
}

// A realSystemd is a manager for tests.
type realSystemd struct{ *harness.Systemd }

// ctl is what a person does.
func (r *realSystemd) ctl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := r.Systemctl(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// unit makes a service unit and starts it, unless it is to be left alone.
func (r *realSystemd) unit(t *testing.T, name, text string) {
	t.Helper()
	if err := r.Unit(name, text); err != nil {
		t.Fatal(err)
	}
	r.ctl(t, "daemon-reload")
}

func (r *realSystemd) backend(t *testing.T, unit string) *systemd.Backend {
	t.Helper()
	b, err := systemd.New(systemd.Config{Unit: unit})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (r *realSystemd) look(t *testing.T, unit string) restart.Status {
	t.Helper()
	s, err := r.backend(t, unit).Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// await waits until systemd calls a unit so.
func (r *realSystemd) await(t *testing.T, unit, state string) {
	t.Helper()
	err := harness.Until(t.Context(), patience, unit+" is "+state, func(ctx context.Context) (bool, error) {
		out, err := r.Systemctl(ctx, "show", "--property=ActiveState,SubState", "--value", unit)
		return strings.Join(strings.Fields(out), "/") == state, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// repairs is the whole chain, with the user's bus as the configuration names it.
func (r *realSystemd) repairs(t *testing.T) {
	address := freePort(t)
	r.unit(t, "web.service", fmt.Sprintf("[Service]\nExecStart=%s -listen=%s\n[Unit]\nStartLimitIntervalSec=1\n", binaries.App(), address))
	r.ctl(t, "start", "web.service")
	s := &supervised{
		kind: "systemd", block: "systemd: {unit: web.service, bus: user}", address: address,
		stop: func(t *testing.T) { r.ctl(t, "stop", "web.service") },
		running: func(t *testing.T) bool {
			return r.ctl(t, "show", "--property=ActiveState", "--value", "web.service") != "inactive"
		},
	}
	s.up(t)
	s.repairs(t)
}

// judges looks at units in every state that people and systemd bring them into.
func (r *realSystemd) judges(t *testing.T) {
	const off = "[Unit]\nStartLimitIntervalSec=0\n[Service]\n"
	// What does not hear, and what does not end well when it is told to.
	const deaf = off + "KillSignal=SIGCONT\nTimeoutStopSec=500ms\nExecStart=/bin/sleep 1000\n"
	const angry = off + "KillSignal=SIGUSR1\nExecStart=/bin/sleep 1000\n"
	for _, tt := range []struct {
		name, text string
		do         []string // what a person does, in words of systemctl
		state      string
		unfit      restart.Unfit
		detail     string
	}{
		{"running", off + "ExecStart=/bin/sleep 1000\n", []string{"start"}, "active/running", "", "systemd says active (running)"},
		{"stopped", off + "ExecStart=/bin/sleep 1000\n", []string{"start", "stop"}, "inactive/dead", restart.UnfitStopped, "systemd says inactive (dead)"},
		{"finished", off + "ExecStart=/bin/true\n", []string{"start"}, "inactive/dead", restart.UnfitStopped, "systemd says inactive (dead)"},
		{"crashed", off + "ExecStart=/bin/sh -c 'sleep 0.2; exit 3'\n", []string{"start"}, "failed/failed", "", "systemd says failed (exit-code)"},
		{"cannot-start", off + "ExecStart=/nowhere/program\n", []string{"start"}, "failed/failed", "", "systemd says failed (exit-code)"},
		{"stopped-angry", angry, []string{"start", "stop"}, "failed/failed", restart.UnfitStopped, "systemd says failed (signal); it failed when it was stopped"},
		{"stopped-deaf", deaf, []string{"start", "stop"}, "failed/failed", restart.UnfitStopped, "systemd says failed (timeout); it failed when it was stopped"},
		{"masked", off + "ExecStart=/bin/sleep 1000\n", []string{"start", "mask"}, "active/running", restart.UnfitStopped, "systemd says masked; somebody has masked it"},
		{"looping", off + "Restart=always\nRestartSec=100\nExecStart=/bin/false\n", []string{"start"}, "activating/auto-restart", restart.UnfitLooping, "systemd says activating (auto-restart); it is about to start it again"},
		{"starting", off + "Type=notify\nExecStart=/bin/sleep 1000\n", []string{"start --no-block"}, "activating/start", restart.UnfitRolling, "systemd says activating (start); it has a job for it"},
		{"stopping", off + "ExecStart=/bin/sleep 1000\nExecStop=/bin/sleep 100\n", []string{"start", "stop --no-block"}, "deactivating/stop", restart.UnfitRolling, "systemd says deactivating (stop); it has a job for it"},
		{"reloading", off + "ExecStart=/bin/sleep 1000\nExecReload=/bin/sleep 100\n", []string{"start", "reload --no-block"}, "reloading/reload", restart.UnfitRolling, "systemd says reloading (reload); it has a job for it"},
		{"dependency", "[Unit]\nRefuseManualStart=yes\n[Service]\nExecStart=/bin/sleep 1000\n", nil, "inactive/dead", restart.UnfitStopped, "systemd says inactive (dead); RefuseManualStart or RefuseManualStop forbids it"},
		{"broken", off + "Type=oneshot\nRestart=always\n", nil, "inactive/dead", restart.UnfitMissing, "systemd says bad-setting; Unit broken.service has a bad unit file setting."},
		{"nothing", "", nil, "inactive/dead", restart.UnfitMissing, "systemd says not-found; Unit nothing.service not found."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			unit := tt.name + ".service"
			if tt.text != "" {
				r.unit(t, unit, tt.text)
			}
			for _, verb := range tt.do {
				// Where systemd itself says that it went wrong, the state says it, too.
				_, _ = r.Systemctl(t.Context(), append(strings.Fields(verb), unit)...)
			}
			r.await(t, unit, tt.state)
			s := r.look(t, unit)
			if s.Unfit != tt.unfit || s.Detail != tt.detail {
				t.Errorf("got %q, %q, want %q, %q", s.Unfit, s.Detail, tt.unfit, tt.detail)
			}
			// systemd forgets what is stopped and needed by nobody.
			if known := tt.do != nil && tt.state != "inactive/dead"; known != (s.Identity != "") || known == s.StartedAt.IsZero() {
				t.Errorf("got the identity %q since %s, want that known: %t", s.Identity, s.StartedAt, known)
			}
			if tt.unfit != "" {
				err := r.backend(t, unit).Restart(t.Context(), restart.Attempt{})
				if !errors.Is(err, restart.ErrRefused) {
					t.Errorf("the restart ended with %v, want that it is refused", err)
				}
				r.await(t, unit, tt.state)
			}
			_, _ = r.Systemctl(t.Context(), "kill", "--signal=KILL", unit) // it may not run
		})
	}
}

// keepsBelowLimit: one start too many makes systemd stop what was running. It is never ours.
func (r *realSystemd) keepsBelowLimit(t *testing.T) {
	const unit = "limited.service"
	r.unit(t, unit, "[Unit]\nStartLimitIntervalSec=3\nStartLimitBurst=3\n[Service]\nExecStart=/bin/sleep 1000\n")
	r.ctl(t, "start", unit)
	r.ctl(t, "restart", unit)
	r.ctl(t, "restart", unit) // the next one would be refused, and leave it stopped
	s := r.look(t, unit)
	if s.Unfit != restart.UnfitLimited || !strings.Contains(s.Detail, "systemd may refuse one more start within 3s (StartLimitBurst 3)") {
		t.Errorf("got %q, %q, want that it is limited", s.Unfit, s.Detail)
	}
	b := r.backend(t, unit)
	refused, done := 0, 0
	err := harness.Until(t.Context(), patience, "it was restarted twice", func(ctx context.Context) (bool, error) {
		switch err := b.Restart(ctx, restart.Attempt{}); {
		case err == nil:
			done++
		case errors.Is(err, restart.ErrRefused):
			refused++
		default:
			return false, err
		}
		return done == 2, nil
	})
	if err != nil || refused == 0 {
		t.Errorf("refused %d times, %v", refused, err)
	}
	r.await(t, unit, "active/running")

	// So it would be without.
	var last error
	for range 4 {
		_, last = r.Systemctl(t.Context(), "restart", unit)
	}
	if last == nil {
		t.Error("systemd has not refused the fourth start")
	}
	r.await(t, unit, "failed/failed")
	if s := r.look(t, unit); s.Unfit != restart.UnfitLimited || !strings.Contains(s.Detail, "failed (start-limit-hit)") {
		t.Errorf("got %q, %q, want that it is limited", s.Unfit, s.Detail)
	}
	// When the interval is over it may be started again, without a reset.
	err = harness.Until(t.Context(), patience, "it is fit", func(ctx context.Context) (bool, error) {
		s, err := b.Inspect(ctx)
		return s.Unfit == "", err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Restart(t.Context(), restart.Attempt{}); err != nil {
		t.Error(err)
	}
	r.await(t, unit, "active/running")
}

// waitsForStop: what does not end when it is told to takes as long as its unit lets it.
func (r *realSystemd) waitsForStop(t *testing.T) {
	const unit = "slow.service"
	r.unit(t, unit, "[Unit]\nStartLimitIntervalSec=0\n[Service]\nKillSignal=SIGCONT\nTimeoutStopSec=2\nTimeoutStartSec=20\nExecStart=/bin/sleep 1000\n")
	r.ctl(t, "start", unit)
	before := r.look(t, unit)
	if before.Takes != 32*time.Second {
		t.Errorf("it may take %s, want what the unit says and a margin", before.Takes)
	}
	b := r.backend(t, unit)

	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // half of what it takes to stop
	defer cancel()
	err := b.Restart(ctx, restart.Attempt{Before: before})
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, restart.ErrRefused) {
		t.Errorf("the restart ended with %v, want that its time is up, and that it goes on", err)
	}
	if s := r.look(t, unit); s.Unfit != restart.UnfitRolling {
		t.Errorf("got %q, %q, want that the restart is under way", s.Unfit, s.Detail)
	}
	r.await(t, unit, "active/running")

	before, start := r.look(t, unit), time.Now()
	if err := b.Restart(t.Context(), restart.Attempt{Before: before}); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took < 2*time.Second {
		t.Errorf("took %s, want the time to stop", took)
	}
	if s := r.look(t, unit); s.Identity == before.Identity || !s.Running {
		t.Errorf("got %+v, want another run than %+v", s, before)
	}
	r.ctl(t, "kill", "--signal=KILL", unit)
}

// tellsFailure: a job that ends is not a job that is done.
func (r *realSystemd) tellsFailure(t *testing.T) {
	const unit = "failing.service"
	r.unit(t, unit, "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 1000\n")
	r.ctl(t, "start", unit)
	r.unit(t, unit, "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStartPre=/bin/false\nExecStart=/bin/sleep 1000\n")
	err := r.backend(t, unit).Restart(t.Context(), restart.Attempt{})
	const want = `restarting the unit "failing.service": the job of systemd ended with "failed", want "done"; it is failed (exit-code) now`
	if err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
}

// refusesOthers: what somebody else has restarted since is left alone, and so is a bus that is not there.
func (r *realSystemd) refusesOthers(t *testing.T) {
	const unit = "other.service"
	r.unit(t, unit, "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 1000\n")
	r.ctl(t, "start", unit)
	before := r.look(t, unit)
	r.ctl(t, "restart", unit)
	since := r.look(t, unit)
	b := r.backend(t, unit)
	if err := b.Restart(t.Context(), restart.Attempt{Before: before}); !errors.Is(err, restart.ErrRefused) {
		t.Errorf("the restart ended with %v, want that it is refused", err)
	}
	if s := r.look(t, unit); s.Identity != since.Identity {
		t.Error("it was restarted")
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus")
	if _, err := b.Inspect(t.Context()); !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), "connecting to systemd: ") {
		t.Errorf("without a bus the error is %v", err)
	}
}
