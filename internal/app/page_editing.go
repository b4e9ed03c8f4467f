package app

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/page"
)

// pageEditing is what people may change from the page.
func (a *App) pageEditing() *page.Editing {
	return &page.Editing{
		Registry: a.managed, Author: a.watched, ProbeNow: a.probeNow.probe,
		Modules: func() []string { return a.current.Load().moduleNames() },
		Edits:   a.pageEdits,
	}
}

// pageEdits are the last changes of what somebody has written of a target.
func (a *App) pageEdits(target string, limit int) (all []page.EditOf) {
	for _, e := range a.managed.Edits(target, limit) {
		one := page.EditOf{At: e.At, By: e.Who, Action: string(e.Kind) + "." + string(e.Action)}
		if e.Kind == managed.KindTarget || e.Kind == managed.KindImport {
			one.Action = "target." + string(e.Action)
			if e.Action == managed.Updated {
				one.Keys = keysOf(e.Change)
			}
		}
		all = append(all, one)
	}
	return all
}

// keysOf are the keys of a JSON object, sorted.
func keysOf(text json.RawMessage) []string {
	var object map[string]json.RawMessage
	_ = json.Unmarshal(text, &object) // it is one, or there are none
	return slices.Sorted(maps.Keys(object))
}
