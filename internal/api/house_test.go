package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A house is an exporter with targets of a file, some in LIVE and some in DEV, and a registry of what people edit.
type house struct {
	cfg      *config.Config
	registry *managed.Registry
	mux      *http.ServeMux
	probed   error // what a probe now returns
	channels *fakeChannels
}

// inHouse runs a test in a house of its own, and in a time of its own.
func inHouse(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newHouse(t)) })
}

func newHouse(t *testing.T) *house {
	t.Helper()
	c, err := config.Parse("test.yml", []byte(`
modules: {http_2xx: {prober: http}}
managed: {targets: true}
access: {users: [{name: alice, role: edit}]}
targets:
  - {name: db, url: 'http://db.example/', environment: LIVE, labels: {team: data}}
  - {name: web, url: 'http://web.example/', environment: LIVE, labels: {team: shop}}
  - {name: wiki, url: 'http://wiki.example/', environment: DEV, labels: {team: shop}}
`))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{cfg: c, mux: http.NewServeMux(), channels: newFakeChannels()}
	h.registry = h.newRegistry()
	h.registry.Configure(c, 0)
	if err := h.registry.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.registry.Close(); err != nil {
			t.Error(err)
		}
	})
	source := &board.Source{
		Inventory:  h.inventory,
		Status:     status.NewTracker(),
		Restarting: func() map[string]string { return nil },
	}
	for _, r := range []prober.Result{{Start: time.Now(), Duration: time.Second}, {
		Start: time.Now(), Duration: time.Second, Reason: prober.ReasonStatus, Err: errors.New("status 503, want 2xx"), FailedPhase: "processing", Attempts: 1,
		Phases: []prober.Phase{{Name: "connect", Duration: time.Second}}, Events: []prober.Event{{Message: "Connected", Attrs: []slog.Attr{slog.String("ip", "127.0.0.1")}}},
		HTTP: &prober.HTTPResult{StatusCode: 503},
	}} {
		source.Status.Observe(status.Probe{Name: "db", Result: r})
	}
	h.serve(source)
	return h
}

// newRegistry keeps what people edit, and forgets it at the end.
func (h *house) newRegistry() *managed.Registry {
	return managed.New(managed.Options{
		Owner: func(name string) (string, bool) {
			e := h.inventory().ByName(name)
			if e == nil {
				return "", false
			}
			return e.Source, e.Source != managed.Source
		},
		Environment: func(name string) string {
			if e := h.inventory().ByName(name); e != nil {
				return e.Environment
			}
			return ""
		},
		Services: func(name string) []string {
			if name == "checked" {
				return []string{"shop"}
			}
			return nil
		},
		Changed: func() {}, Log: slog.New(slog.DiscardHandler),
	}, prometheus.NewRegistry())
}

