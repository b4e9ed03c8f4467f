package api

import (
	_ "embed"
	"net/http"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/send"
)

// OpenAPI is the description of everything that is served, by OpenAPI 3.1.
//
//go:embed openapi.yaml
var OpenAPI []byte

// ServeOpenAPI serves the description.
func ServeOpenAPI(w http.ResponseWriter, r *http.Request) {
	if err := bare(r); err != nil {
		Fail(w, err)
		return
	}
	w.Header().Set("Content-Type", yamlTypes[0])
	w.Header().Set("Cache-Control", caching)
	send.Body(w, r, send.ETag(OpenAPI), OpenAPI)
}
