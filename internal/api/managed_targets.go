package api

import (
	"net/http"
	"time"
)

// Supply serves the managed targets as a source of other exporters, with what somebody has said of them for a time.
func (e *Edits) Supply(w http.ResponseWriter, r *http.Request) {
	if err := bare(r); err != nil {
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
