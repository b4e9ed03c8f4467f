package app

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// What people do is an event each, and what they do to many targets at once is one.
func TestEventsOfEdits(t *testing.T) {
	o := options(&recorder{})
	o.StoragePath = filepath.Join(t.TempDir(), "data")
	o.ConfigFile = configFile(t, `
access: {users: [{name: alice, role: edit, bearer_token: 6d1f0a93c27be85440f9b3d7a1e6c852}]}
managed: {targets: true}
modules: {http_2xx: {prober: http}}
`)
	a := started(t, o)
	alice := managed.Edit{By: managed.Author{Name: "alice", Role: "edit", May: func(...string) error { return nil }}, If: managed.Condition{}}
	again := alice
	again.If.Any = true
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	shop := []managed.Subject{{Name: "shop"}}
	now := time.Now().UTC()
	end := now.Add(time.Hour)
	period := func() *calendar.Period {
		return &calendar.Period{Start: now, End: end, By: "alice", Reason: "deploy"}
	}
	must(a.managed.Put(t.Context(), alice, "shop", []byte(`{"url":"http://127.0.0.1:1/","interval":"15s"}`)))
	must(a.managed.Patch(t.Context(), again, "shop", []byte(`{"interval":"30s","labels":{"team":"shop"}}`)))
	must(a.managed.Set(t.Context(), alice, managed.Mute, shop, period()))
	must(a.managed.Set(t.Context(), alice, managed.Mute, shop, nil))
	must(a.managed.Set(t.Context(), alice, managed.Maintenance, shop, period()))
	must(a.managed.Set(t.Context(), alice, managed.Maintenance, shop, nil))
	var many []managed.Subject
	for i := range eventsOfOne + 1 {
		many = append(many, managed.Subject{Name: fmt.Sprint("cart-", i)})
	}
	must(a.managed.Set(t.Context(), alice, managed.Mute, many, period()))
	must(a.managed.Import(t.Context(), alice, managed.Merge, managed.Document{Targets: []json.RawMessage{
		[]byte(`{"name":"wiki","url":"http://127.0.0.1:1/wiki"}`), []byte(`{"name":"mail","url":"http://127.0.0.1:1/mail"}`),
	}}))
	must(a.managed.Delete(t.Context(), again, "shop"))

	got, _ := a.status.Events(status.Filter{})
	want := []status.Event{
		{Kind: status.KindEdit, Target: "shop", Outcome: status.Deleted},
		{Kind: status.KindEdit, Outcome: status.Imported, Detail: "2 created"},
		{Kind: status.KindMute, Outcome: status.Muted, Until: end, Detail: "11 created"},
		{Kind: status.KindMute, Target: "shop", Outcome: status.MaintenanceEnded},
		{Kind: status.KindMute, Target: "shop", Outcome: status.Maintained, Until: end, Detail: "deploy"},
		{Kind: status.KindMute, Target: "shop", Outcome: status.Unmuted},
		{Kind: status.KindMute, Target: "shop", Outcome: status.Muted, Until: end, Detail: "deploy"},
		{Kind: status.KindEdit, Target: "shop", Outcome: status.Updated, Detail: "interval, labels"},
		{Kind: status.KindEdit, Target: "shop", Outcome: status.Created},
	}
	for i := range want {
		want[i].Who = "alice"
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(status.Event{}, "ID", "At")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// What people do to channels is an event each, which says what they changed and not to what.
func TestEventsOfChannels(t *testing.T) {
	entry := func(revision uint64, kind managed.EntryKind, action managed.Action, name, change string) managed.Entry {
		return managed.Entry{Who: "alice", Kind: kind, Action: action, Name: name, Revision: revision, Change: json.RawMessage(change)}
	}
	a := build(t, options(&recorder{}))
	a.edited([]managed.Entry{
		entry(1, managed.KindChannel, managed.Created, "live", `{"type":"slack_webhook","url":"canary-url"}`),
		entry(2, managed.KindChannel, managed.Updated, "live", `{"url":"canary-url","enabled":false}`),
		entry(3, managed.KindChannel, managed.Deleted, "live", "null"),
		entry(4, managed.KindImport, managed.Created, "shop", `{}`),
		entry(4, managed.KindChannel, managed.Created, "shop", `{"token":"canary-token"}`),
		entry(4, managed.KindImport, managed.Created, "cart", `{}`),
	})
	var many []managed.Entry
	for i := range eventsOfOne + 1 {
		many = append(many, entry(5, managed.KindChannel, managed.Created, strconv.Itoa(i), `{}`))
	}
	a.edited(many)
	got, _ := a.status.Events(status.Filter{})
	want := []status.Event{
		{Kind: status.KindChannel, Outcome: status.Imported, Detail: "11 created"},
		{Kind: status.KindChannel, Channel: "shop", Outcome: status.Created},
		{Kind: status.KindEdit, Outcome: status.Imported, Detail: "2 created"},
		{Kind: status.KindChannel, Channel: "live", Outcome: status.Deleted},
		{Kind: status.KindChannel, Channel: "live", Outcome: status.Updated, Detail: "enabled, url"},
		{Kind: status.KindChannel, Channel: "live", Outcome: status.Created},
	}
	for i := range want {
		want[i].Who = "alice"
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(status.Event{}, "ID", "At")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if of, _ := a.status.Events(status.Filter{Target: "shop"}); len(of) != 0 {
		t.Errorf("the target shop has the event of a channel: %+v", of)
	}
	if of, _ := a.status.Events(status.Filter{Kind: status.KindChannel}); len(of) != 5 {
		t.Errorf("%d events are about channels, want 5", len(of))
	}
}
