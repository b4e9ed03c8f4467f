package restart

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// What people are told of a service is joined by the labels that the alerts of its targets have, and says what holds.
func TestJoinAndHold(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	s := (&simulated{}).service("shop", "http://127.0.0.1:1/")
	s.Environment, s.Group = "LIVE", "web"
	s.Checks = []Check{{Name: "http://127.0.0.1:1/", Inventory: "shop-1"}, {Name: "http://127.0.0.1:2/"}}
	m := newMetrics(reg)
	m.know(&s, &Service{})
	m.show(&s, &policy.State{Hold: policy.GuardCooldown}, time.Now())
	wantInfo(t, reg,
		`{backend="simulated",environment="LIVE",group="web",service="shop",target="http://127.0.0.1:2/"}`,
		`{backend="simulated",environment="LIVE",group="web",service="shop",target="shop-1"}`)
	for _, hold := range []policy.Guard{policy.GuardCooldown, policy.GuardBudget, ""} {
		m.show(&s, &policy.State{Hold: hold}, time.Now())
		for _, g := range policy.Guards() {
			if got := testutil.ToFloat64(m.hold.WithLabelValues("shop", string(g))); got != boolean(g == hold) {
				t.Errorf("held by %q: the gauge of %q is %v", hold, g, got)
			}
		}
	}
	for unfit, want := range map[string]Unfit{"paused: update paused": UnfitPaused, "missing": UnfitMissing, "cannot be looked at: x": "", "": ""} {
		m.show(&s, &policy.State{Preflight: policy.Preflight{Unfit: unfit}}, time.Now())
		for _, u := range Unfits() {
			if got := testutil.ToFloat64(m.unfit.WithLabelValues("shop", string(u))); got != boolean(u == want) {
				t.Errorf("of %q the gauge of %q is %v", unfit, u, got)
			}
		}
	}
	m.forget("shop")
	if n := testutil.CollectAndCount(reg, "healthcheck_restart_unfit", "healthcheck_restart_hold", "healthcheck_restart_info"); n != 0 {
		t.Errorf("%d series are left of a service that is gone", n)
	}
}

// wantInfo wants that these are the labels of all series of healthcheck_restart_info.
func wantInfo(t *testing.T, reg prometheus.Gatherer, labels ...string) {
	t.Helper()
	var want strings.Builder
	want.WriteString("# HELP healthcheck_restart_info A service with one of its targets, to join by.\n# TYPE healthcheck_restart_info gauge\n")
	for _, l := range labels {
		want.WriteString("healthcheck_restart_info" + l + " 1\n")
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want.String()), "healthcheck_restart_info"); err != nil {
		t.Error(err)
	}
}

// A reload that changes a service takes away only the series that it has no longer: what stays is never away, or alerts that join
// by it would end.
func TestKnowAgain(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	before := (&simulated{}).service("shop", "http://127.0.0.1:1/")
	before.Checks = []Check{{Name: "http://127.0.0.1:1/", Inventory: "stays"}, {Name: "http://127.0.0.1:2/", Inventory: "goes"}}
	m := newMetrics(reg)
	m.know(&before, &Service{})
	stays := m.info.WithLabelValues("shop", "stays", "", "simulated", "")
	after := before
	after.Checks = []Check{before.Checks[0], {Name: "http://127.0.0.1:3/", Inventory: "comes"}}
	m.know(&after, &before)
	if m.info.WithLabelValues("shop", "stays", "", "simulated", "") != stays {
		t.Error("the series that stays was away")
	}
	wantInfo(t, reg,
		`{backend="simulated",environment="",group="",service="shop",target="comes"}`,
		`{backend="simulated",environment="",group="",service="shop",target="stays"}`)
}

// A rule can find who fails and waits: what the own probes saw last, and whether an alert asks. Before the first probe the
// former is not known, and is not shown as health.
func TestFailingAndDemanded(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	s := (&simulated{}).service("shop", "http://127.0.0.1:1/")
	m := newMetrics(reg)
	m.know(&s, &Service{})
	now := time.Now()
	firing := []policy.Demand{{Key: "a", At: now}}
	for _, tt := range []struct {
		name              string
		state             policy.State
		failing, demanded string // empty: no series
	}{
		{"never probed", policy.State{}, "", "0"},
		{"never probed, demanded", policy.State{Demands: firing}, "", "1"},
		{"fails, nobody asks", policy.State{LastProbe: now}, "1", "0"},
		{"fails, demanded", policy.State{LastProbe: now, Demands: firing}, "1", "1"},
		{"fails in a way that a restart does not repair", policy.State{LastProbe: now, Last: policy.Evidence{StatusCode: 404}}, "1", "0"},
		{"well, the alert still fires", policy.State{LastProbe: now, Last: policy.Evidence{Healthy: true}, Demands: firing}, "0", "1"},
		{"other checks, not probed yet", policy.State{Demands: firing}, "", "1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m.show(&s, &tt.state, now)
			for name, want := range map[string]string{"checks_failing": tt.failing, "demanded": tt.demanded} {
				name = namespace + "_" + name
				got, err := testutil.CollectAndFormat(reg, expfmt.TypeTextPlain, name)
				if err != nil {
					t.Fatal(err)
				}
				_, value, _ := strings.Cut(string(got), name+`{service="shop"} `)
				if value = strings.TrimSpace(value); value != want {
					t.Errorf("%s is %q, want %q", name, value, want)
				}
			}
		})
	}
	m.forget("shop")
	if n := testutil.CollectAndCount(reg, namespace+"_checks_failing", namespace+"_demanded"); n != 0 {
		t.Errorf("%d series are left of a service that is gone", n)
	}
}
