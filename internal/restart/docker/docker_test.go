package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/docker/engine"
)

// A fake is an Engine behind a unix socket, with the containers of a list.
type fake struct {
	t    *testing.T
	path string

	mu         sync.Mutex // protects the following
	containers map[string]map[string]any
	fail       map[string]string // the end of a path to the status and body of its answer
	requests   []string
}

// up returns a container that has run for an hour, with changes of its State.
func up(id string, state map[string]any) map[string]any {
	all := map[string]any{"Status": "running", "StartedAt": time.Now().Add(-time.Hour).Format(time.RFC3339Nano)}
	maps.Copy(all, state)
	return map[string]any{
		"Id": id, "Name": "/web", "RestartCount": 0, "State": all,
		"Config": map[string]any{"Env": []string{"SECRET=canary"}, "Labels": map[string]string{"role": "web"}},
	}
}

func newFake(t *testing.T, containers map[string]map[string]any) *fake {
	t.Helper()
	f := &fake{t: t, containers: containers, fail: map[string]string{}}
	f.path = probetest.ServeUnix(t, f)
	return f
}

func (f *fake) backend(cfg Config) *Backend {
	f.t.Helper()
	cfg.Engine.Host = "unix://" + f.path
	b, err := New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

// ServeHTTP knows version 1.41 of the API, and only what the back-end may ask for.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method != http.MethodGet {
		f.requests = append(f.requests, r.Method+" "+r.URL.String())
	}
	for end, answer := range f.fail {
		if !strings.HasSuffix(r.URL.Path, end) {
			continue
		}
		if answer == "break" {
			panic(http.ErrAbortHandler)
		}
		var code int
		_, _ = fmt.Sscan(answer, &code)
		http.Error(w, strings.TrimLeft(answer, "0123456789 "), code)
		return
	}
	switch path := strings.TrimPrefix(r.URL.Path, "/v1.41/containers/"); {
	case r.URL.Path == "/_ping":
		w.Header().Set("Api-Version", "1.41")
	case path == "json" && r.URL.Query().Get("all") == "true" && r.URL.Query().Get("filters") == `{"label":["role=web"]}`:
		list := []any{}
		for _, c := range f.containers {
			list = append(list, map[string]any{"Id": c["Id"]})
		}
		f.write(w, list)
	case strings.HasSuffix(path, "/json"):
		name := strings.TrimSuffix(path, "/json")
		if c := f.containers[name]; c != nil {
			f.write(w, c)
			return
		}
		http.Error(w, `{"message": "No such container: `+name+`"}`, http.StatusNotFound)
	case strings.HasSuffix(path, "/restart") && r.Method == http.MethodPost:
		w.WriteHeader(http.StatusNoContent)
	default:
		f.t.Errorf("%s %s was asked for", r.Method, r.URL)
	}
}

// changed returns the requests that may change something.
func (f *fake) changed() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

func (f *fake) write(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Error(err)
	}
}

