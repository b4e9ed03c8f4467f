package restart

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

var errTest = errors.New("it did not work")

func testPolicy() policy.Policy {
	return policy.Policy{
		Mode: policy.ModeEnforce, OutagePercent: 50, WarmUp: 2 * time.Minute, ArmProbes: 5, ArmTime: time.Minute,
		ConfirmProbes: 3, ConfirmInterval: time.Second, ConfirmAge: 10 * time.Second, ProbeGap: 2 * time.Minute,
		SuspectTime: time.Hour, StartGrace: 2 * time.Minute, InspectInterval: 15 * time.Second,
		Cooldown: 5 * time.Minute, CooldownMax: time.Hour, BudgetHour: 3, BudgetDay: 6,
		Concurrency: 1, ConcurrencyGroup: 1, FleetBudget: 5, FleetWindow: 15 * time.Minute,
		VerifyProbes: 3, VerifyTimeout: 2 * time.Minute, MaxUnverified: 2, UnlockTime: 30 * time.Minute,
	}
}

// A simulated service is broken or not, and can be its own prober and back-end.
type simulated struct {
	broken   atomic.Bool
	restarts atomic.Int32
	probes   atomic.Int32
	helps    bool          // a restart repairs it
	hangs    time.Duration // a probe, while it is broken
	takes    time.Duration // a restart
	refuses  bool
	reason   prober.Reason          // why it fails; empty: its connections are refused
	looks    atomic.Int32           // at the unit
	asked    atomic.Int32           // to restart it
	status   atomic.Pointer[Status] // nil: the back-end knows nothing
}

func (s *simulated) Probe(ctx context.Context, _ prober.Request) prober.Result {
	s.probes.Add(1)
	if s.broken.Load() {
		_ = pass(ctx, s.hangs)
		return prober.Result{Reason: cmp.Or(s.reason, prober.ReasonConnectRefused), Err: errTest}
	}
	return prober.Result{}
}

// pass lets time pass. Timers that have fired when they are made, in many goroutines of a bubble at once, crash Go 1.26's
// race detector, so there is none for no time.
func pass(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (*simulated) Kind() string { return "simulated" }

func (s *simulated) Inspect(context.Context) (Status, error) {
	s.looks.Add(1)
	if status := s.status.Load(); status != nil {
		return *status, nil
	}
	return Status{}, nil
}

func (s *simulated) Restart(ctx context.Context, a Attempt) error {
	s.asked.Add(1)
	if err := pass(ctx, s.takes); err != nil {
		return err
	}
	if s.refuses {
		return fmt.Errorf("deploying: %w", ErrRefused)
	}
	s.restarts.Add(1)
	if a.ID == "" {
		return errors.New("the attempt has no ID")
	}
	if s.helps {
		s.broken.Store(false)
	}
	return nil
}

func (s *simulated) service(name, target string) Service {
	u, err := url.Parse(target)
	if err != nil {
		panic(err)
	}
	return Service{
		Name: name, Policy: testPolicy(), CheckInterval: 15 * time.Second, Backend: s, ExecTimeout: time.Minute,
		Checks: []Check{{Target: target, Definition: target, Prober: s, Request: prober.Request{URL: u}, Timeout: time.Second}},
	}
}

func configured(services ...Service) Configuration {
	return Configuration{Services: services, Brake: policy.BrakeLimits{
		Percent: 40, Min: 3, Max: 10, Window: 5 * time.Minute, Settle: 30 * time.Second,
		ReleasePercent: 20, ReleaseTime: 5 * time.Minute,
	}}
}

// watch runs a controller in the bubble of synctest until the test ends.
func watch(t *testing.T, log io.Writer, services ...Service) (*Controller, *prometheus.Registry, func()) {
	t.Helper()
	return watchWith(t, nil, log, services...)
}

func watchWith(t *testing.T, j Journal, log io.Writer, services ...Service) (*Controller, *prometheus.Registry, func()) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	c := NewController(j, reg, slog.New(slog.NewTextHandler(log, nil)))
	c.Apply(configured(services...))
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	return c, reg, func() { cancel(); running.Wait() }
}

func firing(c *Controller, target string) bool {
	selected, err := c.Handle(map[string]string{"alertname": "HealthcheckTargetDown", "instance": target}, policy.Alert{})
	return selected && err == nil
}

