// Package query reads the parameters of URLs.
package query

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// An Error is what is wrong with a query.
type Error struct{ Err error }

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Parameters reads the parameters of a query: each at most once.
type Parameters struct {
	values url.Values
	err    error
}

// Of are the parameters of a query.
func Of(values url.Values) *Parameters { return &Parameters{values: values} }

// Parse reads a query as a URL has it. What of it cannot be read is an error: a parameter must not be lost that says not to do
// something.
func Parse(raw string) (*Parameters, url.Values) {
	values, err := url.ParseQuery(raw)
	p := Of(values)
	if err != nil {
		p.Wrong("the parameters of the URL cannot be read: %w", err)
	}
	return p, values
}

// Err is an [Error] with what is wrong with the first parameter that is, or nil.
func (p *Parameters) Err() error { return p.err }

// Wrong notes what is wrong with the first parameter that is.
func (p *Parameters) Wrong(format string, args ...any) {
	if p.err == nil {
		p.err = &Error{fmt.Errorf(format, args...)}
	}
}

// Only refuses parameters that are not known.
func (p *Parameters) Only(known ...string) {
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		if !slices.Contains(known, name) {
			p.Wrong("unknown parameter %q, want one of %q", name, known)
		}
	}
}

// Text is the value of a parameter; empty: it is not there.
func (p *Parameters) Text(name string) string {
	switch values := p.values[name]; {
	case len(values) == 0:
		return ""
	case len(values) > 1:
		p.Wrong("%s is there %d times, want it once", name, len(values))
		return ""
	default:
		return values[0]
	}
}

// Number is the value of a parameter that is a number up to most; 0: it is not there.
func (p *Parameters) Number(name string, most uint64) uint64 {
	text := p.Text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 || n > most {
		p.Wrong("%s is %q, want a number from 1 to %d", name, text, most)
	}
	return n
}

// Since is the value of a parameter that is a time, or how long ago it was; zero: it is not there.
func (p *Parameters) Since(name string, now time.Time) time.Time {
	text := p.Text(name)
	if text == "" {
		return time.Time{}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t
	}
	d, err := config.ParseDuration(text)
	if err != nil {
		p.Wrong("%s is %q, want a time such as 2026-12-01T08:00:00Z, or how long ago it was, such as 7d", name, text)
	}
	return now.Add(-time.Duration(d))
}

// OneOf is the value of a parameter from a list; empty: it is not there.
func (p *Parameters) OneOf(name string, words ...string) string {
	text := p.Text(name)
	if text == "" {
		return ""
	}
	if slices.Contains(words, text) {
		return text
	}
	p.Wrong("%s is %q, want one of %q", name, text, words)
	return ""
}

// Flag is the value of a parameter that is "true" or "false"; false: it is not there.
func (p *Parameters) Flag(name string) bool { return p.OneOf(name, "true", "false") == "true" }

// All are the different values of a parameter that may be repeated, sorted: at most so many.
func (p *Parameters) All(name string, most int) []string {
	values := slices.Compact(slices.Sorted(slices.Values(p.values[name])))
	if len(values) > most {
		p.Wrong("%s is there %d times, want it %d times at most", name, len(values), most)
		return nil
	}
	return values
}

// AllOf are the different values of a parameter that may be repeated, each from a list.
func (p *Parameters) AllOf(name string, words ...string) []string {
	values := slices.Compact(slices.Sorted(slices.Values(p.values[name])))
	for _, v := range values {
		if !slices.Contains(words, v) {
			p.Wrong("%s is %q, want one of %q", name, v, words)
		}
	}
	return values
}
