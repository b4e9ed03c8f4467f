package status

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// What people do is kept like what targets do, also where the exporter is started again, and cut.
func TestRecordOfPeople(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	before := NewTracker()
	before.Record(Event{At: at, Kind: KindMute, Target: "shop", Outcome: Muted, Who: "alice", Detail: "deploy", Until: at.Add(time.Hour)})
	before.Record(Event{At: at, Kind: KindEdit, Outcome: Imported, Who: "ci", Detail: "3 created"})
	before.Record(Event{At: at, Kind: KindRestart, Service: "shop", Outcome: "recovered"})
	b, err := before.snapshot()
	if err != nil {
		t.Fatal(err)
	}
	after := NewTracker()
	if err := after.restore(b); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []Kind{"", KindMute, KindEdit, KindRestart, KindState} {
		want, _ := before.Events(Filter{Kind: kind})
		got, _ := after.Events(Filter{Kind: kind})
		if n := map[Kind]int{"": 3, KindState: 0, KindMute: 1, KindEdit: 1, KindRestart: 1}[kind]; len(got) != n {
			t.Errorf("%d events of kind %q, want %d", len(got), kind, n)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events of kind %q (-before +after):\n%s", kind, diff)
		}
	}
	text, err := json.Marshal(before.events.kept[2])
	if want := `{"id":3,"at":"2026-11-29T12:00:00Z","kind":"restart","service":"shop","outcome":"recovered"}`; err != nil || string(text) != want {
		t.Errorf("an event of a restart is %s, want it as it was: %s", text, want)
	}
	hostile := strings.Repeat("\u202ex\n", 100_000)
	before.Record(Event{At: at, Kind: KindMute, Who: hostile, Detail: hostile})
	worst := before.events.kept[3]
	if !printable.Is(worst.Who+worst.Detail) || len(worst.Who) > 2*printable.MaxLog || len(worst.Detail) > 2*printable.MaxError {
		t.Errorf("%d and %d bytes are kept of somebody who wrote %d", len(worst.Who), len(worst.Detail), len(hostile))
	}
}
