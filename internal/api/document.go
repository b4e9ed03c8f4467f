package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/send"
)

// maxImports is how many imports may be under way at a time: each may take a hundred megabytes.
const maxImports = 2

// The formats of an export.
const (
	formatJSON = "json"
	formatYAML = "yaml"
)

// Export serves all managed targets and channels as a document that Import takes. It has no secrets of channels.
func (e *Edits) Export(w http.ResponseWriter, r *http.Request) {
	p, _ := query.Parse(r.URL.RawQuery)
	p.Only("format")
	format := p.OneOf("format", formatJSON, formatYAML)
	if err := p.Err(); err != nil {
		Fail(w, err)
		return
	}
	all, revision, err := e.Documents.Export()
	shown := managed.Document{Channels: all.Channels}
	if err == nil {
		shown.Targets, err = definitions(r, all.Targets)
	}
	if err != nil {
		Fail(w, unread(err))
		return
	}
	body, kind := shown.JSON(), jsonType
	if format == formatYAML || format == "" && prefersYAML(r.Header) {
		kind = yamlTypes[0]
		if body, err = shown.YAML(); err != nil {
			Fail(w, err)
			return
		}
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", caching)
	h.Add("Vary", "Accept, Authorization")
	send.Body(w, r, revisionTag(revision), body)
}

// unread is why there is nothing to read: there was nothing to keep, and where the file is concerns no reader.
func unread(err error) error {
	if as[*managed.StoreError](err) {
		return &StatusError{Status: http.StatusServiceUnavailable, Err: errors.New("what people have edited cannot be read, see the log")}
	}
	return err
}

// prefersYAML reports whether a client accepts YAML, and no JSON before it.
func prefersYAML(h http.Header) bool {
	for one := range strings.SplitSeq(strings.Join(h.Values("Accept"), ","), ",") {
		kind, _, _ := strings.Cut(one, ";")
		switch kind = strings.ToLower(strings.TrimSpace(kind)); {
		case slices.Contains(yamlTypes, kind):
			return true
		case kind == jsonType || kind == "*/*" || kind == "application/*":
			return false
		}
	}
	return false
}

// Import makes the managed targets and channels what a document says.
func (e *Edits) Import(w http.ResponseWriter, r *http.Request) {
	p, _ := query.Parse(r.URL.RawQuery)
	p.Only("dry_run", "mode")
	mode := managed.Merge
	if p.OneOf("mode", string(managed.Merge), string(managed.Replace)) == string(managed.Replace) {
		mode = managed.Replace
	}
	edit := managed.Edit{By: e.Author(r, access.Edit, "one of the targets or channels"), DryRun: p.Flag("dry_run")}
	err := p.Err()
	if err == nil {
		edit.If, err = condition(r.Header)
	}
	if err != nil {
		Fail(w, err)
		return
	}
	defer e.importing.Add(-1)
	if e.importing.Add(1) > maxImports {
		Fail(w, &managed.TooManyError{RetryAfter: time.Second, Err: fmt.Errorf("%d imports are under way, as many as there may be at once", maxImports)})
		return
	}
	body, kind, err := document.read(w, r)
	var doc managed.Document
	if err == nil {
		doc, err = managed.ParseDocument(body, kind != jsonType)
	}
	if err == nil {
		err = e.meetableByAll(&edit.If)
	}
	var report managed.Report
	if err == nil {
		report, err = e.Documents.Import(r.Context(), edit, mode, doc)
	}
	if err != nil {
		Fail(w, err)
		return
	}
	setRevision(w, report.Revision)
	answer(w, whole(report))
}

// meetableByAll returns an error for a condition about everything that nothing meets.
func (e *Edits) meetableByAll(c *managed.Condition) error {
	if !unmeetable(c) {
		return nil
	}
	_, revision, err := e.Documents.Export()
	if err != nil {
		return err
	}
	return &unmetError{&managed.ChangedError{Revision: revision, Want: *c}}
}

// whole is a Report in which no list is null.
func whole(r managed.Report) managed.Report {
	r.Created, r.Deleted = append([]string{}, r.Created...), append([]string{}, r.Deleted...)
	r.Updated = append([]managed.Difference{}, r.Updated...)
	return r
}
