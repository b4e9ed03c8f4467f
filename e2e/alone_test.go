//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// withoutAlert is the without_alert_after of these tests, and healed how long it may then take until a service is well.
const (
	withoutAlert = 3 * time.Second
	healed       = 30 * time.Second
)

// aloneConfig has what examples/solo has, impatient. Its verbs are the address, without_alert_after, the home and the program.
const aloneConfig = `status: {self_probe: when_stale}
targets: [{name: solo, url: 'http://%s/', interval: 2s, timeout: 1s}]
restart:
  mode: enforce
  defaults:
    without_alert_after: %s
    check_interval: 500ms
    check_timeout: 500ms
    warm_up: 1s
    start_grace: 1s
    arm_probes: 3
    arm_time: 1s
    confirm_probes: 2
    confirm_interval: 500ms
    verify_probes: 2
    verify_timeout: 20s
  services:
    - name: solo
      checks: [{target: solo}]
      pm2: {app: solo, home: '%s', program: '%s'}
`

// TestAlone: an app of PM2 hangs, and is restarted and verified without Prometheus and Alertmanager. The events tell it.
func TestAlone(t *testing.T) {
	t.Parallel()
	p := startPM2(t)
	address := freePort(t)
	_, port, _ := net.SplitHostPort(address)
	p.runWith(t, []string{"APP_PORT=" + port}, "start", "app.js", "--name=solo")
	old := p.await(t, "solo-0.json", 0)
	pair := lonely(t, fmt.Sprintf(aloneConfig, address, withoutAlert, p.home, p.program))
	awaitMetric(t, pair, "healthcheck_restart_armed", harness.Labels{"service": "solo"})
	awaitMetric(t, pair, "healthcheck_exporter_self_probes_total", harness.Labels{"result": "success"})

	start := time.Now()
	if err := syscall.Kill(old.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	all := awaitEvents(t, pair, "solo", withoutAlert+healed, func(all []status.Event) bool {
		return slices.ContainsFunc(all, func(e status.Event) bool { return e.Kind == status.KindRestart }) &&
			slices.ContainsFunc(all, func(e status.Event) bool { return e.State == status.StateUp })
	})
	t.Logf("healed and told after %s", time.Since(start).Round(10*time.Millisecond))
	if app := p.await(t, "solo-0.json", old.PID); app.PID == old.PID {
		t.Error("it is the same process")
	}
	wantAttempts(t, pair, 1)
	var told []string
	for _, e := range slices.Backward(all) {
		told = append(told, strings.TrimSpace(fmt.Sprintf("%s %s%s %s %s", e.Kind, e.State, e.Reason, e.Outcome, e.Trigger)))
	}
	t.Logf("the events are %q", told)
	for _, want := range []string{"state downrequest_timeout", "state up", "restart  recovered own_checks"} {
		if !slices.Contains(told, want) {
			t.Errorf("the events are %q, want %q among them", told, want)
		}
	}
}

// lonely starts an exporter without Prometheus and Alertmanager.
func lonely(t *testing.T, config string) *harness.Pair {
	t.Helper()
	dir := t.TempDir()
	pair, err := harness.NewPair(t.Context(), binaries, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(pair.Log())
		}
		pair.Stop()
	})
	write(t, dir, "healthcheck.yml", config)
	if err := pair.StartExporter(t.Context(), "healthcheck.yml"); err != nil {
		t.Fatal(err)
	}
	return pair
}

// awaitEvents waits until the events of a target, the newest first, are as they should be.
func awaitEvents(t *testing.T, pair *harness.Pair, target string, limit time.Duration, ok func([]status.Event) bool) (all []status.Event) {
	t.Helper()
	err := harness.Until(t.Context(), limit, "the events of "+target, func(ctx context.Context) (bool, error) {
		var list api.EventList
		err := pair.GetJSON(ctx, "/api/v1/events?target="+target, &list)
		all = list.Events
		return err == nil && ok(all), err
	})
	if err != nil {
		t.Fatalf("%v: they are %+v", err, all)
	}
	return all
}

// A counted target remembers when it was probed.
type counted struct {
	*httptest.Server
	down   atomic.Bool
	mu     sync.Mutex // protects the following
	probes []time.Time
}

