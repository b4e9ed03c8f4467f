package cli

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
)

func TestWriteTargets(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	var b bytes.Buffer
	writeTargets(&b, []inventory.Status{
		{Name: "shop", Environment: "LIVE", State: "up", Since: new(now.Add(-90*time.Minute - time.Millisecond)), DurationSeconds: new(0.0123), Source: "targets"},
		{Name: "a rather long name", Environment: "DEV", State: "down", Reason: "status", MaintenanceActive: true, Notification: "off", Since: &now, DurationSeconds: new(2.0), Source: "api:cmdb"},
		{Name: "forgotten", Environment: "LIVE", State: "up", Interval: "1m", Since: new(now.Add(-3 * time.Hour)), LastProbe: new(now.Add(-2*time.Minute - 1500*time.Millisecond)), DurationSeconds: new(0.001), Source: "targets"},
		{Name: "in time", Environment: "LIVE", State: "up", Interval: "5m", Since: new(now.Add(-3 * time.Hour)), LastProbe: new(now.Add(-10 * time.Minute)), DurationSeconds: new(0.001), Source: "targets"},
		{Name: "new", Environment: "UNKNOWN", State: "unknown", Source: "file:x"},
	}, now)
	const want = `NAME               ENVIRONMENT  STATE         REASON  SINCE    LATENCY  SOURCE
shop               LIVE         up            -       1h30m0s  12.3 ms  targets
a rather long name
                   DEV          down,         status  0s       2000.0   api:cmdb
                                maintenance,                   ms
                                muted
forgotten          LIVE         up, not       -       3h0m0s   1.0 ms   targets
                                probed for
                                2m1s
in time            LIVE         up            -       3h0m0s   1.0 ms   targets
new                UNKNOWN      unknown       -       -        -        file:x
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}
