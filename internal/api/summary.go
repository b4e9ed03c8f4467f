package api

import (
	"net/http"
	"time"
)

// Summary serves a board.Summary of all targets.
func (t *Targets) Summary(w http.ResponseWriter, r *http.Request) {
	if err := bare(r); err != nil {
		Fail(w, err)
		return
	}
	answerList(w, r, t.Board.At(time.Now()).Summary())
}
