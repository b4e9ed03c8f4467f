package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// route is the second hop: which receivers the alerts go to, and what stands in the way. It returns those that nothing
// does; nil: it failed.
func (t *alertTest) route(ctx context.Context) []*knownAlert {
	h := hop{Name: "they are routed", OK: true}
	var all []knownAlert
	found := make([]*knownAlert, len(t.sent))
	done, err := t.until(ctx, func(ctx context.Context) (bool, error) {
		var err error
		if all, err = t.alertmanager.alerts(ctx); err != nil {
			return false, err
		}
		for i, a := range t.sent {
			found[i] = find(all, a.Labels)
			if found[i] == nil || found[i].Status.State == "unprocessed" {
				return false, nil
			}
		}
		return true, nil
	})
	if !done {
		h.OK, h.Said = false, append(linesOf(err), "Alertmanager took them, and does not list them")
		t.told(ctx, h)
		return nil
	}
	free := []*knownAlert{}
	for _, a := range found {
		var receivers []string
		for _, r := range a.Receivers {
			receivers = append(receivers, r.Name+kinds(t.setup.ways[r.Name]))
		}
		line := fmt.Sprintf("%s to %s", a.Labels["alertname"], strings.Join(receivers, ", "))
		if why := suppressed(a, all); why != "" {
			h.OK, line = false, line+", but "+why
		} else {
			free = append(free, a)
		}
		h.Said = append(h.Said, line)
	}
	t.told(ctx, h)
	t.others = t.besides(all)
	return free
}

// kinds says by what a receiver tells people.
func kinds(ways map[string]int) string {
	if len(ways) == 0 {
		return " (tells nobody)"
	}
	return " (" + strings.Join(slices.Sorted(maps.Keys(ways)), ", ") + ")"
}

// suppressed says why nobody is told of an alert. Empty: somebody is.
func suppressed(a *knownAlert, all []knownAlert) string {
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

// receive is the fourth hop: what the restart receiver made of it.
func (t *alertTest) receive(ctx context.Context) {
	if t.exporter == nil {
		return
	}
	h := hop{Name: "the restart receiver at " + t.exporter.base.Redacted() + " takes them"}
	switch _, err := t.services(ctx); {
	case isStatus(err, http.StatusNotFound):
		h.OK, h.Said = true, []string{"it is not configured: nothing can be restarted"}
	case err != nil && !isStatus(err, http.StatusUnauthorized): // without credentials the metrics tell something
		h.Said = linesOf(err)
	default:
		h.OK, h.Said = t.received(ctx)
	}
	t.told(ctx, h)
}

// The counters of the receiver.
const (
	deliveriesName = "healthcheck_restart_webhook_requests_total"
	receivedName   = "healthcheck_restart_webhook_alerts_total"
)

// A receipt is what the receiver has counted since the test began.
type receipt struct{ codes, outcomes map[string]float64 }

// received waits until the receiver has counted something, and says what.
func (t *alertTest) received(ctx context.Context) (ok bool, lines []string) {
	if t.counted == nil {
		return false, []string{"its metrics cannot be read, so nobody knows"}
	}
	var r receipt
	done, err := t.until(ctx, func(ctx context.Context) (bool, error) {
		now, err := t.exporter.metrics(ctx)
		if err != nil {
			return false, err
		}
		r.codes = added(now.by(deliveriesName, "code"), t.counted.by(deliveriesName, "code"))
		r.outcomes = added(now.firing().by(receivedName, "outcome"), t.counted.firing().by(receivedName, "outcome"))
		return len(r.codes) > 0, nil
	})
	if !done {
		return false, append(linesOf(err), "no delivery came: no route leads there, or Alertmanager does not reach it")
	}
	for code := range r.codes {
		if code == strconv.Itoa(http.StatusUnauthorized) {
			return false, []string{"it answered 401: the credentials of the route are not those of restart.receiver"}
		}
		if code != strconv.Itoa(http.StatusOK) {
			return false, []string{"it answered " + code + ": the log of the exporter says why"}
		}
	}
	if r.outcomes["mapped"] == 0 {
		return true, []string{"they select no service: the label target, or else instance, is none of the checks; nothing would be restarted"}
	}
	return true, t.selected(ctx)
}

// firing are the counters of alerts that fire.
func (f families) firing() families {
	return families{receivedName: slices.DeleteFunc(slices.Clone(f[receivedName]), func(c counted) bool { return c.labels["status"] != "firing" })}
}

// selected says of each service that got a test alert what would become of a real one.
func (t *alertTest) selected(ctx context.Context) []string {
	services, err := t.services(ctx)
	if isStatus(err, http.StatusUnauthorized) {
		return []string{"they select a service; with its credentials (--http.config.file) it says which, and what would hold a restart"}
	}
	lines := linesOf(err)
	for _, e := range services {
		if e.TestedAt.IsZero() || e.TestedAt.Equal(t.tested[e.Service]) {
			continue
		}
		line := fmt.Sprintf("they select %s (by %s, mode %s)", e.Service, e.Backend, e.Mode)
		body, err := t.exporter.ask(ctx, question{url: t.exporter.at("api/v1/restarts", url.PathEscape(e.Service), "explain")})
		if err == nil {
			err = json.Unmarshal(body, &e)
		}
		if err != nil {
			lines = append(lines, line, err.Error())
			continue
		}
		lines = append(lines, line+"; "+verdict(&e, time.Local))
	}
	return append(lines, "a test alert restarts nothing")
}

// services are all services of the exporter.
func (t *alertTest) services(ctx context.Context) ([]policy.Explanation, error) {
	body, err := t.exporter.ask(ctx, question{url: t.exporter.at("api/v1/restarts")})
	if err != nil {
		return nil, err
	}
	var all policy.Explanations
	if err := decode(body, &all); err != nil {
		return nil, err
	}
	return all.Services, nil
}

// linesOf is an error as a line; none if there is none.
func linesOf(err error) []string {
	if err == nil {
		return nil
	}
	return []string{err.Error()}
}