func TestInspect(t *testing.T) {
	just := time.Now().Add(-10 * time.Second).Format(time.RFC3339Nano)
	looping := up("a", map[string]any{"StartedAt": just})
	looping["RestartCount"] = 3
	once := up("a", nil)
	once["RestartCount"] = 3
	for _, tt := range []struct {
		name   string
		is     map[string]any
		unfit  restart.Unfit
		detail string
	}{
		{"running", up("a", nil), "", "Docker says running"},
		{"restarted long ago", once, "", "Docker says running"},
		{"restarted just now", looping, restart.UnfitLooping, "Docker says running; it has restarted it 3 times, the last one 10s ago"},
		{"paused", up("a", map[string]any{"Status": "paused"}), restart.UnfitPaused, "Docker says paused"},
		{"restarting", up("a", map[string]any{"Status": "restarting"}), restart.UnfitLooping, "Docker says restarting"},
		{"exited", up("a", map[string]any{"Status": "exited"}), restart.UnfitStopped, "Docker says exited"},
		{"created", up("a", map[string]any{"Status": "created"}), restart.UnfitStopped, "Docker says created"},
		{"dead", up("a", map[string]any{"Status": "dead"}), restart.UnfitStopped, "Docker says dead"},
		{"removing", up("a", map[string]any{"Status": "removing"}), restart.UnfitRolling, "Docker says removing"},
		{"another", up("a", map[string]any{"Status": "canary"}), restart.UnfitRolling, "Docker says that it is in an unknown status"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t, map[string]map[string]any{"web": tt.is})
			b := f.backend(Config{Container: "web"})
			s, err := b.Inspect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			detail := regexp.MustCompile(`the last one 1\ds ago`).ReplaceAllString(s.Detail, "the last one 10s ago") // by a busy machine some more
			if s.Unfit != tt.unfit || detail != tt.detail || s.Takes != 20*time.Second || !strings.HasPrefix(s.Identity, "a@20") || s.StartedAt.IsZero() {
				t.Errorf("got %+v, want %q, %q", s, tt.unfit, tt.detail)
			}
			if strings.Contains(fmt.Sprint(s), "canary") {
				t.Errorf("a word that is not Docker's is in %v", s)
			}
			err = b.Restart(t.Context(), restart.Attempt{Before: s})
			if refused := errors.Is(err, restart.ErrRefused); refused != (tt.unfit != "") || len(f.changed()) == 0 != refused {
				t.Errorf("the restart ended with %v and the requests %q", err, f.changed())
			}
		})
	}
}

func TestRestart(t *testing.T) {
	withStop := func(seconds int) map[string]any {
		c := up("a", nil)
		c["Config"] = map[string]any{"StopTimeout": seconds}
		return c
	}
	task := up("a", nil)
	task["Config"] = map[string]any{"Labels": map[string]string{"com.docker.swarm.service.name": "shop"}}
	post := []string{"POST /v1.41/containers/web/restart?t=10"}
	for _, tt := range []struct {
		name     string
		is       map[string]any
		fail     map[string]string
		before   string
		requests []string
		refused  bool
		want     string // empty: no error
	}{
		{"done", up("a", nil), nil, "", post, false, ""},
		{"its own time to stop", withStop(25), nil, "", []string{"POST /v1.41/containers/web/restart?t=25"}, false, ""},
		{"no time to stop", withStop(0), nil, "", []string{"POST /v1.41/containers/web/restart?t=0"}, false, ""},
		{"too slow for the attempt", withStop(90), nil, "", nil, true, `the container "web" may take 1m30s to stop, and there are `},
		{"stops when it likes", withStop(-1), nil, "", nil, true, "may take for ever to stop"},
		{"another run", up("a", nil), nil, "a@yesterday", nil, true, `the container "web" was restarted by somebody else`},
		{"task", task, nil, "", nil, true, `the container "web" is a task of the service "shop"`},
		{"removed meanwhile", up("a", nil), map[string]string{"/restart": `404 {"message":"No such container: web"}`}, "", post, true, `restarting the container "web": status 404 Not Found: No such container: web`},
		{"being removed", up("a", nil), map[string]string{"/restart": `409 {"message":"marked for removal"}`}, "", post, true, "status 409 Conflict: marked for removal"},
		{"forbidden by a proxy", up("a", nil), map[string]string{"/restart": `403 <html>canary`}, "", post, true, `restarting the container "web": status 403 Forbidden`},
		{"failed", up("a", nil), map[string]string{"/restart": `500 {"message":"driver failed"}`}, "", post, false, "status 500 Internal Server Error: driver failed"},
		{"broken off", up("a", nil), map[string]string{"/restart": "break"}, "", post, false, "EOF"},
		{"no Docker", up("a", nil), map[string]string{"_ping": "200 OK"}, "", nil, true, `asking for the version: got "": it is not a Docker Engine`},
		{"no answer", up("a", nil), map[string]string{"_ping": "break"}, "", nil, true, "asking for the version: EOF"},
		{"nonsense", up("a", nil), map[string]string{"web/json": "200 canary"}, "", nil, true, "reading the answer: "},
		{"not about a container", up("a", nil), map[string]string{"web/json": "200 {}"}, "", nil, true, "the answer is not about a container"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t, map[string]map[string]any{"web": tt.is})
			f.fail = tt.fail
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := f.backend(Config{Container: "web"}).Restart(ctx, restart.Attempt{Before: restart.Status{Identity: tt.before}})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) || errors.Is(err, restart.ErrRefused) != tt.refused {
				t.Errorf("got %v, want %q, refused %t", err, tt.want, tt.refused)
			}
			if diff := cmp.Diff(tt.requests, f.changed()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if strings.Contains(fmt.Sprint(err), "canary") {
				t.Errorf("a secret may be in %v", err)
			}
		})
	}
}

