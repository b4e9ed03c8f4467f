package api

import (
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// Summary serves a board.Summary of all targets.
func (t *Targets) Summary(w http.ResponseWriter, r *http.Request) {
	p := query.Of(r.URL.Query())
	p.Only()
	if err := p.Err(); err != nil {
		Fail(w, err)
		return
	}
	answer(w, t.Board.At(time.Now()).Summary())
}
