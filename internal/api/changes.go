package api

import (
	"net/http"
	"unicode/utf8"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// changes reads requests that change what their path names.
type changes struct {
	what   string // that is, for people
	author Author
	// changed is the error of a condition that what there is of a name does not meet.
	changed func(name string, want managed.Condition) error
}

// read returns who changes something and on what condition, and the body. Parameters are those that there are.
func (c *changes) read(w http.ResponseWriter, r *http.Request, in intake, parameters ...string) (managed.Edit, []byte, error) {
	edit, err := c.edit(r, parameters)
	if err != nil {
		return edit, nil, err
	}
	body, _, err := in.read(w, r)
	if err == nil && in.most > 0 {
		_, err = members(body)
	}
	if err == nil && unmeetable(&edit.If) { // it must not count as none
		err = &unmetError{c.changed(r.PathValue("name"), edit.If)}
	}
	return edit, body, err
}

func (c *changes) edit(r *http.Request, parameters []string) (managed.Edit, error) {
	p, _ := query.Parse(r.URL.RawQuery)
	p.Only(parameters...)
	edit := managed.Edit{DryRun: p.Flag("dry_run"), Force: p.Flag("force")}
	name := r.PathValue("name")
	if err := p.Err(); err != nil {
		return edit, err
	}
	if !utf8.ValidString(name) {
		return edit, badBody("the name of the %s is not UTF-8", c.what)
	}
	edit.By = c.author(r, access.Edit, printable.Text(name, printable.MaxLog))
	var err error
	edit.If, err = condition(r.Header)
	return edit, err
}

// An unmetError is for a condition that nothing meets, such as a weak ETag. The problem is told by the error in it.
type unmetError struct{ error }

// Error implements error.
func (e *unmetError) Error() string {
	return `no ETag of If-Match is a revision, such as "17"`
}

// Unwrap returns what the problem is told by.
func (e *unmetError) Unwrap() error { return e.error }

// A done is a change that was made.
type done struct {
	action   managed.Action
	revision uint64 // of what there is then. 0: nothing has one
	pending  bool   // something is still to be done about it
	location string // of what was made
	body     any
}

// answer tells of it.
func (d *done) answer(w http.ResponseWriter) {
	status := http.StatusOK
	if d.revision > 0 {
		setRevision(w, d.revision)
	}
	if d.action == managed.Created {
		status = http.StatusCreated
		w.Header().Set("Location", d.location)
	}
	if d.pending {
		status = http.StatusAccepted
	}
	answerAs(w, status, d.body)
}

// bare refuses parameters where there are none.
func bare(r *http.Request) error {
	p, _ := query.Parse(r.URL.RawQuery)
	p.Only()
	return p.Err()
}
