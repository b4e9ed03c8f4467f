package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// The outage follows the timing of Prometheus and Alertmanager, with short intervals.
const (
	outageInterval = 2 * time.Second
	repeatInterval = 5 * time.Second // between two deliveries
	deliveryTime   = 10 * time.Second
	armTime        = 12 * time.Second // until the service may be restarted, with a reserve
)

// An outage has the times of its steps since the beginning of the siege. 0: the step did not happen.
type outage struct {
	began, accepted, restarted, verified time.Duration
	refused                              counts // deliveries
}

// outage makes the app hang after a third of the time, and sends alerts to the receiver until the app is repaired.
func (s *siege) outage(ctx context.Context) {
	select {
	case <-time.After(max(armTime, s.duration/3)):
	case <-ctx.Done():
		return
	}
	if err := s.app.hang(ctx); err != nil {
		return // the report shows that there was no outage
	}
	s.score.outage(func(o *outage) { o.began = time.Since(s.began) })
	alertmanager, prometheus := newClient("127.0.0.1", deliveryTime), newClient("127.0.0.1", outageInterval)
	go harness.Every(ctx, repeatInterval, func() { s.deliver(ctx, alertmanager) })
	harness.Every(ctx, outageInterval/2, func() {
		if s.app.count() > 0 {
			s.score.outage(func(o *outage) { first(&o.restarted, time.Since(s.began)) })
		}
		if s.verified(ctx, prometheus) {
			s.score.outage(func(o *outage) { first(&o.verified, time.Since(s.began)) })
		}
	})
}

func first(at *time.Duration, now time.Duration) {
	if *at == 0 {
		*at = now
	}
}

// deliver sends an alert to the receiver, unless the app has been restarted.
func (s *siege) deliver(ctx context.Context, c *client) {
	if s.app.count() > 0 {
		return
	}
	const body = `{"version": "4", "status": "firing", "alerts": [{"status": "firing", "labels": {"alertname": "HealthcheckTargetRestart", "target": "app"}}]}`
	header := map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/json"}
	status, _, err := c.do(ctx, http.MethodPost, s.exporter.base+"/webhook/alertmanager", header, strings.NewReader(body))
	why := fmt.Sprintf("answer %d", status)
	if err != nil {
		why = kind(err)
	}
	s.score.outage(func(o *outage) {
		switch {
		case ctx.Err() != nil:
		case err == nil && status == http.StatusOK:
			first(&o.accepted, time.Since(s.began))
		default:
			o.refused[why]++
		}
	})
}

var verified = regexp.MustCompile(`(?m)^healthcheck_restart_attempts_total\{[^}]*outcome="recovered"[^}]*service="app"[^}]*\} [1-9]`)

// verified reports whether the exporter has verified the restart.
func (s *siege) verified(ctx context.Context, c *client) bool {
	status, text, err := c.do(ctx, http.MethodGet, s.exporter.base+"/metrics", nil, http.NoBody)
	return err == nil && status == http.StatusOK && verified.Match(text)
}
