package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// eventsOfOne is how many events one edit makes. One of more targets is one event: it must not take the place of all others.
const eventsOfOne = 10

// edited makes events of what people did.
func (a *App) edited(entries []managed.Entry) {
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && entries[n].Revision == entries[0].Revision {
			n++
		}
		for _, ev := range eventsOf(entries[:n]) {
			a.status.Record(ev)
		}
		entries = entries[n:]
	}
}

// eventsOf are those of one edit, which has some entries. One that imports a document may be about targets and channels.
func eventsOf(edit []managed.Entry) (all []status.Event) {
	isChannel := func(e managed.Entry) bool { return e.Kind == managed.KindChannel }
	targets, channels := slices.DeleteFunc(slices.Clone(edit), isChannel), slices.DeleteFunc(slices.Clone(edit), func(e managed.Entry) bool { return !isChannel(e) })
	return append(eventsOfSome(targets), eventsOfSome(channels)...)
}

// eventsOfSome are those of the entries of an edit that are all about targets, or all about channels.
func eventsOfSome(edit []managed.Entry) (all []status.Event) {
	if len(edit) == 0 {
		return nil
	}
	if first := &edit[0]; first.Kind == managed.KindImport || len(edit) > eventsOfOne {
		ev := eventOf(first)
		ev.Target, ev.Channel, ev.Detail = "", "", summed(edit)
		if ev.Kind != status.KindMute {
			ev.Outcome = status.Imported
		}
		return []status.Event{ev}
	}
	for i := range edit {
		all = append(all, eventOf(&edit[i]))
	}
	return all
}

// deeds are what the outcomes are called of edits of each kind.
var deeds = map[managed.EntryKind]map[managed.Action]string{
	managed.KindMute: {managed.Created: status.Muted, managed.Updated: status.Muted, managed.Deleted: status.Unmuted},
	managed.KindMaintenance: {
		managed.Created: status.Maintained, managed.Updated: status.Maintained, managed.Deleted: status.MaintenanceEnded,
	},
}

func eventOf(e *managed.Entry) status.Event {
	ev := status.Event{At: e.At.UTC(), Kind: status.KindEdit, Target: e.Name, Who: e.Who, Outcome: string(e.Action)}
	if deed, ok := deeds[e.Kind][e.Action]; ok {
		ev.Kind, ev.Outcome = status.KindMute, deed
		var p calendar.Period
		if json.Unmarshal(e.Change, &p) == nil {
			ev.Until, ev.Detail = p.End, p.Reason
		}
		return ev
	}
	if e.Kind == managed.KindChannel {
		ev.Kind, ev.Target, ev.Channel = status.KindChannel, "", e.Name
	}
	var changed map[string]json.RawMessage
	if e.Action == managed.Updated && json.Unmarshal(e.Change, &changed) == nil {
		ev.Detail = strings.Join(slices.Sorted(maps.Keys(changed)), ", ") // and not to what: the audit log has it
	}
	return ev
}

// summed says how many targets or channels an edit was about.
func summed(edit []managed.Entry) string {
	count := map[managed.Action]int{}
	for i := range edit {
		count[edit[i].Action]++
	}
	var all []string
	for _, a := range []managed.Action{managed.Created, managed.Updated, managed.Deleted} {
		if count[a] > 0 {
			all = append(all, fmt.Sprintf("%d %s", count[a], a))
		}
	}
	return strings.Join(all, ", ")
}
