package alerttest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// receive is the fourth hop: the restart receiver takes the alerts.
func (t *test) receive(ctx context.Context) {
	if t.Exporter == nil {
		return
	}
	h := Hop{Name: "the restart receiver at " + t.Exporter.String() + " takes them"}
	switch _, err := t.services(ctx); {
	case remote.IsStatus(err, http.StatusNotFound):
		h.OK, h.Said = true, []string{"it is not configured: nothing can be restarted"}
	case err != nil && !remote.IsStatus(err, http.StatusUnauthorized): // the metrics need no credentials of the receiver
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

// A receipt is what the receiver has counted since the beginning of the test.
type receipt struct{ codes, outcomes map[string]float64 }

// received waits until the receiver has counted something, and returns lines about it.
func (t *test) received(ctx context.Context) (ok bool, lines []string) {
	if t.counted == nil {
		return false, []string{"its metrics cannot be read, so this is not known"}
	}
	var r receipt
	done, err := t.until(ctx, func(ctx context.Context) (bool, error) {
		now, err := metrics(ctx, t.Exporter)
		if err != nil {
			return false, err
		}
		r.codes = added(now.by(deliveriesName, "code"), t.counted.by(deliveriesName, "code"))
		r.outcomes = added(now.firing().by(receivedName, "outcome"), t.counted.firing().by(receivedName, "outcome"))
		return len(r.codes) > 0, nil
	})
	if !done {
		return false, append(linesOf(err), "no delivery came: no route leads there, or Alertmanager cannot reach it")
	}
	for code := range r.codes {
		if code == strconv.Itoa(http.StatusUnauthorized) {
			return false, []string{"it answered 401: the credentials of the route differ from those of restart.receiver"}
		}
		if code != strconv.Itoa(http.StatusOK) {
			return false, []string{"it answered " + code + ": the log of the exporter says why"}
		}
	}
	if r.outcomes["mapped"] == 0 {
		return true, []string{"they select no service: no check is the label target, or else instance; nothing would be restarted"}
	}
	return true, t.selected(ctx)
}

// firing returns the counters of firing alerts.
func (f families) firing() families {
	return families{receivedName: slices.DeleteFunc(slices.Clone(f[receivedName]), func(c counted) bool { return c.labels["status"] != "firing" })}
}

// selected says what a real alert would do to each service that got a test alert.
func (t *test) selected(ctx context.Context) []string {
	services, err := t.services(ctx)
	if remote.IsStatus(err, http.StatusUnauthorized) {
		return []string{"they select a service; with its credentials (--http.config.file) it says which, and what would hold a restart"}
	}
	lines := linesOf(err)
	for _, e := range services {
		if e.TestedAt.IsZero() || e.TestedAt.Equal(t.tested[e.Service]) {
			continue
		}
		line := fmt.Sprintf("they select %s (by %s, mode %s)", e.Service, e.Backend, e.Mode)
		if err := t.Exporter.GetJSON(ctx, "api/v1/restarts/"+url.PathEscape(e.Service)+"/explain", &e); err != nil {
			lines = append(lines, line, err.Error())
			continue
		}
		lines = append(lines, line+"; "+t.Verdict(&e))
	}
	return append(lines, "a test alert restarts nothing")
}

// services returns all services of the exporter.
func (t *test) services(ctx context.Context) ([]policy.Explanation, error) {
	var all policy.Explanations
	err := t.Exporter.GetJSON(ctx, "api/v1/restarts", &all)
	return all.Services, err
}
