package alerttest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// accept is the first hop: Alertmanager takes the alerts.
func (t *test) accept(ctx context.Context) bool {
	name := strings.TrimSpace("Alertmanager " + t.setup.Version) // the version may be empty
	h := Hop{Name: fmt.Sprintf("%s at %s takes the alerts", name, t.where()), OK: true}
	if err := t.client.Send(ctx, t.sent); err != nil {
		h.OK, h.Said = false, []string{err.Error()}
	}
	return t.told(ctx, h)
}

// resolve is the last hop. It always takes place, even after an interrupt.
func (t *test) resolve(ctx context.Context) {
	always := context.WithoutCancel(ctx)
	ctx, cancel := context.WithTimeout(always, cmp.Or(t.EndTime, remote.Timeout))
	defer cancel()
	h := Hop{Name: "the alerts are ended again", OK: true}
	now := time.Now()
	ended := slices.Clone(t.sent)
	for i := range ended {
		ended[i].EndsAt = now
	}
	err := t.client.Send(ctx, ended)
	if err == nil {
		var gone bool
		gone, err = t.until(ctx, func(ctx context.Context) (bool, error) {
			known, err := t.client.Alerts(ctx)
			return err == nil && !slices.ContainsFunc(t.sent, func(a alertconf.Alert) bool { return alertconf.Find(known, a.Labels) != nil }), err
		})
		if !gone && err == nil {
			err = errors.New("they are still listed by Alertmanager")
		}
	}
	if err != nil {
		h.OK, h.Said = false, []string{err.Error(), "they end by themselves at " + t.sent[0].EndsAt.Format(time.TimeOnly)}
	}
	t.told(always, h) // also if there was no time left
}
