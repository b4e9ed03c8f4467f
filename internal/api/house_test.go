package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A registry keeps what people edit as a managed.Registry does, without a file.
type registry struct {
	cfg      *config.Config
	targets  map[string]managed.Target
	revision uint64
	overlays map[managed.Kind]map[string]calendar.Period
	err      error // for every change
}

func (g *registry) source(name string) string {
	if g.cfg.Target(name) != nil {
		return inventory.StaticSource
	}
	return ""
}

// read checks a definition.
func (g *registry) read(name string, definition []byte) (managed.Target, config.Target, error) {
	var fields map[string]any
	if err := json.Unmarshal(definition, &fields); err != nil {
		return managed.Target{}, config.Target{}, err
	}
	compact := encoded(fields)
	fields["name"] = name
	node, err := inventory.ParseYAML(encoded(fields))
	if err != nil {
		return managed.Target{}, config.Target{}, err
	}
	t, wrong, _ := config.TargetReader{File: "managed", Modules: g.cfg.Modules}.Read(node)
	if len(wrong) > 0 {
		invalid := &managed.InvalidError{What: "target"}
		for _, w := range wrong {
			invalid.Problems = append(invalid.Problems, managed.Problem{Pointer: "/" + w.Path, Detail: w.Message})
		}
		return managed.Target{}, t, invalid
	}
	return managed.Target{Name: name, Definition: compact}, t, nil
}

// expects judges a condition as RFC 9110 has it.
func (g *registry) expects(c managed.Condition, now managed.Target, exists bool) error {
	held := c.Any && exists || c.Absent && !exists || slices.Contains(c.Revisions, now.Revision) && exists
	switch {
	case held:
		return nil
	case c.Absent || c.Any || len(c.Revisions) > 0:
		return &managed.ChangedError{Now: now, Revision: now.Revision, Want: c}
	case exists:
		return &managed.RequiredError{Revision: now.Revision}
	}
	return nil
}

func (g *registry) Put(_ context.Context, e managed.Edit, name string, definition []byte) (managed.Outcome, error) {
	if g.err != nil {
		return managed.Outcome{}, g.err
	}
	if s := g.source(name); s != "" {
		return managed.Outcome{}, &managed.OwnedError{Name: name, Source: s}
	}
	before, exists := g.targets[name]
	made, read, err := g.read(name, definition)
	if err != nil {
		return managed.Outcome{}, err
	}
	environments := []string{read.Environment}
	if exists {
		_, old, _ := g.read(name, before.Definition)
		environments = append(environments, old.Environment)
	}
	if err := e.By.May(environments...); err != nil {
		return managed.Outcome{}, err
	}
	if exists && bytes.Equal(before.Definition, made.Definition) {
		return managed.Outcome{Action: managed.Unchanged, Target: before, Revision: g.revision}, nil
	}
	if err := g.expects(e.If, before, exists); err != nil {
		return managed.Outcome{}, err
	}
	now := managed.Stamp{At: time.Now().UTC(), By: e.By.Name}
	made.Revision, made.Created, made.Updated = g.revision+1, now, now
	action := managed.Created
	if exists {
		action, made.Created = managed.Updated, before.Created
	}
	if !e.DryRun {
		g.revision++
		g.targets[name] = made
	}
	return managed.Outcome{Action: action, Target: made, Revision: made.Revision}, nil
}

func (g *registry) Patch(ctx context.Context, e managed.Edit, name string, patch []byte) (managed.Outcome, error) {
	before, exists := g.targets[name]
	if !exists {
		return managed.Outcome{}, &managed.MissingError{Name: name}
	}
	var fields, changes map[string]any
	if err := errors.Join(json.Unmarshal(before.Definition, &fields), json.Unmarshal(patch, &changes)); err != nil {
		return managed.Outcome{}, err
	}
	maps.Copy(fields, changes)
	maps.DeleteFunc(fields, func(_ string, v any) bool { return v == nil })
	return g.Put(ctx, e, name, encoded(fields))
}

