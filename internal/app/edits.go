package app

import (
	"net/http"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// author is who a request is from, to do what needs a role. Of says what it is about, for the one who may not.
func author(r *http.Request, role access.Role, of string) managed.Author {
	id := access.From(r.Context())
	return managed.Author{
		Name: id.Name, Role: id.Role.String(), Addr: r.RemoteAddr,
		May: func(environments ...string) error { return access.JudgeAt(id, role, of, environments...) },
	}
}
