package page

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A notebook is a Registry in memory. It refuses what is not http.
type notebook struct {
	targets  map[string]managed.Target
	revision uint64
	readOnly error
	fails    error    // what every change ends with
	told     []string // the overlays that were set
	edits    []managed.Edit
	periods  map[managed.Kind]*calendar.Period
}

func (n *notebook) keep(e managed.Edit, name string, d map[string]any) (managed.Outcome, error) {
	n.edits = append(n.edits, e)
	env, _ := d["environment"].(string)
	if err := e.By.May(env); err != nil {
		return managed.Outcome{}, err
	}
	if n.fails != nil {
		return managed.Outcome{}, n.fails
	}
	if u, _ := d["url"].(string); !strings.HasPrefix(u, "http") {
		return managed.Outcome{}, &managed.InvalidError{What: "target", Problems: []managed.Problem{
			{Pointer: "/url", Detail: "scheme is \"ftp\", want http, https, ws or wss"},
			{Pointer: "/labels/a~1b", Detail: "is not a name"},
			{Pointer: "/headers/Cookie", Detail: "credentials belong into a module"},
			{Detail: "there is one target too many"},
		}}
	}
	text, _ := json.Marshal(d)
	n.revision++
	t := managed.Target{Name: name, Revision: n.revision, Definition: text, Updated: managed.Stamp{At: time.Date(2026, 12, 1, 14, 2, 0, 0, time.UTC), By: e.By.Name}}
	n.targets[name] = t
	return managed.Outcome{Action: managed.Updated, Target: t}, nil
}

func (n *notebook) conflict(e managed.Edit, t managed.Target) error {
	if len(e.If.Revisions) == 1 && e.If.Revisions[0] != t.Revision {
		return &managed.ChangedError{Now: t, Revision: t.Revision, Want: e.If}
	}
	return nil
}

func (n *notebook) Put(_ context.Context, e managed.Edit, name string, definition []byte) (managed.Outcome, error) {
	if t, ok := n.targets[name]; ok {
		return managed.Outcome{}, &managed.ChangedError{Now: t, Revision: t.Revision, Want: e.If}
	}
	var d map[string]any
	if err := json.Unmarshal(definition, &d); err != nil {
		return managed.Outcome{}, err
	}
	return n.keep(e, name, d)
}

func (n *notebook) Patch(_ context.Context, e managed.Edit, name string, patch []byte) (managed.Outcome, error) {
	if err := n.conflict(e, n.targets[name]); err != nil {
		return managed.Outcome{}, err
	}
	var d, with map[string]any
	if err := json.Unmarshal(n.targets[name].Definition, &d); err != nil {
		return managed.Outcome{}, err
	}
	if err := json.Unmarshal(patch, &with); err != nil {
		return managed.Outcome{}, err
	}
	return n.keep(e, name, merged(d, with))
}

// merged is RFC 7396.
func merged(d, with map[string]any) map[string]any {
	d = maps.Clone(d)
	for key, v := range with {
		below, object := v.(map[string]any)
		had, _ := d[key].(map[string]any)
		switch {
		case v == nil:
			delete(d, key)
		case object:
			if had == nil {
				had = map[string]any{}
			}
			d[key] = merged(had, below)
		default:
			d[key] = v
		}
	}
	return d
}

func (n *notebook) Delete(_ context.Context, e managed.Edit, name string) (managed.Outcome, error) {
	n.edits = append(n.edits, e)
	if err := n.conflict(e, n.targets[name]); err != nil {
		return managed.Outcome{}, err
	}
	if n.fails != nil && !e.Force {
		return managed.Outcome{}, n.fails
	}
	delete(n.targets, name)
	return managed.Outcome{Action: managed.Deleted}, nil
}

func (n *notebook) Set(_ context.Context, _ managed.Edit, k managed.Kind, subjects []managed.Subject, p *calendar.Period) ([]string, error) {
	if n.fails != nil {
		return nil, n.fails
	}
	told := fmt.Sprintf("%s %v", k, subjects)
	if p != nil {
		told += fmt.Sprintf(" for %s by %s: %s %t", p.End.Sub(p.Start), p.By, p.Reason, p.UntilHealthy)
	}
	n.told = append(n.told, told)
	if p == nil && len(n.told) > 1 && n.told[len(n.told)-2] == told { // it was ended already
		return nil, nil
	}
	var changed []string
	for _, s := range subjects {
		changed = append(changed, s.Name)
	}
	return changed, nil
}