func (g *registry) Delete(_ context.Context, e managed.Edit, name string) (managed.Outcome, error) {
	before, exists := g.targets[name]
	switch {
	case g.err != nil:
		return managed.Outcome{}, g.err
	case !exists && g.source(name) != "":
		return managed.Outcome{}, &managed.OwnedError{Name: name, Source: g.source(name)}
	case !exists:
		return managed.Outcome{}, &managed.MissingError{Name: name}
	case name == "checked" && !e.Force:
		return managed.Outcome{}, &managed.InUseError{Name: name, Services: []string{"shop"}}
	}
	if err := g.expects(e.If, before, true); err != nil {
		return managed.Outcome{}, err
	}
	if !e.DryRun {
		g.revision++
		delete(g.targets, name)
	}
	return managed.Outcome{Action: managed.Deleted, Target: before, Revision: g.revision}, nil
}

func (g *registry) Import(ctx context.Context, e managed.Edit, mode managed.Mode, d managed.Document) (managed.Report, error) {
	r := managed.Report{Revision: g.revision}
	switch {
	case mode == managed.Replace && !e.If.Any && len(e.If.Revisions) == 0:
		return r, &managed.RequiredError{Revision: g.revision}
	case len(e.If.Revisions) > 0 && !slices.Contains(e.If.Revisions, g.revision):
		return r, &managed.ChangedError{Revision: g.revision, Want: e.If}
	}
	for _, text := range d.Targets {
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			return r, &managed.InvalidError{What: "document", Problems: []managed.Problem{{Pointer: "/targets/0", Detail: err.Error()}}}
		}
		name := fmt.Sprint(fields["name"])
		delete(fields, "name")
		outcome, err := g.Put(ctx, managed.Edit{By: e.By, DryRun: e.DryRun, If: managed.Condition{Any: g.targets[name].Name != ""}}, name, encoded(fields))
		if err != nil {
			return r, err
		}
		switch outcome.Action {
		case managed.Created:
			r.Created = append(r.Created, name)
		case managed.Unchanged:
			r.Unchanged++
		default:
			r.Updated = append(r.Updated, managed.Difference{Name: name, Changes: map[string][2]json.RawMessage{"interval": {nil, encoded("30s")}}})
		}
	}
	r.Revision = g.revision
	return r, nil
}

func (g *registry) Export() (managed.Document, uint64, error) {
	var d managed.Document
	for _, name := range slices.Sorted(maps.Keys(g.targets)) {
		var fields map[string]any
		if err := json.Unmarshal(g.targets[name].Definition, &fields); err != nil {
			return d, 0, err
		}
		fields["name"] = name
		d.Targets = append(d.Targets, encoded(fields))
	}
	return d, g.revision, g.err
}

func (g *registry) Target(name string) (managed.Target, bool) {
	t, ok := g.targets[name]
	return t, ok
}

func (g *registry) Writable() error {
	if errors.Is(g.err, managed.ErrReadOnly) {
		return g.err
	}
	return nil
}

func (g *registry) Set(_ context.Context, e managed.Edit, k managed.Kind, subjects []managed.Subject, p *calendar.Period) (changed []string, err error) {
	for _, s := range subjects {
		if err := e.By.May(s.Environment); err != nil {
			return nil, err
		}
	}
	if p != nil && (!p.End.After(time.Now()) || p.End.After(time.Now().Add(managed.MaxPeriod))) {
		return nil, &managed.InvalidError{What: string(k), Problems: []managed.Problem{{Pointer: "/until", Detail: "want a time within the next 30 days"}}}
	}
	for _, s := range subjects {
		if p == nil {
			if _, ok := g.overlays[k][s.Name]; !ok {
				continue
			}
		}
		changed = append(changed, s.Name)
		if e.DryRun {
			continue
		}
		if p == nil {
			delete(g.overlays[k], s.Name)
		} else {
			g.overlays[k][s.Name] = *p
		}
	}
	return changed, nil
}

