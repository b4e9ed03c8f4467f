package app

import (
	"net/http"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// author is who a request is from, to do what needs a role. Of says what it is about, for the one who may not.
func author(r *http.Request, role access.Role, of string) managed.Author {
	id := access.From(r.Context())
	return managed.Author{
		Name: id.Name, Role: id.Role.String(), Addr: r.RemoteAddr, Environments: id.Environments,
		May: func(environments ...string) error { return access.JudgeAt(id, role, of, environments...) },
	}
}

// watched is author, for whom a refusal is counted and logged like those at the door.
func (a *App) watched(r *http.Request, role access.Role, of string) managed.Author {
	by := author(r, role, of)
	judge := by.May
	by.May = func(environments ...string) error {
		err := judge(environments...)
		if err != nil {
			a.noteRefusal(r, http.StatusForbidden, err)
		}
		return err
	}
	return by
}

// editRoutes are those by which the API tells what people edit, and lets them.
func (a *App) editRoutes() []route {
	board := a.board()
	edits := &api.Edits{Targets: a.apiTargets(), Managed: a.managed, Documents: a.channels, Author: a.watched, Prefix: a.prefix}
	probes := &api.Probes{Board: board, Author: a.watched, Probe: a.probeNow.probe, Hint: a.hint}
	routes := []route{
		{"PUT /api/v1/targets/{name}", sameSite, editing, http.HandlerFunc(edits.Put)},
		{"PATCH /api/v1/targets/{name}", sameSite, editing, http.HandlerFunc(edits.Patch)},
		{"DELETE /api/v1/targets/{name}", sameSite, editing, http.HandlerFunc(edits.Delete)},
		{"POST /api/v1/targets/{name}/probe", sameSite, operating, http.HandlerFunc(probes.Now)},
		{"GET /api/v1/managed", linked, reading, http.HandlerFunc(edits.Export)},
		{"PUT /api/v1/managed", sameSite, editing, http.HandlerFunc(edits.Import)},
		{"GET /api/v1/managed/targets", linked, reading, http.HandlerFunc(edits.Supply)},
		{"GET /api/v1/openapi.yaml", linked, reading, http.HandlerFunc(api.ServeOpenAPI)},
	}
	for _, o := range []struct {
		kind      managed.Kind
		one, many string
	}{
		{managed.Mute, "/api/v1/targets/{name}/mute", "/api/v1/mutes"},
		{managed.Maintenance, "/api/v1/targets/{name}/maintenance", "/api/v1/maintenances"},
	} {
		periods := &api.Periods{Kind: o.kind, Overlays: a.managed, Board: board, Author: a.watched}
		routes = append(routes,
			route{"GET " + o.one, linked, reading, http.HandlerFunc(periods.Show)},
			route{"PUT " + o.one, sameSite, operating, http.HandlerFunc(periods.Put)},
			route{"DELETE " + o.one, sameSite, operating, http.HandlerFunc(periods.Delete)},
			route{"GET " + o.many, linked, reading, http.HandlerFunc(periods.List)},
			route{"PUT " + o.many, sameSite, operating, http.HandlerFunc(periods.PutMany)},
			route{"DELETE " + o.many, sameSite, operating, http.HandlerFunc(periods.DeleteMany)},
		)
	}
	return routes
}
