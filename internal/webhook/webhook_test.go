package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// A recorder remembers what it was handed.
type recorder struct {
	mu  sync.Mutex // protects the following
	got []string
}

func (r *recorder) Handle(labels map[string]string, a policy.Alert) (selected bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, fmt.Sprintf("%s firing=%t", labels["instance"], !a.Resolved))
	if labels["instance"] == "full" {
		return true, errors.New("no space left on device")
	}
	return labels["instance"] != "unknown", nil
}

// A delivery that could not be persisted has to come again, and what comes after the alert that failed is passed on.
func TestNotPersisted(t *testing.T) {
	body := `{"version":"4","alerts":[{"status":"firing","labels":{"instance":"full"}},{"status":"firing","labels":{"instance":"i"}}]}`
	rec, w, _ := deliver(t, access.Authenticator{Anybody: true}, strings.NewReader(body))
	if w.Code != http.StatusServiceUnavailable || len(rec.got) != 2 || strings.Contains(w.Body.String(), "space") {
		t.Errorf("answer is %d %q with %q handled, want 503 and both", w.Code, w.Body, rec.got)
	}
}

func doorOf(a access.Authenticator) access.Door {
	return func() (access.Authenticator, int, error) { return a, http.StatusOK, nil }
}

func deliver(t *testing.T, a access.Authenticator, body io.Reader) (*recorder, *httptest.ResponseRecorder, *prometheus.Registry) {
	t.Helper()
	rec, reg := &recorder{}, prometheus.NewPedanticRegistry()
	h := New(Options{Receiver: rec, Door: doorOf(a), Refused: func() {}, Registerer: reg, Log: slog.New(slog.DiscardHandler)})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhook/alertmanager", body)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if n, err := testutil.GatherAndCount(reg); err != nil || n == 0 {
		t.Errorf("gathering: %d series, %v", n, err)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	return rec, w, reg
}

// The payloads of Alertmanager 0.25 and 0.34: a firing group may carry resolved alerts, and newer versions have more keys.
func TestPayloads(t *testing.T) {
	for _, file := range []string{"alertmanager-0.25.json", "alertmanager-0.34.json"} {
		t.Run(file, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			rec, w, reg := deliver(t, access.Authenticator{Anybody: true}, bytes.NewReader(body))
			if w.Code != http.StatusOK {
				t.Fatalf("answer is %d %s", w.Code, w.Body)
			}
			want := []string{"http://127.0.0.1:8080/health firing=true", "http://127.0.0.1:8081/health firing=false", "unknown firing=true"}
			slices.Sort(rec.got)
			if diff := cmp.Diff(want, rec.got); diff != "" {
				t.Errorf("alerts (-want +got):\n%s", diff)
			}
			err = testutil.GatherAndCompare(reg, strings.NewReader(`# HELP healthcheck_restart_webhook_alerts_total How many alerts came, by their status and by whether they select a service.
# TYPE healthcheck_restart_webhook_alerts_total counter
healthcheck_restart_webhook_alerts_total{outcome="mapped",status="firing"} 1
healthcheck_restart_webhook_alerts_total{outcome="mapped",status="resolved"} 1
healthcheck_restart_webhook_alerts_total{outcome="unmapped",status="firing"} 1
healthcheck_restart_webhook_alerts_total{outcome="unmapped",status="resolved"} 0
`), "healthcheck_restart_webhook_alerts_total")
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	const firing = `{"status":"firing","labels":{"instance":"i"}}`
	for _, tt := range []struct {
		name, body string
		code       int
		text       string
		handled    int
	}{
		{"not JSON", "hello", 400, "invalid character", 0},
		{"empty", "", 400, "cut off", 0},
		{"an array", "[]", 400, "not that of an Alertmanager webhook", 0},
		{"version 3", `{"version":"3","alerts":[]}`, 400, `version "3", want "4"`, 0},
		{"version as a number", `{"version":4,"alerts":[]}`, 400, "version is a JSON number", 0},
		{"no list of alerts", `{"version":"4","alerts":null}`, 400, "alerts: the payload is not that of", 0},
		{"labels as a number", `{"version":"4","alerts":[` + firing + `,{"status":"firing","labels":3}]}`, 400, "alerts[1].labels is a JSON number", 0},
		{"a label as a list", `{"version":"4","alerts":[{"status":"firing","labels":{"a":[]}}]}`, 400, "alerts[0].labels", 0},
		{"an alert as a text", `{"version":"4","alerts":["down"]}`, 400, "alerts[0] is a JSON string", 0},
		{"no version", `{"alerts":[` + firing + `]}`, 400, "lacks version", 0},
		{"no alerts", `{"version":"4"}`, 400, "lacks alerts", 0},
		{"another payload", `{"text":"hello"}`, 400, "lacks version", 0},
		{"odd status", `{"version":"4","alerts":[{"status":"odd"}]}`, 400, `status "odd"`, 0},
		{"truncated", `{"version":"4","alerts":[` + firing + `,{"status":"fir`, 400, "cut off", 0},
		{"wrong version after the alerts", `{"alerts":[` + firing + `],"version":"5"}`, 400, `version "5"`, 0},
		{"two payloads", `{"version":"4","alerts":[` + firing + `]} {}`, 400, "something follows", 0},
		{"too large", `{"version":"4","pad":"` + strings.Repeat("x", MaxBody) + `","alerts":[]}`, 413, "larger than", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec, w, reg := deliver(t, access.Authenticator{Anybody: true}, strings.NewReader(tt.body))
			if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.text) {
				t.Errorf("answer is %d %q, want %d with %q", w.Code, w.Body, tt.code, tt.text)
			}
			if len(rec.got) != tt.handled {
				t.Errorf("handled %q, want %d", rec.got, tt.handled)
			}
			if n := testutil.CollectAndCount(reg, "healthcheck_restart_webhook_requests_total"); n != 5 {
				t.Errorf("there are %d series of requests, want the 5 that were initialised", n)
			}
		})
	}
}