func TestControllerRestartsOnce(t *testing.T) {
	const target = "http://127.0.0.1:8080/health"
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &simulated{helps: true, takes: 3 * time.Second}
		c, reg, stop := watch(t, &log, s.service("shop", target))
		time.Sleep(2 * time.Minute) // arms
		s.broken.Store(true)
		time.Sleep(time.Second)
		for range 100 { // two senders, replayed
			for range 2 {
				if !firing(c, target) {
					t.Fatal("the alert selects no service")
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		if n := s.restarts.Load(); n != 1 {
			t.Errorf("restarted %d times, want once", n)
		}
		stop()
		want := `# HELP healthcheck_restart_attempts_total How many restarts were attempted, by how they ended.
# TYPE healthcheck_restart_attempts_total counter
healthcheck_restart_attempts_total{backend="simulated",outcome="exec_failed",service="shop"} 0
healthcheck_restart_attempts_total{backend="simulated",outcome="identity_unchanged",service="shop"} 0
healthcheck_restart_attempts_total{backend="simulated",outcome="not_recovered",service="shop"} 0
healthcheck_restart_attempts_total{backend="simulated",outcome="recovered",service="shop"} 1
healthcheck_restart_attempts_total{backend="simulated",outcome="refused_by_backend",service="shop"} 0
healthcheck_restart_attempts_total{backend="simulated",outcome="unknown",service="shop"} 0
`
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "healthcheck_restart_attempts_total"); err != nil {
			t.Error(err)
		}
		if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
			t.Errorf("lint: %v, %v", problems, err)
		}
		for i, step := range []string{"from=unarmed to=idle", "from=idle to=suspect", "Held restart", "guard=unconfirmed", "from=suspect to=executing", "Restarting service", "from=executing to=verifying", "from=verifying to=cooldown", "outcome=recovered"} {
			at := strings.Index(log.String(), step)
			if at < 0 {
				t.Errorf("step %d, %q, is not in the log:\n%s", i, step, log.String())
			}
		}
		if lines := strings.Count(log.String(), "\n"); lines > 12 {
			t.Errorf("the incident took %d lines:\n%s", lines, log.String())
		}
	})
}

func TestControllerSelects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &simulated{}, &simulated{}
		c, _, stop := watch(t, io.Discard, a.service("a", "http://a.test/health"), b.service("b", "http://b.test"))
		defer stop()
		synctest.Wait()
		for _, tt := range []struct {
			labels map[string]string
			want   bool
		}{
			{map[string]string{"instance": "http://a.test/health"}, true},
			{map[string]string{"target": "http://a.test/health", "instance": "x"}, true},
			{map[string]string{"instance": "http://b.test/"}, true},
			{map[string]string{"instance": "b.test"}, true},
			{map[string]string{"instance": "http://a.test/other"}, false},
			{map[string]string{"service": "a"}, false},
			{map[string]string{}, false},
			{nil, false},
		} {
			if got, err := c.Handle(tt.labels, policy.Alert{}); got != tt.want || err != nil {
				t.Errorf("Handle(%v) = %t, want %t", tt.labels, got, tt.want)
			}
		}
	})
}

// A test alert finds its service and does nothing to it.
func TestControllerTestAlert(t *testing.T) {
	const target = "http://127.0.0.1:1/"
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &simulated{helps: true}
		c, _, stop := watch(t, &log, s.service("shop", target))
		time.Sleep(2 * time.Minute)
		s.broken.Store(true)
		time.Sleep(time.Minute)
		if selected, _ := c.Handle(map[string]string{"instance": target, TestLabel: "true"}, policy.Alert{}); !selected {
			t.Error("the test alert selects no service")
		}
		time.Sleep(time.Minute)
		stop()
		if s.restarts.Load() != 0 || !strings.Contains(log.String(), "Received test alert") {
			t.Errorf("restarted %d times, want none and a line of log:\n%s", s.restarts.Load(), log.String())
		}
	})
}

// A target that hangs as long as a check may take keeps neither an alert nor the end of a restart waiting, and a probe
// that began before the restart is no evidence of what came of it.
func TestControllerHangingTarget(t *testing.T) {
	const target = "http://127.0.0.1:1/"
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &simulated{helps: true, takes: 3 * time.Second, hangs: 8 * time.Second}
		service := s.service("shop", target)
		service.Checks[0].Timeout = 10 * time.Second
		c, _, stop := watch(t, &log, service)
		time.Sleep(2 * time.Minute)
		s.broken.Store(true)
		time.Sleep(50 * time.Second) // it has failed several times
		firing(c, target)
		began := time.Now()
		for s.restarts.Load() == 0 {
			time.Sleep(100 * time.Millisecond)
		}
		// The round that was under way, one more at the most, and the restart itself.
		if took := time.Since(began); took > 2*8*time.Second+4*time.Second {
			t.Errorf("the restart came %s after the alert", took)
		}
		time.Sleep(10 * time.Second)
		stop()
		if !strings.Contains(log.String(), "outcome=recovered") || s.restarts.Load() != 1 {
			t.Errorf("restarted %d times:\n%s", s.restarts.Load(), log.String())
		}
	})
}

// A flood of alerts does not keep a service from being probed.
func TestControllerFlood(t *testing.T) {
	const target = "http://127.0.0.1:1/"
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{}
		c, reg, stop := watch(t, io.Discard, s.service("shop", target))
		defer stop()
		for range 1000 {
			time.Sleep(200 * time.Millisecond)
			firing(c, target)
		}
		want := "# HELP healthcheck_restart_armed Whether the service has been seen healthy by its present checks.\n# TYPE healthcheck_restart_armed gauge\nhealthcheck_restart_armed{service=\"shop\"} 1\n"
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "healthcheck_restart_armed"); err != nil {
			t.Error(err)
		}
	})
}

