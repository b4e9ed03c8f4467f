package probetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// An Alertmanager is a fake, with the parts of API v2 and the metrics that show how far an alert came. It sends alerts
// named HealthcheckTargetRestart to its webhook and all others to a Slack that does not exist.
type Alertmanager struct {
	*Server

	waiting atomic.Int32

	mu      sync.Mutex // protects the following
	alerts  []fakeAlert
	made    map[string]int // requests by integration
	failed  map[string]int
	givenUp map[string]int // notifications by integration
	asked   int            // while it was starting
	webhook string         // URL, with the token as its user
	quirk   string

	file     string // see ReadFrom; empty: it has a configuration of its own
	config   fakeConfig
	reloads  int
	silences []map[string]any
	hung     chan struct{} // closed when it goes on; nil: it does not hang
}

// The quirks of a fake Alertmanager.
const (
	QuirkNone      = ""
	QuirkRefuses   = "refuses"   // takes no alert, and loads no configuration
	QuirkForgets   = "forgets"   // takes alerts and never lists them
	QuirkInhibits  = "inhibits"  // notifies nobody: the alert is inhibited
	QuirkSilences  = "silences"  // notifies nobody: the alert is silenced
	QuirkSlackDown = "slackdown" // Slack answers an error
	QuirkSlow      = "slow"      // never sends anything
	QuirkHeartbeat = "heartbeat" // a dead man's switch of the kind webhook fails all the time
	QuirkRetries   = "retries"   // Slack takes the third try
	QuirkStarting  = "starting"  // is not ready for the first answers
	QuirkHangs     = "hangs"     // answers nothing until it gets another quirk
)

type fakeAlert struct {
	Labels      map[string]string `json:"labels"`
	EndsAt      time.Time         `json:"endsAt"`
	Fingerprint string            `json:"fingerprint"`
	Receivers   []fakeReceiver    `json:"receivers"`
	Status      map[string]any    `json:"status"`
}

type fakeReceiver struct {
	Name string `json:"name"`
}

// NewAlertmanager starts a fake Alertmanager. POST /fake?webhook=URL&quirk=QUIRK on it changes what it does.
func NewAlertmanager(t testing.TB) *Alertmanager {
	t.Helper()
	a := &Alertmanager{made: map[string]int{}, failed: map[string]int{}, givenUp: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /fake", func(_ http.ResponseWriter, r *http.Request) {
		a.Set(r.FormValue("webhook"), r.FormValue("quirk"))
	})
	mux.HandleFunc("POST /api/v2/alerts", a.post)
	mux.HandleFunc("GET /api/v2/alerts", a.list)
	mux.HandleFunc("GET /api/v2/status", a.status)
	mux.HandleFunc("GET /api/v2/silences", a.listSilences)
	mux.HandleFunc("POST /-/reload", a.reload)
	mux.HandleFunc("GET /metrics", a.metrics)
	a.Server = Serve(t, a.hang(mux))
	return a
}

// Set says where the webhook is, "" for nowhere, and how the Alertmanager misbehaves.
func (a *Alertmanager) Set(webhook, quirk string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.webhook, a.quirk = webhook, quirk
	if a.hung != nil {
		close(a.hung)
		a.hung = nil
	}
	if quirk == QuirkHangs {
		a.hung = make(chan struct{})
	}
}

// Firing is how many alerts fire.
func (a *Alertmanager) Firing() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.firing())
}

func (a *Alertmanager) firing() []fakeAlert {
	firing := []fakeAlert{}
	for _, f := range a.alerts {
		if f.EndsAt.After(time.Now()) {
			firing = append(firing, f)
		}
	}
	return firing
}

func (a *Alertmanager) post(w http.ResponseWriter, r *http.Request) {
	var posted []fakeAlert
	err := json.NewDecoder(r.Body).Decode(&posted)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.quirk == QuirkRefuses {
		err = fmt.Errorf("bad alert of %s", r.UserAgent())
	}
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(err.Error())
		return
	}
	for _, p := range posted {
		a.take(r.Context(), p)
	}
}

