package app

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// intake is an exporter of n services that fail and may not be restarted.
func intake(t *testing.T, n int) *App {
	t.Helper()
	var services strings.Builder
	for i := range n {
		fmt.Fprintf(&services, "    - {name: s%d, checks: [{url: 'http://127.0.0.1:1/%[1]d'}], command: {argv: [/bin/true, '%[1]d']}}\n", i)
	}
	o := options(&recorder{}, "127.0.0.1:0")
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\nrestart:\n  mode: 'off'\n  receiver: {bearer_token: s3cret}\n  services:\n"+services.String())
	o.StoragePath = t.TempDir()
	a := started(t, o)
	until(t, "the services to be known", a.restarts.Ready)
	return a
}

// alertsAbout is a delivery of so many firing alerts.
func alertsAbout(n int) string {
	var alerts []string
	for i := range n {
		alerts = append(alerts, fmt.Sprintf(`{"status":"firing","labels":{"alertname":"HealthcheckTargetDown","instance":"http://127.0.0.1:1/%d"},`+
			`"annotations":{"description":"%s"},"startsAt":"2026-11-21T10:00:00Z","fingerprint":"%016x"}`, i, strings.Repeat("why ", 50), i))
	}
	return `{"version":"4","receiver":"restart","alerts":[` + strings.Join(alerts, ",") + `]}`
}

func send(t *testing.T, a *App, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Addr().String()+"/webhook/alertmanager", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer s3cret")
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// A delivery of very many alerts loses none, and what they change is persisted before it is acknowledged.
func TestReceiveMany(t *testing.T) {
	const services, alerts = 50, 10_000
	a := intake(t, services)
	if code := send(t, a, alertsAbout(alerts)); code != http.StatusOK {
		t.Fatalf("the delivery is answered %d", code)
	}
	for _, e := range a.restarts.Services() {
		if e.AlertedAt.IsZero() {
			t.Errorf("%s knows of no alert", e.Service)
		}
		kept, err := a.journal.Load(e.Service)
		if err != nil || kept.AlertedAt.IsZero() {
			t.Errorf("the alert about %s is not persisted: %v", e.Service, err)
		}
	}
	for _, want := range []string{
		fmt.Sprintf(`healthcheck_restart_webhook_alerts_total{outcome="mapped",status="firing"} %d`, services),
		fmt.Sprintf(`healthcheck_restart_webhook_alerts_total{outcome="unmapped",status="firing"} %d`, alerts-services),
	} {
		if !metric(t, a, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

// trickle begins a delivery and does not go on. It returns the status of the answer.
func trickle(t *testing.T, a *App, token string) (status func() int) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", a.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	body := alertsAbout(1)
	fmt.Fprintf(conn, "POST /webhook/alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", token, len(body), body[:len(body)-1])
	return func() int {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode
	}
}

// Senders that do not go on hold up nobody who has no credentials, and others not for long; nothing of what they sent counts,
// not even what had arrived.
func TestReceiveTrickle(t *testing.T) {
	t.Parallel() // it waits for its deadline
	a := intake(t, 1)
	var strangers, friends []func() int
	for range 50 {
		strangers = append(strangers, trickle(t, a, "wrong"))
	}
	for range 3 { // one less than are read at a time
		friends = append(friends, trickle(t, a, "s3cret"))
	}
	for _, status := range strangers {
		if got := status(); got != http.StatusUnauthorized {
			t.Errorf("somebody without credentials is answered %d, want 401", got)
		}
	}
	if code := send(t, a, alertsAbout(0)); code != http.StatusOK {
		t.Errorf("another delivery is answered %d", code)
	}
	for _, status := range friends {
		if got := status(); got != http.StatusServiceUnavailable {
			t.Errorf("a delivery that does not arrive is answered %d, want 503: it is to come again", got)
		}
	}
	if !metric(t, a, `healthcheck_restart_webhook_alerts_total{outcome="mapped",status="firing"} 0`) || !state(a).AlertedAt.IsZero() {
		t.Error("an alert of a delivery that did not arrive counts")
	}
	if code := send(t, a, alertsAbout(1)); code != http.StatusOK || state(a).AlertedAt.IsZero() {
		t.Errorf("the next one is answered %d", code)
	}
}
