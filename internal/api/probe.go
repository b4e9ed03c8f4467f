package api

import (
	"context"
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Probed is the answer to a probe that was asked for.
type Probed struct {
	Success    bool `json:"success"`
	StatusCode int  `json:"status_code,omitempty"`
	Failure
}

// Probes serve probes that somebody asks for.
type Probes struct {
	Board  *board.Source
	Author Author
	// Probe probes a target of the inventory now.
	Probe func(ctx context.Context, name string) (*prober.Result, error)
	// Hint says what to do about a probe of a module that failed.
	Hint func(module string, r *prober.Result) string
}

// Now probes the target that the path names, and answers with what it found.
func (s *Probes) Now(w http.ResponseWriter, r *http.Request) {
	probed, err := s.now(w, r)
	if err != nil {
		Fail(w, err)
		return
	}
	answer(w, probed)
}

func (s *Probes) now(w http.ResponseWriter, r *http.Request) (*Probed, error) {
	if err := bare(r); err != nil {
		return nil, err
	}
	if _, _, err := nothing.read(w, r); err != nil {
		return nil, err
	}
	e, err := named(s.Board.At(time.Now()), r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	if err := s.Author(r, access.Operate, printable.Text(e.Name, printable.MaxLog)).May(e.Environment); err != nil {
		return nil, err
	}
	result, err := s.Probe(r.Context(), e.Name)
	if err != nil {
		return nil, err
	}
	probed := &Probed{Success: result.Success(), Failure: *failureOf(result)}
	switch {
	case result.HTTP != nil:
		probed.StatusCode = result.HTTP.StatusCode
	case result.WebSocket != nil:
		probed.StatusCode = result.WebSocket.StatusCode
	}
	if !probed.Success {
		probed.Hint = s.Hint(e.Module, result)
	}
	return probed, nil
}
