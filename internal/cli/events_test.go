package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

func TestWriteEvents(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	var b bytes.Buffer
	writeEvents(&b, &api.EventList{Next: "?after=1", Events: []status.Event{
		{At: at.Add(42 * time.Second), Kind: status.KindState, Target: "shop", State: status.StateUp, LastedSeconds: new(41.7)},
		{At: at.Add(40 * time.Second), Kind: status.KindRestart, Target: "shop", Service: "shop-web", Outcome: "recovered", Trigger: "own_checks", Detail: "pid 7 to 9"},
		{At: at, Kind: status.KindState, Target: "shop", State: status.StateDown, Reason: "status", Error: "status 503, want 2xx", LastedSeconds: new(3600.0)},
		{At: at, Kind: status.KindRestart, Service: "batch", Outcome: "not_recovered", Maintenance: true},
		{At: at, Kind: status.KindMute, Target: "shop", Outcome: status.Maintained, Who: "alice", Detail: "deploy", Until: at.Add(time.Hour)},
		{At: at, Kind: status.KindEdit, Outcome: status.Imported, Detail: "3 created"},
		{At: at, Kind: status.KindChannel, Channel: "live", Outcome: status.Updated, Who: "bob", Detail: "enabled"},
	}}, time.UTC)
	const want = `WHEN                 WHAT   EVENT                                AFTER
2026-11-29 12:00:42  shop   up                                   42s
2026-11-29 12:00:40  shop   restart: recovered                   -
  service shop-web, asked for by own checks: pid 7 to 9
2026-11-29 12:00:00  shop   down                                 1h0m0s
  status: status 503, want 2xx
2026-11-29 12:00:00  batch  restart: not recovered, maintenance  -
  service batch
2026-11-29 12:00:00  shop   maintenance                          -
  by alice, until 2026-11-29T13:00:00Z: deploy
2026-11-29 12:00:00  -      imported                             -
  by somebody: 3 created
2026-11-29 12:00:00  live   updated                              -
  by bob: enabled
There are older ones: see --limit.
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	b.Reset()
	long := strings.Repeat("long-", 30)
	writeEvents(&b, &api.EventList{Events: []status.Event{{At: at, Kind: status.KindMute, Target: long, Who: long + "\x1b[2J", Detail: "\u202e" + long}, {At: at, Target: long, Service: long, Error: long + "\x1b[2J\u202e", Detail: long, State: status.StateDown}}}, time.UTC)
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > screen && !strings.Contains(line, long) {
			t.Errorf("a line has %d characters: %s", n, line)
		}
	}
	if strings.ContainsAny(b.String(), "\x1b\u202e") {
		t.Errorf("an event controls the terminal: %q", b.String())
	}
	b.Reset()
	writeEvents(&b, &api.EventList{}, time.UTC)
	if !strings.HasPrefix(b.String(), "Nothing happened") {
		t.Errorf("of no events it says %q", &b)
	}
}