func (n *notebook) Target(name string) (managed.Target, bool) {
	t, ok := n.targets[name]
	return t, ok
}

func (n *notebook) Period(k managed.Kind, _ string, at time.Time) *calendar.Period {
	if p := n.periods[k]; p != nil && at.Before(p.End) {
		return p
	}
	return nil
}

func (n *notebook) Writable() error { return n.readOnly }

// A desk is a site on which people edit.
type desk struct {
	*site
	notes  *notebook
	probed []string
	who    access.Identity
}

var editor = access.Identity{Name: "alice", Role: access.Edit, Listed: true}

// shopDefinition has what the form does not show, too.
const shopDefinition = `{"environment":"LIVE","headers":{"Accept":"text/plain"},"interval":"15s","labels":{"team":"shop","tier":"1"},"url":"https://shop.example/","valid_status_codes":["2xx",404]}`

// deskOf has a target shop that people have written, and one of a file.
func deskOf(tb testing.TB) *desk {
	tb.Helper()
	d := &desk{who: editor, notes: &notebook{revision: 17, targets: map[string]managed.Target{}}}
	d.notes.targets["shop"] = managed.Target{Name: "shop", Revision: 17, Definition: json.RawMessage(shopDefinition), Updated: managed.Stamp{By: "bob"}}
	d.site = siteOf(tb, "targets:\n  - {name: filed, url: 'http://127.0.0.1/', environment: LIVE}\n  - {name: a/b, url: 'http://127.0.0.1/', environment: DEV}\n  - {name: shop, url: 'https://shop.example/', environment: LIVE}\n")
	d.Editing = &Editing{
		Registry: d.notes, Modules: func() []string { return []string{"http_2xx", "websocket"} },
		Author: func(r *http.Request, role access.Role, of string) managed.Author {
			id := access.From(r.Context())
			return managed.Author{Name: id.Name, Role: id.Role.String(), May: func(environments ...string) error { return access.JudgeAt(id, role, of, environments...) }}
		},
		ProbeNow: func(_ context.Context, name string) (*prober.Result, error) {
			d.probed = append(d.probed, name)
			return &prober.Result{}, d.notes.fails
		},
		Edits: func(string, int) []EditOf {
			return []EditOf{{At: time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC), By: "bob", Action: "target.updated", Keys: []string{"interval"}}}
		},
	}
	d.mux.HandleFunc("GET /{$}", d.List)
	d.mux.HandleFunc("GET /add", d.Add)
	d.mux.HandleFunc("POST /targets", d.Create)
	d.mux.HandleFunc("GET /targets/{name}/edit", d.Edit)
	d.mux.HandleFunc("POST /targets/{name}", d.Change)
	d.mux.HandleFunc("POST /targets/{name}/delete", d.Delete)
	d.mux.Handle("POST /targets/{name}/mute", d.Begin(managed.Mute))
	d.mux.Handle("POST /targets/{name}/unmute", d.End(managed.Mute))
	d.mux.Handle("POST /targets/{name}/maintenance", d.Begin(managed.Maintenance))
	d.mux.Handle("POST /targets/{name}/end-maintenance", d.End(managed.Maintenance))
	d.mux.HandleFunc("POST /targets/{name}/probe", d.Probe)
	return d
}

// does sends a request by who sits there: a form with these fields, as name and value, or GET if there is no form.
func (d *desk) does(method, path string, fields ...string) *httptest.ResponseRecorder {
	values := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequestWithContext(access.With(context.Background(), d.who), method, path, strings.NewReader(values.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r)
	return w
}

// says expects an answer and what its page says.
func says(t *testing.T, w *httptest.ResponseRecorder, status int, wants ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d", w.Code, status)
	}
	expect(t, "the page", w.Body.String(), wants...)
	if status != http.StatusSeeOther && !strings.Contains(w.Body.String(), "<!doctype html>") {
		t.Errorf("it is not a page: %s", w.Body)
	}
}

// leads expects a browser to be sent on.
func leads(t *testing.T, w *httptest.ResponseRecorder, want string) {
	t.Helper()
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != want {
		t.Fatalf("status %d, to %q, want 303 to %q:\n%s", w.Code, got, want, w.Body)
	}
}
