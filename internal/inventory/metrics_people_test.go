package inventory

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

// people are what people have said: mutes and maintenances by target.
type people struct{ mutes, maintenances map[string]*calendar.Period }

// Mute implements Overlays.
func (p *people) Mute(target string, at time.Time) *calendar.Period {
	return under(p.mutes[target], at)
}

// Maintenance implements Overlays.
func (p *people) Maintenance(target string, at time.Time) *calendar.Period {
	return under(p.maintenances[target], at)
}

func under(p *calendar.Period, at time.Time) *calendar.Period {
	if p.Contains(at) {
		return p
	}
	return nil
}

// What people say of a target is told with its end, exactly as long as it holds, and without a merge.
func TestEndsOfPeriods(t *testing.T) {
	f := keeper(t)
	f.apply(t, "targets: [{name: a, url: 'http://a/', notification: off}, {name: b, url: 'http://b/', environment: LIVE}, {name: c, url: 'http://c/'}]")
	begin := time.Unix(1_800_000_000, 0)
	p := &people{
		mutes:        map[string]*calendar.Period{"b": {Start: begin, End: begin.Add(time.Hour), By: "alice", Reason: "deploy"}},
		maintenances: map[string]*calendar.Period{"b": {Start: begin.Add(time.Minute), End: begin.Add(2*time.Hour + 500*time.Millisecond), By: "ci", UntilHealthy: true}},
	}
	f.Inventory().Overlays = p
	const (
		mute = `
# HELP healthcheck_target_mute_end_timestamp_seconds When the mute that a person has set ends, in unix time; absent where there is none.
# TYPE healthcheck_target_mute_end_timestamp_seconds gauge
healthcheck_target_mute_end_timestamp_seconds{environment="LIVE",target="b"} 1.8000036e+09
`
		maintenance = `
# HELP healthcheck_target_maintenance_end_timestamp_seconds When the maintenance that a person has set ends at the latest, in unix time; absent where there is none.
# TYPE healthcheck_target_maintenance_end_timestamp_seconds gauge
healthcheck_target_maintenance_end_timestamp_seconds{environment="LIVE",target="b"} 1.8000072005e+09
`
	)
	for _, tc := range []struct {
		name    string
		after   time.Duration
		metrics string
		muted   int
	}{
		{name: "before", after: -time.Nanosecond, muted: 1},
		{name: "muted", metrics: mute, muted: 2},
		{name: "both", after: time.Minute, metrics: mute + maintenance, muted: 2},
		{name: "the mute is over", after: time.Hour, metrics: maintenance, muted: 1},
		{name: "all is over", after: 3 * time.Hour, muted: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now := begin.Add(tc.after)
			m := &metrics{keeper: f.Keeper, now: func() time.Time { return now }}
			if err := testutil.CollectAndCompare(m, strings.NewReader(tc.metrics), "healthcheck_target_mute_end_timestamp_seconds", "healthcheck_target_maintenance_end_timestamp_seconds"); err != nil {
				t.Error(err)
			}
			if n := testutil.CollectAndCount(m, "healthcheck_target_muted"); n != tc.muted {
				t.Errorf("%d targets are muted, want %d", n, tc.muted)
			}
		})
	}
}
