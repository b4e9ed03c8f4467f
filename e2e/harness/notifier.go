package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
)

// A Notifier is an Alertmanager with a fake Slack. Tests send it alerts.
type Notifier struct {
	Slack *fakeslack.Server
	// Address is that of Alertmanager, host and port.
	Address string

	process *process
}

// An Alert is an alert as Alertmanager takes it.
type Alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt,omitzero"`
	EndsAt       time.Time         `json:"endsAt,omitzero"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// StartNotifier runs an Alertmanager with a configuration of the examples, written to dir. Call Stop unless there is an error.
func StartNotifier(ctx context.Context, b *Binaries, dir, config string) (*Notifier, error) {
	n := &Notifier{}
	var err error
	if n.Address, err = FreeAddress(ctx); err != nil {
		return nil, err
	}
	if n.Slack, err = fakeslack.Start(ctx); err != nil {
		return nil, err
	}
	// Long enough for all alerts of one request.
	timing := Timing{GroupWait: time.Second, GroupInterval: time.Second}
	nobody := "http://127.0.0.1:1"
	err = b.writeAlertmanager(dir, alerting{config: config, slack: n.Slack, webhook: nobody + WebhookPath, heartbeat: nobody, timing: timing})
	if err != nil {
		return nil, errors.Join(err, n.Slack.Close())
	}
	server := b.alertmanagerServer(dir, n.Address)
	if n.process, err = server.start(ctx, dir); err != nil {
		return nil, errors.Join(err, n.Slack.Close())
	}
	if err := n.process.ready(ctx, n.Address); err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	return n, nil
}

// Stop ends both and waits until they have ended.
func (n *Notifier) Stop() error {
	n.process.Stop()
	return n.Slack.Close()
}

// Log returns the end of the log of Alertmanager.
func (n *Notifier) Log() string { return tail(n.process.log) }

// Post sends alerts as Prometheus does.
func (n *Notifier) Post(ctx context.Context, alerts ...Alert) error {
	return postAlerts(ctx, n.Address, alerts)
}

func postAlerts(ctx context.Context, address string, alerts []Alert) error {
	body, err := json.Marshal(alerts)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/api/v2/alerts", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("posting alerts: got %s, want 200", answer.Status)
	}
	return nil
}
