package api

import (
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// Supply serves the managed targets as a source of other exporters, with what somebody has said of them for a time.
func (e *Edits) Supply(w http.ResponseWriter, r *http.Request) {
	p, _ := query.Parse(r.URL.RawQuery)
	p.Only()
	if err := p.Err(); err != nil {
		Fail(w, err)
		return
	}
	list, err := e.Managed.Listed(time.Now())
	if err == nil {
		list, err = definitions(r, list)
	}
	if err != nil {
		Fail(w, unread(err))
		return
	}
	w.Header().Add("Vary", "Authorization")
	answerList(w, r, list)
}
