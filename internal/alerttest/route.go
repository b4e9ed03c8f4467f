package alerttest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
)

// route is the second hop: Alertmanager routes the alerts to receivers. It returns the alerts that are not suppressed, or nil if
// there is nothing to wait for.
func (t *test) route(ctx context.Context) []*alertconf.KnownAlert {
	h := Hop{Name: "they are routed", OK: true}
	var all []alertconf.KnownAlert
	found := make([]*alertconf.KnownAlert, len(t.sent))
	done, err := t.until(ctx, func(ctx context.Context) (bool, error) {
		var err error
		if all, err = t.client.Alerts(ctx); err != nil {
			return false, err
		}
		for i, a := range t.sent {
			found[i] = alertconf.Find(all, a.Labels)
			if found[i] == nil || found[i].Status.State == "unprocessed" {
				return false, nil
			}
		}
		return true, nil
	})
	if !done {
		h.OK, h.Said = false, append(linesOf(err), "Alertmanager took them but does not list them")
		t.told(ctx, h)
		return nil
	}
	free := []*alertconf.KnownAlert{}
	for _, a := range found {
		var names, receivers []string
		for _, r := range a.Receivers {
			names, receivers = append(names, r.Name), append(receivers, r.Name+kinds(t.setup.Integrations[r.Name]))
		}
		line := fmt.Sprintf("%s to %s", a.Labels["alertname"], strings.Join(receivers, ", "))
		switch why := suppressed(a, all); {
		case why != "":
			h.OK, line = false, line+", but "+why
		case t.Receiver != "" && !slices.Contains(names, t.Receiver):
			h.OK, line = false, line+", want "+t.Receiver+": this Alertmanager runs another configuration, or a route of the base file takes the alert before"
		default:
			free = append(free, a)
		}
		h.Said = append(h.Said, line)
	}
	t.told(ctx, h)
	if t.Receiver != "" && !h.OK {
		return nil
	}
	t.others = t.otherReceivers(all)
	return free
}

// kinds lists the kinds of messages that a receiver sends.
func kinds(ways map[string]int) string {
	if len(ways) == 0 {
		return " (notifies nobody)"
	}
	return " (" + strings.Join(slices.Sorted(maps.Keys(ways)), ", ") + ")"
}

// suppressed says why no receiver is notified of an alert. Empty: it is not suppressed.
func suppressed(a *alertconf.KnownAlert, all []alertconf.KnownAlert) string {
	var by []string
	for _, fingerprint := range a.Status.InhibitedBy {
		name := "an alert that has just ended"
		for i := range all {
			if all[i].Fingerprint == fingerprint {
				name = all[i].Labels["alertname"]
			}
		}
		by = append(by, "inhibited by "+name)
	}
	for _, id := range a.Status.SilencedBy {
		by = append(by, "silenced by "+id)
	}
	for _, interval := range a.Status.MutedBy {
		by = append(by, "muted by the time interval "+interval)
	}
	return strings.Join(by, ", ")
}