// A label must be that of one container, or it is not known which is meant.
func TestLabel(t *testing.T) {
	one, two := up("a", nil), up("b", nil)
	for _, tt := range []struct {
		name       string
		containers map[string]map[string]any
		requests   []string
		want       string
	}{
		{"one", map[string]map[string]any{"a": one}, []string{"POST /v1.41/containers/a/restart?t=10"}, ""},
		{"none", nil, nil, `the container with the label "role=web" is missing: Docker has no such container`},
		{"two", map[string]map[string]any{"a": one, "b": two}, nil, `2 containers are a container with the label "role=web", want one`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t, tt.containers)
			err := f.backend(Config{Label: "role=web"}).Restart(t.Context(), restart.Attempt{})
			if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || !errors.Is(err, restart.ErrRefused)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if diff := cmp.Diff(tt.requests, f.changed()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// The Engine also finds a container by the beginning of its ID: if the name no longer exists, that may be any other container.
func TestBeginningOfID(t *testing.T) {
	f := newFake(t, map[string]map[string]any{"db": up("db5e9c", nil)})
	b := f.backend(Config{Container: "db"})
	s, err := b.Inspect(t.Context())
	if err != nil || s.Unfit != restart.UnfitMissing || s.Identity != "" {
		t.Errorf("the status is %+v, error %v, want that there is no such container", s, err)
	}
	if err := b.Restart(t.Context(), restart.Attempt{Before: s}); !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), `no container of this name`) {
		t.Errorf("the error is %v", err)
	}
	if got := f.changed(); got != nil {
		t.Errorf("requests %q", got)
	}
}

func TestUnreachable(t *testing.T) {
	b, err := New(Config{Engine: engine.Config{Host: "unix:///nowhere/socket"}, Container: "web"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Inspect(t.Context()); !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), "connect: no such file or directory") {
		t.Errorf("the error is %v", err)
	}
	if got := b.Kind(); got != "docker" {
		t.Errorf("kind %q", got)
	}
}

// An answer without a state is not about a container, whatever else is in it.
func TestNoState(t *testing.T) {
	for name, answer := range map[string]map[string]any{
		"no state": {"Id": "a", "Name": "/web"}, "no status": {"Id": "a", "Name": "/web", "State": map[string]any{"StartedAt": "2026-01-01T00:00:00Z"}},
		"no ID": {"Name": "/web", "State": map[string]any{"Status": "running"}}, "nothing": {},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, map[string]map[string]any{"web": answer})
			b := f.backend(Config{Container: "web"})
			_, looked := b.Inspect(t.Context())
			for _, err := range []error{looked, b.Restart(t.Context(), restart.Attempt{})} {
				if !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), "the answer is not about a container") {
					t.Errorf("error is %v, want a refusal", err)
				}
			}
			if got := f.changed(); len(got) > 0 {
				t.Errorf("it sent %q, want nothing", got)
			}
		})
	}
}

// A start by the Engine itself is not somebody else's. After a start by hand, or in a new container, the count begins at 0.
func TestStartedByItself(t *testing.T) {
	for count, want := range map[int]bool{0: false, 1: true, 30: true} {
		c := up("a", nil)
		c["RestartCount"] = count
		s, err := newFake(t, map[string]map[string]any{"web": c}).backend(Config{Container: "web"}).Inspect(t.Context())
		if err != nil || s.Itself != want {
			t.Errorf("after %d restarts of the Engine got %+v, %v, want by itself: %t", count, s, err, want)
		}
	}
}
