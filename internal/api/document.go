package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/send"
)

// maxDocument is how many targets a document may have: as many as there may be.
const maxDocument = 10_000

// The formats of an export.
const (
	formatJSON = "json"
	formatYAML = "yaml"
)

// Export serves all managed targets as a document that Import takes.
func (e *Edits) Export(w http.ResponseWriter, r *http.Request) {
	p, _ := query.Parse(r.URL.RawQuery)
	p.Only("format")
	format := p.OneOf("format", formatJSON, formatYAML)
	if err := p.Err(); err != nil {
		Fail(w, err)
		return
	}
	all, revision, err := e.Managed.Export()
	var shown managed.Document
	if err == nil {
		shown.Targets, err = definitions(r, all.Targets)
	}
	if err != nil {
		Fail(w, err)
		return
	}
	if shown.Targets == nil {
		shown.Targets = []json.RawMessage{}
	}
	body, kind := append([]byte(encoded(shown)), '\n'), jsonType
	if format == formatYAML || format == "" && prefersYAML(r.Header) {
		kind = yamlTypes[0]
		if body, err = yamlOfJSON(body); err != nil {
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

// Import makes the managed targets what a document says.
func (e *Edits) Import(w http.ResponseWriter, r *http.Request) {
	p, _ := query.Parse(r.URL.RawQuery)
	p.Only("dry_run", "mode")
	mode := managed.Merge
	if p.OneOf("mode", string(managed.Merge), string(managed.Replace)) == string(managed.Replace) {
		mode = managed.Replace
	}
	edit := managed.Edit{By: e.Author(r, access.Edit, "one of the targets"), DryRun: p.Flag("dry_run")}
	err := p.Err()
	if err == nil {
		edit.If, err = condition(r.Header)
	}
	if err != nil {
		Fail(w, err)
		return
	}
	body, kind, err := document.read(w, r)
	var doc managed.Document
	if err == nil {
		doc, err = documentOf(body, kind)
	}
	if err == nil {
		err = e.meetableByAll(&edit.If)
	}
	var report managed.Report
	if err == nil {
		report, err = e.Managed.Import(r.Context(), edit, mode, doc)
	}
	if err != nil {
		Fail(w, err)
		return
	}
	setRevision(w, report.Revision)
	answer(w, whole(report))
}

// meetableByAll is meetable for a condition about everything.
func (e *Edits) meetableByAll(c *managed.Condition) error {
	if !unmeetable(c) {
		return nil
	}
	_, revision, err := e.Managed.Export()
	if err != nil {
		return err
	}
	return &changedError{managed.ChangedError{Revision: revision, Want: *c}}
}

// whole is a Report in which no list is null.
func whole(r managed.Report) managed.Report {
	r.Created, r.Deleted = append([]string{}, r.Created...), append([]string{}, r.Deleted...)
	r.Updated = append([]managed.Difference{}, r.Updated...)
	return r
}

// documentOf reads a document of a media type.
func documentOf(body []byte, kind string) (managed.Document, error) {
	if slices.Contains(yamlTypes, kind) {
		var err error
		if body, err = jsonOfYAML(body); err != nil {
			return managed.Document{}, badBody("the body is not a document: %w", err)
		}
	}
	all, err := members(body)
	if err != nil {
		return managed.Document{}, err
	}
	d := managed.Document{}
	wrong := wrongs{What: "document"}
	for _, m := range all {
		if m.key != "targets" {
			wrong.add(m.key, "is not known here, want targets")
			continue
		}
		if d.Targets, err = elements(m.value); err != nil {
			wrong.add(m.key, "%v", err)
		}
	}
	if len(all) == 0 {
		wrong.add("targets", "missing, want a list of targets")
	}
	return d, wrong.err()
}

// elements are those of a JSON list, as they are written.
func elements(list json.RawMessage) ([]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(list))
	if first, err := d.Token(); err != nil || first != json.Delim('[') {
		return nil, errors.New("is not a list")
	}
	all := []json.RawMessage{}
	for d.More() {
		var one json.RawMessage
		if err := d.Decode(&one); err != nil {
			return nil, err
		}
		if all = append(all, one); len(all) > maxDocument {
			return nil, fmt.Errorf("has more than %d targets", maxDocument)
		}
	}
	return all, nil
}
