package swarm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/docker/engine"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/swarm"
)

// A service as an engine describes it, created long ago. It has fields that we do not know.
const web = `{
	"ID": "id1", "Version": {"Index": 17}, "CreatedAt": "2026-01-01T00:00:00.123456789Z", "UpdatedAt": "2026-01-01T00:00:00.2Z",
	"Spec": {
		"Name": "shop_web", "Labels": {"a": "b"},
		"TaskTemplate": {
			"ContainerSpec": {"Image": "web:1@sha256:0123", "Env": ["TOKEN=canary"], "StopGracePeriod": 9007199254740993},
			"ForceUpdate": 3, "Runtime": "container"},
		"Mode": {"Replicated": {"Replicas": 2}},
		"UpdateConfig": {"Parallelism": 1, "Delay": 10000000000, "Monitor": 5000000000, "MaxFailureRatio": 0, "Order": "start-first"},
		"New": {"of": "later"}},
	"Endpoint": {}}`

// A manager is the engine of a manager. It keeps one service, and refuses an update for a version that is not the latest.
type manager struct {
	*httptest.Server
	mu       sync.Mutex // protects the following
	service  map[string]any
	requests []string
	meddle   func()       // called before every update; nil: nobody comes in between
	answer   func() error // instead of carrying out an update; nil: none
	code     int          // of all answers; 0: those of a manager
}

func newManager(t *testing.T) *manager {
	t.Helper()
	m := &manager{}
	m.set(t, web)
	m.Server = httptest.NewServer(http.HandlerFunc(m.serve))
	t.Cleanup(m.Close)
	return m
}

func (m *manager) set(t *testing.T, text string) {
	t.Helper()
	var service map[string]any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&service); err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.service = service
}

// change sets one of the keys of the service, and its version.
func (m *manager) change(key string, value any) {
	m.service[key] = value
	version := m.service["Version"].(map[string]any)
	n, _ := version["Index"].(json.Number).Int64()
	version["Index"] = json.Number(strconv.FormatInt(n+1, 10))
}

func (m *manager) serve(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fail := func(code int, message string) {
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
	}
	if r.URL.Path == "/_ping" {
		w.Header().Set("Api-Version", "1.41")
		return
	}
	m.requests = append(m.requests, r.Method+" "+r.RequestURI)
	switch {
	case m.code != 0:
		fail(m.code, "This node is not a swarm manager.")
	case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/v1.41/services/"):
		if m.service == nil {
			fail(http.StatusNotFound, "service shop_web not found")
			return
		}
		_ = json.NewEncoder(w).Encode(m.service)
	case r.Method == http.MethodPost && r.URL.Path == "/v1.41/services/id1/update":
		if m.meddle != nil {
			m.meddle()
		}
		if r.URL.Query().Get("version") != fmt.Sprint(m.service["Version"].(map[string]any)["Index"]) {
			fail(http.StatusInternalServerError, "rpc error: code = Unknown desc = update out of sequence")
			return
		}
		if m.answer != nil {
			fail(http.StatusInternalServerError, m.answer().Error())
			return
		}
		var spec map[string]any
		decoder := json.NewDecoder(r.Body)
		decoder.UseNumber()
		if err := decoder.Decode(&spec); err != nil {
			fail(http.StatusBadRequest, err.Error())
			return
		}
		m.service["PreviousSpec"] = m.service["Spec"]
		delete(m.service, "UpdateStatus")
		m.change("Spec", spec)
		fmt.Fprint(w, `{"Warnings": null}`)
	default:
		fail(http.StatusForbidden, "")
	}
}