// Only those whom the door lets in are heard. Where it is shut for all, the answer is the door's.
func TestDoor(t *testing.T) {
	body := `{"version":"4","alerts":[{"status":"firing","labels":{"instance":"i"}}]}`
	shut := func() (access.Authenticator, int, error) {
		return access.Authenticator{Anybody: true}, http.StatusNotFound, errors.New("nothing can be restarted")
	}
	for name, tt := range map[string]struct {
		door    access.Door
		code    int
		handled int
		refused int
	}{
		"open":  {doorOf(access.Authenticator{Anybody: true}), http.StatusOK, 1, 0},
		"wrong": {doorOf(access.Authenticator{Bearer: "s3cret"}), http.StatusUnauthorized, 0, 1},
		"shut":  {shut, http.StatusNotFound, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			rec, refused := &recorder{}, 0
			h := New(Options{
				Receiver: rec, Door: tt.door, Refused: func() { refused++ },
				Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
			})
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhook/alertmanager", strings.NewReader(body)))
			if w.Code != tt.code || len(rec.got) != tt.handled || refused != tt.refused {
				t.Errorf("answer is %d with %d handled and %d refused, want %d, %d and %d", w.Code, len(rec.got), refused, tt.code, tt.handled, tt.refused)
			}
		})
	}
}

// Alerts that Alertmanager has left out are counted: whoever sets max_alerts should know what it costs.
func TestTruncated(t *testing.T) {
	for sent, want := range map[string]int{`7`: 7, `0`: 0, `"many"`: 0, `-1`: 0, `1e99`: 0, `null`: 0} {
		_, w, reg := deliver(t, access.Authenticator{Anybody: true}, strings.NewReader(`{"version":"4","truncatedAlerts":`+sent+`,"alerts":[]}`))
		text := fmt.Sprintf("# HELP healthcheck_restart_webhook_truncated_alerts_total How many alerts were left out of deliveries, because the receiver of Alertmanager has max_alerts.\n"+
			"# TYPE healthcheck_restart_webhook_truncated_alerts_total counter\nhealthcheck_restart_webhook_truncated_alerts_total %d\n", want)
		if err := testutil.GatherAndCompare(reg, strings.NewReader(text), "healthcheck_restart_webhook_truncated_alerts_total"); err != nil || w.Code != http.StatusOK {
			t.Errorf("truncatedAlerts %s is answered %d: %v", sent, w.Code, err)
		}
	}
}

// Of a large delivery little is kept.
func TestMemory(t *testing.T) {
	const size = 2 << 20
	one := `{"status":"firing","labels":{"instance":"i"},"annotations":{"a":"` + strings.Repeat("x", 1<<10) + `"}}`
	n := size / (len(one) + 1)
	body := `{"version":"4","alerts":[` + strings.Repeat(one+",", n-1) + one + `]}`
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	d, err := decode(strings.NewReader(body))
	alerts := d.alerts
	after := heap()
	if err != nil || len(alerts) != n {
		t.Fatalf("got %d alerts, %v; want %d", len(alerts), err, n)
	}
	if kept := int64(after) - int64(before); kept > size/2 {
		t.Errorf("%d bytes are kept of %d", kept, len(body))
	}
	runtime.KeepAlive(alerts)
	runtime.KeepAlive(body)
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"version":"4","alerts":[{"status":"firing","labels":{"a":"b"}}]}`)
	f.Add(`{"alerts":[],"version":"4","x":{"y":[1,2]}}`)
	f.Add(`{"version":"4","alerts":null}`)
	f.Fuzz(func(t *testing.T, s string) {
		d, err := decode(strings.NewReader(s))
		for _, a := range d.alerts {
			if a.Status != statusFiring && a.Status != statusResolved {
				t.Errorf("passed on status %q", a.Status)
			}
		}
		if err == nil && !strings.Contains(s, payloadVersion) {
			t.Errorf("accepted %q", s)
		}
	})
}
