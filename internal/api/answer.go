package api

import (
	"encoding/json"
	"net/http"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// answer encodes an answer as JSON.
func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // who asked is gone
}

// A problemBody is an error as RFC 9457 has it.
type problemBody struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// Fail answers with a problem, as RFC 9457 has it.
func Fail(w http.ResponseWriter, err error) {
	p := problem(err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(problemBody{ // who asked is gone
		Title: http.StatusText(p.Status), Status: p.Status, Detail: printable.Text(p.Error(), printable.MaxError),
	})
}