// A reload keeps the state of what is the same, re-arms what is checked differently, and does not disturb an attempt.
func TestControllerApply(t *testing.T) {
	const target = "http://127.0.0.1:1/"
	armed := func(reg *prometheus.Registry, want int) error {
		return testutil.GatherAndCompare(reg, strings.NewReader(fmt.Sprintf("# HELP healthcheck_restart_armed Whether the service has been seen healthy by its present checks.\n# TYPE healthcheck_restart_armed gauge\nhealthcheck_restart_armed{service=\"shop\"} %d\n", want)), "healthcheck_restart_armed")
	}
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{helps: true, takes: 30 * time.Second}
		c, reg, stop := watch(t, io.Discard, s.service("shop", target))
		defer stop()
		time.Sleep(2 * time.Minute)
		same := s.service("shop", target)
		same.Policy.Cooldown = time.Hour
		c.Apply(configured(same))
		time.Sleep(time.Second)
		if err := armed(reg, 1); err != nil {
			t.Errorf("after another cool-down: %v", err)
		}
		s.broken.Store(true)
		time.Sleep(15 * time.Second)
		firing(c, target)
		time.Sleep(10 * time.Second) // it is being restarted now
		other := s.service("shop", target)
		other.Checks[0].Definition = "other"
		c.Apply(configured(other))
		time.Sleep(5 * time.Second)
		if err := armed(reg, 1); err != nil {
			t.Errorf("while an attempt is under way: %v", err)
		}
		time.Sleep(30 * time.Second)
		if n := s.restarts.Load(); n != 1 {
			t.Errorf("restarted %d times, want once", n)
		}
		if err := armed(reg, 0); err != nil {
			t.Errorf("after another check: %v", err)
		}
		c.Apply(configured())
		time.Sleep(time.Second)
		if n := testutil.CollectAndCount(reg, "healthcheck_restart_armed"); n != 0 {
			t.Errorf("a service that is gone has %d series", n)
		}
	})
}

// An attempt under way when the exporter stops is finished and noted.
func TestControllerStop(t *testing.T) {
	const target = "http://127.0.0.1:1/"
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &simulated{helps: true, takes: 20 * time.Second}
		c, _, stop := watch(t, &log, s.service("shop", target))
		time.Sleep(2 * time.Minute)
		s.broken.Store(true)
		time.Sleep(15 * time.Second)
		firing(c, target)
		time.Sleep(5 * time.Second)
		before := time.Now()
		stop()
		if waited := time.Since(before); waited == 0 || waited > 20*time.Second || s.restarts.Load() != 1 {
			t.Errorf("stopped after %s with %d restarts, want the one that was under way", waited, s.restarts.Load())
		}
		if !strings.Contains(log.String(), "from=executing to=verifying") {
			t.Errorf("its outcome is not in the log:\n%s", log.String())
		}
	})
}

// The first alert is looked into at once, and not at the next turn of a service that looked well.
func TestControllerUrgent(t *testing.T) {
	const target = "http://127.0.0.1:1/"
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{}
		c, _, stop := watch(t, io.Discard, s.service("shop", target))
		defer stop()
		time.Sleep(2*time.Minute + time.Second) // a round has just been made
		s.broken.Store(true)
		firing(c, target)
		time.Sleep(6 * time.Second)
		if n := s.restarts.Load(); n != 1 {
			t.Errorf("restarted %d times within 6 s of the alert, want once", n)
		}
	})
}

// An alert names a check by its URL, by the URL as people see it, or by the name that the target has in the inventory.
func TestAlertNamesCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&simulated{}).service("shop", "http://127.0.0.1:8080/health?token=canary")
		s.Checks[0].Inventory, s.Checks[0].Name = "shop-1", "http://127.0.0.1:8080/health?token=***"
		a, b := (&simulated{}).service("a", "http://127.0.0.1:1/?token=a"), (&simulated{}).service("b", "http://127.0.0.1:1/?token=b")
		a.Checks[0].Name, b.Checks[0].Name = "http://127.0.0.1:1/?token=***", "http://127.0.0.1:1/?token=***"
		c, _, stop := watch(t, io.Discard, s, a, b)
		defer stop()
		synctest.Wait()
		for _, tt := range []struct {
			labels map[string]string
			want   bool
		}{
			{map[string]string{"instance": "http://127.0.0.1:1/?token=***"}, false}, // it may be either
			{map[string]string{"instance": "http://127.0.0.1:1/?token=a"}, true},
			{map[string]string{"target": "shop-1", "instance": "http://other/"}, true},
			{map[string]string{"instance": "http://127.0.0.1:8080/health?token=***"}, true},
			{map[string]string{"instance": "http://127.0.0.1:8080/health?token=canary"}, true},
			{map[string]string{"target": "http://127.0.0.1:8080/health?token=canary"}, true},
			{map[string]string{"target": "shop"}, false},
			{map[string]string{"instance": "shop-1"}, false},
			{map[string]string{"target": ""}, false},
		} {
			if got, err := c.Handle(tt.labels, policy.Alert{Resolved: true}); got != tt.want || err != nil {
				t.Errorf("%v selects: %t, error %v, want %t", tt.labels, got, err, tt.want)
			}
		}
	})
}
