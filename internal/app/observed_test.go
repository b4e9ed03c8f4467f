package app

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// A probe in a window of maintenance, of the target or of all, is not counted.
func TestProbeInMaintenance(t *testing.T) {
	const always = "[{weekdays: ['sunday:saturday']}]"
	for name, text := range map[string]string{
		"the target": "targets: [{name: shop, url: 'http://127.0.0.1:1/', maintenance: " + always + "}]",
		"all":        "maintenance: " + always + "\ntargets: [{name: shop, url: 'http://127.0.0.1:1/'}]",
		"none":       "targets: [{name: shop, url: 'http://127.0.0.1:1/'}]",
	} {
		t.Run(name, func(t *testing.T) {
			o := options(&recorder{})
			o.ConfigFile = configFile(t, text)
			a := started(t, o)
			get(t, a.Addr(), "/probe?name=shop")
			v := a.status.Uptime("shop", time.Now())
			if counted := v.Month.Total() == 1; a.status.Condition("shop", time.Minute, time.Now()).LastProbe.IsZero() || counted != (name == "none") {
				t.Errorf("the uptime is %+v, want the probe counted: %t", v, name == "none")
			}
		})
	}
}

// A restart under way is shown at each target of the inventory that its service checks.
func TestPhasesOfTargets(t *testing.T) {
	services := []restart.Service{
		{Name: "web", Checks: []restart.Check{{Inventory: "shop"}, {Name: "http://127.0.0.1:1/"}, {Inventory: "cart"}}},
		{Name: "batch", Checks: []restart.Check{{Inventory: "jobs"}}},
	}
	want := map[string]string{"shop": "verifying", "cart": "verifying"}
	if diff := cmp.Diff(want, phasesOfTargets(map[string]policy.Phase{"web": policy.PhaseVerifying}, services)); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
}