// take takes the beginning or the end of an alert.
func (a *Alertmanager) take(ctx context.Context, p fakeAlert) {
	for i := range a.alerts {
		if maps.Equal(a.alerts[i].Labels, p.Labels) {
			a.alerts[i].EndsAt = p.EndsAt
			return
		}
	}
	p.Fingerprint = strconv.Itoa(len(a.alerts))
	p.Receivers = []fakeReceiver{{"slack-live"}}
	if p.Labels["alertname"] == "HealthcheckTargetRestart" {
		p.Receivers = []fakeReceiver{{"restart"}}
	}
	if a.file != "" {
		p.Receivers = nil
		for _, name := range a.config.receivers(p.Labels) {
			p.Receivers = append(p.Receivers, fakeReceiver{name})
		}
	}
	none := []string{}
	p.Status = map[string]any{"state": "active", "inhibitedBy": none, "silencedBy": none, "mutedBy": none}
	switch a.quirk {
	case QuirkForgets:
		return
	case QuirkInhibits:
		p.Status["state"], p.Status["inhibitedBy"] = "suppressed", []string{"marker"}
		a.alerts = append(a.alerts, fakeAlert{
			Labels: map[string]string{"alertname": "HealthcheckTargetMuted"}, EndsAt: p.EndsAt, Fingerprint: "marker",
			Receivers: []fakeReceiver{{"null"}}, Status: map[string]any{"state": "active"},
		})
	case QuirkSilences:
		p.Status["state"], p.Status["silencedBy"] = "suppressed", []string{"12ab"}
	case QuirkSlow:
	case QuirkHeartbeat:
		a.heartbeat(p.EndsAt)
		a.notify(ctx, p)
	default:
		a.notify(ctx, p)
	}
	a.alerts = append(a.alerts, p)
}

// heartbeat is an alert that always fires, and whose receiver is not set up.
func (a *Alertmanager) heartbeat(until time.Time) {
	a.alerts = append(a.alerts, fakeAlert{
		Labels: map[string]string{"alertname": "HealthcheckWatchdog"}, EndsAt: until, Fingerprint: "heartbeat",
		Receivers: []fakeReceiver{{"heartbeat"}}, Status: map[string]any{"state": "active"},
	})
	a.made["webhook"] += 7
	a.failed["webhook"] += 7
	a.givenUp["webhook"]++
}

func (a *Alertmanager) notify(ctx context.Context, p fakeAlert) {
	if a.file != "" {
		a.send(ctx, p)
		return
	}
	if p.Receivers[0].Name != "restart" {
		a.made["slack"]++
		switch a.quirk {
		case QuirkSlackDown:
			a.failed["slack"]++
			a.givenUp["slack"]++
		case QuirkRetries:
			a.made["slack"] += 2
			a.failed["slack"] += 2
		}
		return
	}
	a.made["webhook"]++
	if err := deliver(ctx, a.webhook, p.Labels); err != nil {
		a.failed["webhook"]++
		a.givenUp["webhook"]++
	}
}

// deliver sends a webhook as Alertmanager does.
func deliver(ctx context.Context, webhook string, labels map[string]string) error {
	u, err := url.Parse(webhook)
	if err != nil {
		return err
	}
	token := u.User.Username()
	u.User = nil
	body, err := json.Marshal(map[string]any{"version": "4", "alerts": []any{map[string]any{"status": "firing", "labels": labels}}})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := new(http.Client).Do(r)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (a *Alertmanager) list(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a.firing())
}

// startingAnswers are how many answers an Alertmanager that is starting refuses.
const startingAnswers = 3

func (a *Alertmanager) status(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.quirk == QuirkStarting && a.asked < startingAnswers {
		a.asked++
		http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
		return
	}
	original := ownConfig
	if a.file != "" {
		original = string(a.config.text)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"versionInfo": map[string]string{"version": "0.0.0"},
		"config":      map[string]string{"original": original},
	})
}

// ownConfig is what an Alertmanager runs that reads no file.
const ownConfig = `receivers:
- name: "null"
- name: slack-live
  slack_configs:
  - api_url: <secret>
- name: restart
  webhook_configs:
  - url: <secret>
- name: heartbeat
  webhook_configs:
  - url: <secret>
`

func (a *Alertmanager) metrics(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, counts := range map[string]map[string]int{
		"alertmanager_notification_requests_total": a.made, "alertmanager_notification_requests_failed_total": a.failed,
		"alertmanager_notifications_failed_total": a.givenUp,
	} {
		fmt.Fprintf(w, "# TYPE %s counter\n", name)
		for kind, n := range counts {
			fmt.Fprintf(w, "%s{integration=%q} %d\n", name, kind, n)
		}
	}
	if a.file != "" {
		fmt.Fprint(w, a.config.hash())
	}
}
