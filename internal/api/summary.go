package api

import (
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// Summary serves a board.Summary of all targets.
func (t *Targets) Summary(w http.ResponseWriter, r *http.Request) {
	p, _ := query.Parse(r.URL.RawQuery)
	p.Only()
	if err := p.Err(); err != nil {
		Fail(w, err)
		return
	}
	answerList(w, r, t.Board.At(time.Now()).Summary())
}
