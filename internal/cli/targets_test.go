package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
)

func TestWriteTargets(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	var b bytes.Buffer
	writeTargets(&b, []api.Target{
		{Description: inventory.Description{Name: "shop", Environment: "LIVE"}, State: "up", Since: new(now.Add(-90*time.Minute - time.Millisecond)), DurationSeconds: new(0.0123), Uptime: &api.Uptime{Day: api.Share{Ratio: new(0.99999), Probes: 100_000}}},
		{Description: inventory.Description{Name: "a rather long name", Environment: "DEV", MaintenanceActive: true, Notification: "off"}, State: "down", Reason: "status", Since: &now, DurationSeconds: new(2.0), Cause: "db"},
		{Description: inventory.Description{Name: "forgotten", Environment: "LIVE", Source: "targets", Interval: "1m"}, State: "up", Stale: true, Since: new(now.Add(-3 * time.Hour)), LastProbe: new(now.Add(-2*time.Minute - 1500*time.Millisecond)), DurationSeconds: new(0.001)},
		{Description: inventory.Description{Name: "in time", Environment: "LIVE", Source: "targets", Interval: "1m"}, State: "up", Since: new(now.Add(-3 * time.Hour)), LastProbe: new(now.Add(-10 * time.Minute)), DurationSeconds: new(0.001)},
		{Description: inventory.Description{Name: "new", Environment: "UNKNOWN", Source: "file:x"}, State: "unknown"},
	}, now)
	const want = `NAME          ENVIRONMENT  STATE         REASON  SINCE    AGE    LATENCY  UPTIME
shop          LIVE         up            -       1h30m0s  -      12.3 ms  99.99%
a rather long name
              DEV          down,         status  0s       -      2000.0   -
                           depends on                            ms
                           db,
                           maintenance,
                           muted
forgotten     LIVE         up, stale     -       3h0m0s   2m1s   1.0 ms   -
in time       LIVE         up            -       3h0m0s   10m0s  1.0 ms   -
new           UNKNOWN      unknown       -       -        -      -        -
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

// A head without rows does not say whether there are none, or none that were asked for.
func TestNoTargets(t *testing.T) {
	for args, want := range map[string]string{
		"targets":                    "The exporter has no targets. Its log, and `healthcheck_exporter check`, say whether a list could not be read.\n",
		"targets --name=shop":        "No target matches --environment and --name.\n",
		"targets --format=json":      "",
		"targets --environment=LIVE": "No target matches --environment and --name.\n",
	} {
		e := &editable{answers: []string{`200 {"targets":[]}`}}
		_, errOut, exit := e.runs(t, strings.Fields(args)...)
		if exit != ExitSuccess || errOut != want {
			t.Errorf("%s: exit status %d, stderr %q, want %q", args, exit, errOut, want)
		}
	}
}
