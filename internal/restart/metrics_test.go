package restart

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// What people are told of a service is joined by the labels that the alerts of its targets have, and says what holds.
func TestJoinAndHold(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	s := (&simulated{}).service("shop", "http://127.0.0.1:1/")
	s.Environment, s.Group = "LIVE", "web"
	s.Checks = []Check{{Name: "http://127.0.0.1:1/", Inventory: "shop-1"}, {Name: "http://127.0.0.1:2/"}}
	m := newMetrics(reg)
	m.know(&s)
	m.show(&s, &State{Hold: GuardCooldown}, time.Now())
	want := `# HELP healthcheck_restart_info A service with one of its targets, to join by.
# TYPE healthcheck_restart_info gauge
healthcheck_restart_info{backend="simulated",environment="LIVE",group="web",service="shop",target="http://127.0.0.1:2/"} 1
healthcheck_restart_info{backend="simulated",environment="LIVE",group="web",service="shop",target="shop-1"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "healthcheck_restart_info"); err != nil {
		t.Error(err)
	}
	for _, hold := range []Guard{GuardCooldown, GuardBudget, ""} {
		m.show(&s, &State{Hold: hold}, time.Now())
		for _, g := range Guards() {
			if got := testutil.ToFloat64(m.hold.WithLabelValues("shop", string(g))); got != boolean(g == hold) {
				t.Errorf("held by %q: the gauge of %q is %v", hold, g, got)
			}
		}
	}
	m.forget("shop")
	if n := testutil.CollectAndCount(reg, "healthcheck_restart_hold", "healthcheck_restart_info"); n != 0 {
		t.Errorf("%d series are left of a service that is gone", n)
	}
}
