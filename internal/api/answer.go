package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
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

// fail answers with a problem.
func fail(w http.ResponseWriter, err error) {
	p := problem(err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(problemBody{ // who asked is gone
		Title: http.StatusText(p.Status), Status: p.Status, Detail: printable.Text(p.Error(), printable.MaxError),
	})
}

// parameters reads the parameters of a query: each at most once.
type parameters struct {
	query url.Values
	err   error
}

// wrong notes what is wrong with the first parameter that is.
func (p *parameters) wrong(format string, args ...any) {
	if p.err == nil {
		p.err = &StatusError{Status: http.StatusBadRequest, Err: fmt.Errorf(format, args...)}
	}
}

// only refuses parameters that are not known.
func (p *parameters) only(known ...string) {
	for _, name := range slices.Sorted(maps.Keys(p.query)) {
		if !slices.Contains(known, name) {
			p.wrong("unknown parameter %q, want one of %q", name, known)
		}
	}
}

// text is the value of a parameter; empty: it is not there.
func (p *parameters) text(name string) string {
	switch values := p.query[name]; {
	case len(values) == 0:
		return ""
	case len(values) > 1:
		p.wrong("%s is there %d times, want it once", name, len(values))
		return ""
	default:
		return values[0]
	}
}

// number is the value of a parameter that is a number up to most; 0: it is not there.
func (p *parameters) number(name string, most uint64) uint64 {
	text := p.text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 || n > most {
		p.wrong("%s is %q, want a number from 1 to %d", name, text, most)
	}
	return n
}

// since is the value of a parameter that is a time, or how long ago it was; zero: it is not there.
func (p *parameters) since(name string, now time.Time) time.Time {
	text := p.text(name)
	if text == "" {
		return time.Time{}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t
	}
	d, err := config.ParseDuration(text)
	if err != nil {
		p.wrong("%s is %q, want a time such as 2026-12-01T08:00:00Z, or how long ago it was, such as 7d", name, text)
	}
	return now.Add(-time.Duration(d))
}

// oneOf is the value of a parameter from a list; empty: it is not there.
func (p *parameters) oneOf(name string, words ...string) string {
	text := p.text(name)
	if text == "" {
		return ""
	}
	if slices.Contains(words, text) {
		return text
	}
	p.wrong("%s is %q, want one of %q", name, text, words)
	return ""
}