func (g *registry) Overlays(k managed.Kind, at time.Time) (all []managed.Overlay) {
	for _, name := range slices.Sorted(maps.Keys(g.overlays[k])) {
		if p := g.overlays[k][name]; at.Before(p.End) {
			all = append(all, managed.Overlay{Target: name, Kind: k, Period: p})
		}
	}
	return all
}

func (g *registry) period(k managed.Kind, name string, at time.Time) *calendar.Period {
	if p, ok := g.overlays[k][name]; ok && p.Contains(at) {
		return &p
	}
	return nil
}

// Mute implements inventory.Overlays.
func (g *registry) Mute(name string, at time.Time) *calendar.Period {
	return g.period(managed.Mute, name, at)
}

// Maintenance implements inventory.Overlays.
func (g *registry) Maintenance(name string, at time.Time) *calendar.Period {
	return g.period(managed.Maintenance, name, at)
}

// A house is an exporter with targets of a file, some in LIVE and some in DEV, and a registry.
type house struct {
	registry *registry
	mux      *http.ServeMux
	probed   error // what a probe now returns
}

func newHouse(t *testing.T) *house {
	t.Helper()
	c, err := config.Parse("test.yml", []byte(`
modules: {http_2xx: {prober: http}}
targets:
  - {name: db, url: 'http://db.example/', environment: LIVE, labels: {team: data}}
  - {name: web, url: 'http://web.example/', environment: LIVE, labels: {team: shop}}
  - {name: wiki, url: 'http://wiki.example/', environment: DEV, labels: {team: shop}}
`))
	if err != nil {
		t.Fatal(err)
	}
	g := &registry{cfg: c, targets: map[string]managed.Target{}, revision: 16, overlays: map[managed.Kind]map[string]calendar.Period{managed.Mute: {}, managed.Maintenance: {}}}
	source := &board.Source{
		Inventory:  func() *inventory.Inventory { return g.inventory(t) },
		Status:     status.NewTracker(),
		Restarting: func() map[string]string { return nil },
	}
	h := &house{registry: g, mux: http.NewServeMux()}
	targets := targetsOf(source)
	targets.Managed, targets.Writable = g.Target, g.Writable
	edits := &Edits{Targets: targets, Managed: g, Author: authorOf}
	supply := &Supply{Managed: g, Overlays: g}
	probes := &Probes{Board: source, Author: authorOf, Hint: targets.Hint, Probe: func(context.Context, string) (*prober.Result, error) {
		return &prober.Result{Start: time.Now(), Duration: time.Second, Attempts: 1, HTTP: &prober.HTTPResult{StatusCode: 200}}, h.probed
	}}
	for pattern, handler := range map[string]http.HandlerFunc{
		"GET /api/v1/targets": targets.List, "GET /api/v1/targets/{name}": targets.Show, "GET /api/v1/summary": targets.Summary,
		"GET /api/v1/events":         (&Events{Status: source.Status}).List,
		"PUT /api/v1/targets/{name}": edits.Put, "PATCH /api/v1/targets/{name}": edits.Patch, "DELETE /api/v1/targets/{name}": edits.Delete,
		"POST /api/v1/targets/{name}/probe": probes.Now,
		"GET /api/v1/managed":               edits.Export, "PUT /api/v1/managed": edits.Import, "GET /api/v1/managed/targets": supply.Targets,
		"GET /api/v1/openapi.yaml": ServeOpenAPI,
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
	return h
}

// inventory is that of the file and the registry.
func (g *registry) inventory(t *testing.T) *inventory.Inventory {
	t.Helper()
	part := inventory.Part{Source: managed.Source}
	for _, name := range slices.Sorted(maps.Keys(g.targets)) {
		_, read, err := g.read(name, g.targets[name].Definition)
		if err != nil {
			t.Fatal(err)
		}
		part.Targets = append(part.Targets, read)
	}
	inv := inventory.Merge(g.cfg, []inventory.Part{{Source: inventory.StaticSource, Reviewed: true, Targets: g.cfg.Targets}, part}, prober.MaskURL)
	inv.Overlays = g
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