func backend(t *testing.T, m *manager) *swarm.Backend {
	t.Helper()
	b, err := swarm.New(swarm.Config{Service: "shop_web", Engine: engine.Config{Host: "tcp://" + m.Listener.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func inspect(t *testing.T, b *swarm.Backend) restart.Status {
	t.Helper()
	s, err := b.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (m *manager) updating(state string, started, completed time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.change("UpdateStatus", map[string]any{"State": state, "StartedAt": started, "CompletedAt": completed, "Message": "update " + state})
}

// An update from the decision to its end: it increments the counter, and leaves everything else as it was.
func TestUpdate(t *testing.T) {
	t.Cleanup(probetest.NoLeaks(t))
	m := newManager(t)
	b := backend(t, m)
	before := inspect(t, b)
	if before.Unfit != "" || !before.Running || before.StartedAt.Year() != 2026 || strings.Contains(before.Detail, "canary") {
		t.Fatalf("before it the status is %+v, want one that is fit and runs", before)
	}
	if err := b.Restart(t.Context(), restart.Attempt{ID: "1", Before: before}); err != nil {
		t.Fatal(err)
	}
	want := []string{"GET /v1.41/services/shop_web", "GET /v1.41/services/shop_web", "POST /v1.41/services/id1/update?registryAuthFrom=spec&version=17"}
	if diff := cmp.Diff(want, m.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	spec := m.service["PreviousSpec"].(map[string]any)
	spec["TaskTemplate"].(map[string]any)["ForceUpdate"] = json.Number("4")
	if diff := cmp.Diff(spec, m.service["Spec"]); diff != "" {
		t.Errorf("the specification (-want +got):\n%s", diff)
	}

	if s := inspect(t, b); s.Running || s.Identity == before.Identity {
		t.Errorf("right after it the status is %+v, want another identity that does not run yet", s)
	}
	now := time.Now().UTC()
	m.updating("updating", now, time.Time{})
	if s := inspect(t, b); s.Running || s.Unfit != restart.UnfitRolling {
		t.Errorf("during it the status is %+v, want rolling", s)
	}
	m.updating("completed", now, now.Add(time.Second))
	if s := inspect(t, b); !s.Running || s.Unfit != "" || s.Identity == before.Identity || !s.StartedAt.Equal(now.Add(time.Second)) {
		t.Errorf("after it the status is %+v, want another identity that runs, started at %s", s, now)
	}
}

// Which answers of an engine mean that the tasks run as they should, and since when.
func TestRunning(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 2, day, 0, 0, 0, 0, time.UTC) }
	for _, tt := range []struct {
		state              string
		started, completed time.Time
		running            bool
		since              time.Time
	}{
		{"completed", at(1), at(2), true, at(2)},
		{"rollback_completed", at(1), at(2), true, at(2)},
		{"completed", at(3), time.Time{}, true, at(3)},
		{"updating", at(4), time.Time{}, false, at(4)},
		{"updating", at(5), at(2), false, at(5)}, // completed is what was before
		{"rollback_started", at(6), time.Time{}, false, at(6)},
		{"paused", at(7), at(8), false, at(8)},
		{"rollback_paused", at(7), time.Time{}, false, at(7)},
		{"of a later engine", at(7), time.Time{}, false, at(7)},
	} {
		t.Run(tt.state, func(t *testing.T) {
			m := newManager(t)
			m.updating(tt.state, tt.started, tt.completed)
			m.mu.Lock()
			m.change("PreviousSpec", map[string]any{"Name": "shop_web"})
			m.change("UpdatedAt", at(20)) // an update says better when it was
			m.mu.Unlock()
			if s := inspect(t, backend(t, m)); s.Running != tt.running || !s.StartedAt.Equal(tt.since) {
				t.Errorf("status is %+v, want running %t since %s", s, tt.running, tt.since)
			}
		})
	}
}

// The swarm pauses our own update because the first new task was killed, although the tasks after it run (moby #34245). The
// service has a new identity, and is not touched again before somebody else has updated it.
func TestPausedAfterUpdate(t *testing.T) {
	m := newManager(t)
	b := backend(t, m)
	before := inspect(t, b)
	if err := b.Restart(t.Context(), restart.Attempt{ID: "1", Before: before}); err != nil {
		t.Fatal(err)
	}
	m.updating("paused", time.Now(), time.Time{})
	after := inspect(t, b)
	if after.Unfit != restart.UnfitPaused || after.Running || after.Identity == before.Identity || !strings.HasSuffix(after.Detail, "update paused: update paused") {
		t.Errorf("status is %+v, want paused with the words of the engine, and another identity", after)
	}
	if err := b.Restart(t.Context(), restart.Attempt{ID: "2", Before: after}); !errors.Is(err, restart.ErrRefused) {
		t.Errorf("error is %v, want a refusal", err)
	}
	m.updating("completed", time.Now(), time.Now()) // by hand
	if s := inspect(t, b); s.Unfit != "" || !s.Running {
		t.Errorf("after its repair the status is %+v", s)
	}
}

// If the earlier state is not known, nothing is compared.
func TestUnknownBefore(t *testing.T) {
	if err := backend(t, newManager(t)).Restart(t.Context(), restart.Attempt{ID: "1"}); err != nil {
		t.Error(err)
	}
}

// The swarm rolls the update back because the new tasks do not run.
func TestRolledBack(t *testing.T) {
	m := newManager(t)
	b := backend(t, m)
	before := inspect(t, b)
	if err := b.Restart(t.Context(), restart.Attempt{ID: "1", Before: before}); err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	m.change("Spec", m.service["PreviousSpec"])
	m.mu.Unlock()
	m.updating("rollback_completed", time.Now(), time.Now())
	if s := inspect(t, b); s.Identity != before.Identity || s.Unfit != "" {
		t.Errorf("status is %+v, want the identity from before", s)
	}
}

func TestUnfit(t *testing.T) {
	for _, tt := range []struct {
		name, old, text string // what is replaced in web, and by what
		state           string
		want            restart.Unfit
	}{
		{"replicated", "", "", "", ""},
		{"without a number", `{"Replicas": 2}`, `{}`, "", ""},
		{"global", `{"Replicated": {"Replicas": 2}}`, `{"Global": {}}`, "", ""},
		{"no replicas", `{"Replicas": 2}`, `{"Replicas": 0}`, "", restart.UnfitStopped},
		{"job", `{"Replicated": {"Replicas": 2}}`, `{"ReplicatedJob": {"MaxConcurrent": 1}}`, "", restart.UnfitUnsuited},
		{"updating", "", "", "updating", restart.UnfitRolling},
		{"paused", "", "", "paused", restart.UnfitPaused},
		{"rolls back", "", "", "rollback_started", restart.UnfitRolling},
		{"stopped rolling back", "", "", "rollback_paused", restart.UnfitPaused},
		{"rolled back", "", "", "rollback_completed", ""},
		{"updated", "", "", "completed", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newManager(t)
			m.set(t, strings.Replace(web, tt.old, tt.text, 1))
			if tt.state != "" {
				m.updating(tt.state, time.Time{}, time.Time{})
			}
			b := backend(t, m)
			s := inspect(t, b)
			if s.Unfit != tt.want {
				t.Errorf("status is %+v, want unfit %q", s, tt.want)
			}
			err := b.Restart(t.Context(), restart.Attempt{ID: "1", Before: s})
			updated := slices.ContainsFunc(m.requests, func(r string) bool { return strings.HasPrefix(r, "POST") })
			if refused := errors.Is(err, restart.ErrRefused); refused != (tt.want != "") || updated == refused {
				t.Errorf("restarting: %v, updated: %t, want a refusal: %t", err, updated, tt.want != "")
			}
		})
	}
}

// Every way in which the update fails, and whether it may have been done all the same.
func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(m *manager)
		refused bool
		want    string
	}{
		{"somebody deploys meanwhile", func(m *manager) { m.meddle = func() { m.change("UpdateStatus", nil) } }, true, "was changed by somebody else in this moment: status 500 Internal Server Error: rpc error: code = Unknown desc = update out of sequence"},
		{"somebody deployed before", func(m *manager) {
			m.service["Spec"].(map[string]any)["TaskTemplate"].(map[string]any)["ForceUpdate"] = json.Number("9")
		}, true, "was updated by somebody else since it was looked at"},
		{"broken", func(m *manager) { m.answer = func() error { return errors.New("context deadline exceeded") } }, false, "updating the service \"shop_web\": status 500"},
		{"no manager", func(m *manager) { m.code = http.StatusServiceUnavailable }, true, "not a swarm manager.; want the engine of a manager"},
		{"proxy", func(m *manager) { m.code = http.StatusForbidden }, true, "a proxy in front of the engine does not allow this"},
		{"gone", func(m *manager) { m.service = nil }, true, "status 404 Not Found: service shop_web not found"},
		{"another one", func(m *manager) { m.service["Spec"].(map[string]any)["Name"] = "other" }, true, `got the service "other"`},
		{"no tasks", func(m *manager) { delete(m.service["Spec"].(map[string]any), "TaskTemplate") }, true, "somebody else"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newManager(t)
			b := backend(t, m)
			a := restart.Attempt{ID: "1", Before: inspect(t, b)}
			m.mu.Lock()
			tt.change(m)
			m.mu.Unlock()
			err := b.Restart(t.Context(), a)
			if err == nil || errors.Is(err, restart.ErrRefused) != tt.refused || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want one with %q, a refusal: %t", err, tt.want, tt.refused)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	m := newManager(t)
	m.service = nil
	if s := inspect(t, backend(t, m)); s.Unfit != restart.UnfitMissing || s.Identity != "" {
		t.Errorf("status is %+v, want missing", s)
	}
}

// A service that was scaled, or whose update has not begun, has no update with a time.
func TestChangedWithoutUpdate(t *testing.T) {
	m := newManager(t)
	b := backend(t, m)
	for text, want := range map[string]string{
		web: "2026-01-01T00:00:00.123456789Z",
		strings.Replace(web, `"Endpoint"`, `"PreviousSpec": {"Name": "shop_web"}, "Endpoint"`, 1): "2026-01-01T00:00:00.2Z",
	} {
		m.set(t, text)
		if got := inspect(t, b).StartedAt.UTC().Format(time.RFC3339Nano); got != want {
			t.Errorf("it was started at %s, want %s", got, want)
		}
	}
}
