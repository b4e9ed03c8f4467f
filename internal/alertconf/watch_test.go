package alertconf

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// watch runs a Publisher for a while, and returns when it looked, since now.
func watch(t *testing.T, p *Publisher, d time.Duration) (looks []time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	began := time.Now()
	p.Run(ctx, func(error) { looks = append(looks, time.Since(began)) })
	return looks
}

func seconds(all ...int) (d []time.Duration) {
	for _, s := range all {
		d = append(d, time.Duration(s)*time.Second)
	}
	return d
}

// All is well: it looks every 30 s, and tells nobody to load anything.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers := newPublisher(t)
		p.mustPublish(t, "a: 1")
		if diff := cmp.Diff(seconds(0, 30, 60, 90), watch(t, p, 100*time.Second)); diff != "" {
			t.Error(diff)
		}
		if servers[0].loads != 1 {
			t.Errorf("it was told %d times", servers[0].loads)
		}
	})
}

// Drift is found within 30 s and mended.
func TestRunMendsDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers := newPublisher(t)
		p.mustPublish(t, "a: 1")
		go func() {
			time.Sleep(time.Second)
			servers[1].mu.Lock()
			defer servers[1].mu.Unlock()
			servers[1].loaded = []byte("b: 1")
		}()
		watch(t, p, 31*time.Second)
		if diff := cmp.Diff([]State{InSync, InSync}, states(p)); diff != "" || string(servers[1].loaded) != "a: 1" {
			t.Errorf("%s it runs %q", diff, servers[1].loaded)
		}
	})
}

// One that is away is looked for 5 s later, then 10 s, 20 s and every 30 s, and told as soon as it is back.
func TestRunAwaitsOneThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers := newPublisher(t)
		p.mustPublish(t, "a: 1")
		servers[1].set(true)
		p.mustPublish(t, "a: 2")
		if diff := cmp.Diff(seconds(0, 5, 15, 35, 65, 75, 105), watch(t, p, 110*time.Second)); diff != "" {
			t.Error(diff)
		}
		servers[1].set(false)
		if err := p.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]State{InSync, InSync}, states(p)); diff != "" || string(servers[1].loaded) != "a: 2" {
			t.Errorf("%s it runs %q", diff, servers[1].loaded)
		}
	})
}

// One that refuses what the others run is told less and less often, and the others are looked at as ever.
func TestRunDoesNotInsist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers := newPublisher(t)
		p.mustPublish(t, "a: 1")
		servers[1].refuses, servers[1].loaded = true, []byte("b: 1")
		looks := watch(t, p, time.Hour)
		if len(looks) < 120 {
			t.Errorf("it looked %d times in an hour, want every 30 s at least", len(looks))
		}
		if n := servers[1].refused; n < 12 || n > 20 {
			t.Errorf("it was told %d times in an hour, want 5 s, 10 s, … 5 min apart", n)
		}
		if got := p.Standings()[1]; got.State != ReloadFailed || got.Detail != "undefined receiver" {
			t.Errorf("it is %+v", got)
		}
	})
}

// A file that somebody else has changed does not make it look more often.
func TestRunWithChangedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers := newPublisher(t)
		servers[1].set(true)
		p.mustPublish(t, "a: 1")
		if err := os.WriteFile(p.Place.config(), []byte("b: 1"), 0o600); err != nil {
			t.Fatal(err)
		}
		if looks := watch(t, p, 10*time.Minute); len(looks) > 22 {
			t.Errorf("it looked %d times: %v", len(looks), looks)
		}
		if err := p.Look(t.Context()); !errors.Is(err, ErrFileChanged) {
			t.Error(err)
		}
	})
}

func TestCollector(t *testing.T) {
	c := Collector{func() []Standing {
		return []Standing{
			{Server: "am-1", State: InSync, LoadedAt: time.Unix(1700000000, 5e8)}, {Server: "am-2", State: FileChanged}, {Server: "am-3", State: Unverified},
		}
	}}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	problems, err := testutil.GatherAndLint(registry)
	if len(problems) > 0 || err != nil {
		t.Error(problems, err)
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(`# HELP healthcheck_exporter_alertmanager_in_sync Whether an Alertmanager runs the configuration that was written; absent if it does not say what it runs.
# TYPE healthcheck_exporter_alertmanager_in_sync gauge
healthcheck_exporter_alertmanager_in_sync{server="am-1"} 1
healthcheck_exporter_alertmanager_in_sync{server="am-2"} 0
# HELP healthcheck_exporter_alertmanager_last_reload_success_timestamp_seconds When an Alertmanager was last told to load the configuration and did so, since the exporter was started.
# TYPE healthcheck_exporter_alertmanager_last_reload_success_timestamp_seconds gauge
healthcheck_exporter_alertmanager_last_reload_success_timestamp_seconds{server="am-1"} 1.7000000005e+09
`)); err != nil {
		t.Error(err)
	}
}
