package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/send"
)

const jsonType = "application/json"

// caching is for how long an answer may be kept that has an ETag: it has to be asked for again each time.
const caching = "private, no-cache"

// answer encodes an answer as JSON.
func answer(w http.ResponseWriter, body any) { answerAs(w, http.StatusOK, body) }

// answerList is answer for what may be long, and for those who ask again and again: compressed, and not at all for whoever has it
// already.
func answerList(w http.ResponseWriter, r *http.Request, body any) { answerCached(w, r, caching, body) }

// answerCached is answerList with how the answer may be kept.
func answerCached(w http.ResponseWriter, r *http.Request, control string, body any) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(body); err != nil {
		Fail(w, err)
		return
	}
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Cache-Control", control)
	send.Body(w, r, send.ETag(b.Bytes()), b.Bytes())
}

// setRevision gives an answer the ETag of what was edited.
func setRevision(w http.ResponseWriter, revision uint64) {
	w.Header().Set("ETag", revisionTag(revision))
}

func revisionTag(revision uint64) string { return `"` + strconv.FormatUint(revision, 10) + `"` }

// answerAs is answer with a status.
func answerAs(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who asked is gone
}