// serve serves what is asked of the API.
func (h *house) serve(source *board.Source) {
	g := h.registry
	targets := targetsOf(source)
	targets.Managed, targets.Edits, targets.Writable = g.Target, g.Edits, g.Writable
	targets.Told = func(*inventory.Entry) []channels.Channel { return append([]channels.Channel{}, h.channels.List()...) }
	targets.Silences = func(e *inventory.Entry) []channels.Silence {
		if e.Name != "db" {
			return nil
		}
		return []channels.Silence{{ID: "1-2", CreatedBy: "carol", Comment: "moving", StartsAt: time.Now().UTC(), EndsAt: time.Now().UTC()}}
	}
	hears := &ChannelEdits{Channels: h.channels, Tests: h.channels, Author: authorOf}
	managers := &Alertmanagers{Channels: h.channels, Author: authorOf}
	edits := &Edits{Targets: targets, Managed: g, Documents: fakeDocuments{g, h.channels}, Author: authorOf}
	probes := &Probes{Board: source, Author: authorOf, Hint: targets.Hint, Probe: func(context.Context, string) (*prober.Result, error) {
		return &prober.Result{Start: time.Now(), Duration: time.Second, Attempts: 1, HTTP: &prober.HTTPResult{StatusCode: 200}}, h.probed
	}}
	for pattern, handler := range map[string]http.HandlerFunc{
		"GET /api/v1/targets": targets.List, "GET /api/v1/targets/{name}": targets.Show, "GET /api/v1/summary": targets.Summary,
		"GET /api/v1/events":         (&Events{Status: source.Status}).List,
		"PUT /api/v1/targets/{name}": edits.Put, "PATCH /api/v1/targets/{name}": edits.Patch, "DELETE /api/v1/targets/{name}": edits.Delete,
		"POST /api/v1/targets/{name}/probe": probes.Now,
		"GET /api/v1/managed":               edits.Export, "PUT /api/v1/managed": edits.Import, "GET /api/v1/managed/targets": edits.Supply,
		"GET /api/v1/openapi.yaml": ServeOpenAPI,
		"GET /api/v1/channels":     hears.List, "GET /api/v1/channels/{name}": hears.Show,
		"PUT /api/v1/channels/{name}": hears.Put, "PATCH /api/v1/channels/{name}": hears.Patch, "DELETE /api/v1/channels/{name}": hears.Delete,
		"GET /api/v1/channels/{name}/test": hears.LastTest, "POST /api/v1/channels/{name}/test": hears.Test,
		"GET /api/v1/alertmanager": managers.Show, "GET /api/v1/alertmanager/config": managers.Config, "POST /api/v1/alertmanager/apply": managers.Apply,
		"GET /api/v1/alertmanager/bundle": managers.Bundle, "POST /api/v1/alertmanager/bundle/result": managers.Result,
	} {
		h.mux.HandleFunc(pattern, handler)
	}
	for k, many := range map[managed.Kind]string{managed.Mute: "mutes", managed.Maintenance: "maintenances"} {
		s := &Periods{Kind: k, Overlays: g, Board: source, Author: authorOf}
		one := " /api/v1/targets/{name}/" + string(k)
		h.mux.HandleFunc("GET"+one, s.Show)
		h.mux.HandleFunc("PUT"+one, s.Put)
		h.mux.HandleFunc("DELETE"+one, s.Delete)
		h.mux.HandleFunc("GET /api/v1/"+many, s.List)
		h.mux.HandleFunc("PUT /api/v1/"+many, s.PutMany)
		h.mux.HandleFunc("DELETE /api/v1/"+many, s.DeleteMany)
	}
}

// inventory is that of the file and the registry.
func (h *house) inventory() *inventory.Inventory {
	edited, _, err := h.registry.Supplied(config.TargetReader{File: managed.Source, Modules: h.cfg.Modules})
	if err != nil {
		panic(err)
	}
	part := inventory.Part{Source: managed.Source, More: edited}
	inv := inventory.Merge(h.cfg, []inventory.Part{{Source: inventory.StaticSource, Reviewed: true, Targets: h.cfg.Targets}, part}, prober.MaskURL)
	inv.Overlays = h.registry
	return inv
}

func authorOf(r *http.Request, role access.Role, of string) managed.Author {
	id := access.From(r.Context())
	return managed.Author{Name: id.Name, Role: id.Role.String(), May: func(environments ...string) error { return access.JudgeAt(id, role, of, environments...) }}
}

// The people of a house.
var (
	alice = access.Identity{Name: "alice", Role: access.Edit, Listed: true}
	ci    = access.Identity{Name: "ci", Role: access.Edit, Environments: []string{"DEV"}, Listed: true}
	am    = access.Identity{Name: "am-9", Role: access.Sync, Listed: true}
	bob   = access.Identity{Name: "bob", Role: access.Read, Listed: true}
)

// A question is what somebody asks of a house. Header has names and values, one after the other.
type question struct {
	by                 access.Identity
	method, path, body string
	header             []string
}

func (h *house) ask(t *testing.T, q question) *httptest.ResponseRecorder {
	t.Helper()
	time.Sleep(time.Second) // nobody may change more than a few things a second
	r := httptest.NewRequestWithContext(access.With(t.Context(), q.by), q.method, q.path, strings.NewReader(q.body))
	if q.body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	} else {
		r.Header.Set("Content-Type", jsonType)
	}
	for i := 0; i < len(q.header); i += 2 {
		r.Header.Set(q.header[i], q.header[i+1])
	}
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	record(t, r, w)
	return w
}