func newCounted(t *testing.T) *counted {
	t.Helper()
	c := &counted{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.mu.Lock()
		c.probes = append(c.probes, time.Now())
		c.mu.Unlock()
		if c.down.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// since are the probes after a time.
func (c *counted) since(at time.Time) []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Clone(c.probes)
	return slices.DeleteFunc(all, func(p time.Time) bool { return p.Before(at) })
}

// TestTakeover: Prometheus ends, and the exporter goes on within 2.5 intervals; Prometheus comes back, and the exporter leaves it
// to it. It never probes within half an interval of another probe.
func TestTakeover(t *testing.T) {
	t.Parallel()
	const (
		interval = 4 * time.Second
		noise    = time.Second // of a busy machine
		targets  = 5
	)
	ctx := t.Context()
	var all []*counted
	var text strings.Builder
	text.WriteString("status: {self_probe: when_stale}\ntargets:\n")
	for i := range targets {
		all = append(all, newCounted(t))
		fmt.Fprintf(&text, "  - {name: t%d, url: '%s/', interval: %s, timeout: 2s}\n", i, all[i].URL, interval)
	}
	pair := lonely(t, text.String())
	write(t, pair.Dir(), "prometheus.yml", fmt.Sprintf(fiveLines, pair.Exporter))
	if err := pair.StartPrometheus(ctx, "prometheus.yml"); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	own := func() float64 { return total(t, pair, "healthcheck_exporter_self_probes_total") }
	await(ctx, t, "Prometheus scrapes all", func(context.Context) (bool, error) {
		return !slices.ContainsFunc(all, func(c *counted) bool { return len(c.since(begun.Add(interval))) < 2 }), nil
	})
	before := own()

	pair.StopPrometheus()
	ended := time.Now()
	awaitFor(ctx, t, 4*interval, "the exporter takes over", func(context.Context) (bool, error) {
		return !slices.ContainsFunc(all, func(c *counted) bool { return len(c.since(ended)) == 0 }), nil
	})
	for i, c := range all {
		probes := c.since(begun)
		k := slices.IndexFunc(probes, func(p time.Time) bool { return !p.Before(ended) })
		gap := probes[k].Sub(probes[k-1])
		t.Logf("t%d was taken over after %.2f intervals", i, float64(gap)/float64(interval))
		if gap > 5*interval/2+noise {
			t.Errorf("t%d was not probed for %s, want 2.5 intervals (%s) at most", i, gap, 5*interval/2)
		}
	}
	if n := own(); n < before+1 {
		t.Errorf("the exporter counts %v own probes, and %v before", n, before)
	}

	if err := pair.StartPrometheus(ctx, "prometheus.yml"); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	awaitFor(ctx, t, 10*interval, "Prometheus scrapes again", func(ctx context.Context) (bool, error) {
		found, err := harness.Query(ctx, "http://"+pair.Prometheus, fmt.Sprintf("count_over_time(probe_success[%ds]) > 1", int(time.Since(back).Seconds())+1))
		return err == nil && len(found) == targets, nil // an error: it is starting
	})
	after := own()
	err := harness.Throughout(ctx, 3*interval, func(context.Context) error { return nil })
	if n := own(); err != nil || n != after {
		t.Errorf("the exporter has made %v probes beside Prometheus (%v)", n-after, err)
	}
	for i, c := range all {
		wantSingle(t, fmt.Sprintf("t%d", i), c.since(begun), interval/2)
	}
}

// wantSingle wants that no two probes are closer than that, but for the first scrape of each Prometheus: it does not know of the
// exporter's own probes.
func wantSingle(t *testing.T, name string, probes []time.Time, least time.Duration) {
	t.Helper()
	near := 0
	for i, p := range probes[1:] {
		if p.Sub(probes[i]) < least {
			near++
		}
	}
	t.Logf("%s: %d probes, %d of them close", name, len(probes), near)
	if near > 2 {
		t.Errorf("%s was probed %d times within %s of another probe, want 2 at most", name, near, least)
	}
}

// total is the sum of the series of a metric.
func total(t *testing.T, pair *harness.Pair, name string) float64 {
	t.Helper()
	m, err := pair.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m.Sum(name, nil)
}

// awaitFor is await with a limit of its own.
func awaitFor(ctx context.Context, t *testing.T, limit time.Duration, what string, ok func(context.Context) (bool, error)) {
	t.Helper()
	if err := harness.Until(ctx, limit, what, ok); err != nil {
		t.Fatal(err)
	}
}

// TestKilledInAnOutage: the exporter is killed while a target is down. The outage stays one, and the time without the exporter is
// part of it, without probes.
func TestKilledInAnOutage(t *testing.T) {
	t.Parallel()
	const interval = time.Second
	ctx, target := t.Context(), newCounted(t)
	pair := lonely(t, fmt.Sprintf("status: {self_probe: when_stale}\ntargets: [{name: one, url: '%s/', interval: %s, timeout: 900ms}]\n", target.URL, interval))
	show := func() (d api.Detail) {
		if err := pair.GetJSON(ctx, "/api/v1/targets/one", &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	awaitFor(ctx, t, patience, "it is up", func(context.Context) (bool, error) { return show().State == status.StateUp, nil })
	target.down.Store(true)
	went := awaitEvents(t, pair, "one", patience, func(all []status.Event) bool { return len(all) == 1 })[0]
	awaitFor(ctx, t, patience, "it is written", func(context.Context) (bool, error) {
		info, err := os.Stat(filepath.Join(pair.Dir(), "restarts", status.FileName))
		if errors.Is(err, os.ErrNotExist) {
			return false, nil
		}
		return err == nil && info.ModTime().After(went.At.Add(interval)), err
	})
	pair.KillExporter()
	killed := time.Now()
	if err := harness.Throughout(ctx, 5*interval, func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := pair.StartExporter(ctx, "healthcheck.yml"); err != nil {
		t.Fatal(err)
	}
	awaitFor(ctx, t, patience, "it is probed again", func(context.Context) (bool, error) { return len(target.since(killed)) > 2, nil })
	if d := show(); d.State != status.StateDown || len(d.Changes) != 1 || d.Since.Sub(went.At).Abs() > time.Millisecond {
		t.Errorf("the target is %s since %s after %d changes, want down since %s after one", d.State, d.Since, len(d.Changes), went.At)
	}
	target.down.Store(false)
	all := awaitEvents(t, pair, "one", patience, func(all []status.Event) bool { return all[0].State == status.StateUp })
	d := show()
	if len(all) != 2 || len(d.Changes) != 2 {
		t.Fatalf("got %d events and %d changes, want two of each: %+v", len(all), len(d.Changes), all)
	}
	lasted, failed := *all[0].LastedSeconds, d.Days[len(d.Days)-1][1]
	t.Logf("the outage lasted %.1f s, with %d failed probes", lasted, failed)
	if missing := lasted/interval.Seconds() - float64(failed); missing < 4 {
		t.Errorf("of an outage of %.1f s %d failed probes are counted, want a gap of 5", lasted, failed)
	}
}
