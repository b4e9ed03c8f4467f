package managed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// Import makes many targets what a document says, all or none. The Condition is about the revision of everything; Replace
// needs one. A document that has channels is one for package channels.
func (r *Registry) Import(ctx context.Context, e Edit, mode Mode, d Document) (Report, error) {
	err := r.admit(e, r.Writable())
	if err == nil && d.Channels != nil {
		err = Invalid("document", []Problem{{"/channels", "channels are off here: a section `alertmanager` in the configuration lets people make them"}})
	}
	var report Report
	if err == nil {
		report, err = r.ImportWith(ctx, e, mode, d, nil)
	}
	if err != nil {
		return Report{}, r.metrics.refuse(err)
	}
	return report, nil
}

// ImportWith is Import for who has asked Admit, and counts what is refused. The channels of a document are not looked at: with is
// what becomes of them, in the same transaction; nil: nothing.
func (r *Registry) ImportWith(ctx context.Context, e Edit, mode Mode, d Document, with *ChannelEdit) (Report, error) {
	im := importer{e: e, mode: mode, targets: d.Targets != nil || d.Channels == nil, channels: d.Channels != nil, with: with}
	unwritable := r.storable()
	if im.targets {
		unwritable = r.Writable()
	}
	if unwritable != nil {
		return Report{}, unwritable
	}
	im.read(r.settings.Load(), d)
	var report Report
	warnings, err := r.submit(ctx, func(w *work) (err error) {
		report, err = im.judge(w)
		return err
	})
	if err != nil {
		return Report{}, err
	}
	report.Warnings = append(report.Warnings, warnings...)
	return report, nil
}

// An importer is one import.
type importer struct {
	e    Edit
	mode Mode
	// targets and channels say what the document has.
	targets, channels bool
	with              *ChannelEdit

	written map[string]definition // by name
	wrong   error                 // why the document cannot be imported
}

// read checks all of a document.
func (im *importer) read(s *settings, d Document) {
	im.written = make(map[string]definition, len(d.Targets))
	var problems []Problem
	if im.mode != Merge && im.mode != Replace {
		problems = append(problems, Problem{"", fmt.Sprintf("got the mode %q, want %q or %q", im.mode, Merge, Replace)})
	}
	if n := len(d.Targets); n > maxDocumentTargets {
		problems = append(problems, Problem{"/targets", fmt.Sprintf("has %d targets, want %d at most", n, maxDocumentTargets)})
		d.Targets = nil
	}
	first := map[string]int{}
	for i, text := range d.Targets {
		at := "/targets/" + strconv.Itoa(i)
		name, def, wrong := readNamed(s, text)
		for _, p := range wrong {
			problems = append(problems, Problem{at + p.Pointer, p.Detail})
		}
		if j, twice := first[name]; twice && name != "" {
			problems = append(problems, Problem{at + "/name", fmt.Sprintf("got %q, which is the name of /targets/%d, too", printable.Text(name, printable.MaxLog), j)})
		} else {
			first[name] = i
		}
		im.written[name] = def
	}
	im.wrong = Invalid("document", problems)
}

// readNamed reads a target of a document, which has its name in it.
func readNamed(s *settings, text []byte) (string, definition, []Problem) {
	fields, problems := ReadObject(text, false)
	if len(problems) > 0 {
		return "", definition{}, problems
	}
	switch name := fields["name"].(type) {
	case string:
		d, problems := s.define(name, fields)
		return name, d, problems
	case nil:
		return "", definition{}, []Problem{{"/name", "missing, want the name of the target"}}
	default:
		return "", definition{}, []Problem{{"/name", "got " + kindOf(name) + ", want a text"}}
	}
}

// judge makes the import.
func (im *importer) judge(w *work) (Report, error) {
	if im.mode == Replace && im.e.If.Zero() {
		return Report{}, &RequiredError{Revision: w.changed()}
	}
	empty := (!im.targets || len(w.targets) == 0) && (!im.channels || len(w.channels.byName) == 0)
	if err := im.e.If.judgeAll(w.changed(), empty); err != nil {
		return Report{}, err
	}
	if im.wrong != nil {
		return Report{}, im.wrong
	}
	report, after := im.compare(w)
	if err := im.mayImport(w, after); err != nil {
		return Report{}, err
	}
	size := 0
	for name, rec := range after {
		size += grown(w.targets[name], rec)
	}
	if err := w.room(len(report.Created)-len(report.Deleted), size); err != nil {
		return Report{}, err
	}
	if im.e.DryRun || len(after) == 0 && im.with == nil {
		return report, nil
	}
	w.next()
	for _, name := range slices.Sorted(maps.Keys(after)) {
		before, rec := w.targets[name], after[name]
		if rec != nil {
			rec.Revision = w.Revision
		}
		w.setTarget(name, rec)
		w.noteTarget(im.e.By, KindImport, name, before, rec)
	}
	if im.with != nil {
		w.keepChannels(im.with)
	}
	report.Revision = w.changed()
	return report, nil
}

// compare returns what the import changes: a record that is nil is removed.
func (im *importer) compare(w *work) (Report, map[string]*record) {
	report := Report{Created: []string{}, Updated: []Difference{}, Deleted: []string{}, Revision: w.changed()}
	after := map[string]*record{}
	for _, name := range slices.Sorted(maps.Keys(im.written)) {
		d, now := im.written[name], w.targets[name]
		for _, warning := range d.warnings {
			if len(report.Warnings) < maxProblems {
				report.Warnings = append(report.Warnings, name+": "+warning)
			}
		}
		switch {
		case now == nil:
			report.Created = append(report.Created, name)
		case bytes.Equal(now.Definition, d.text):
			report.Unchanged++
			continue
		default:
			report.Updated = append(report.Updated, DifferenceOf(name, now.Definition, d.text))
		}
		after[name] = w.successor(im.e, name, d, now)
	}
	if im.mode == Replace && im.targets {
		for name := range w.targets {
			if _, ok := im.written[name]; !ok {
				report.Deleted = append(report.Deleted, name)
				after[name] = nil
			}
		}
		slices.Sort(report.Deleted)
	}
	return report, after
}

// mayImport returns why one of the targets that change may not.
func (im *importer) mayImport(w *work, after map[string]*record) error {
	environments := map[string]bool{}
	for name, rec := range after {
		for _, environment := range append(w.environments(name), w.affected(name)...) {
			environments[environment] = true
		}
		if rec != nil {
			environments[rec.environment] = true
		}
	}
	if len(environments) > 0 {
		if err := im.e.By.may(slices.Sorted(maps.Keys(environments))...); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		err := w.r.owned(name)
		if after[name] == nil {
			err = w.r.unused(im.e, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// DifferenceOf is how two definitions of a name differ.
func DifferenceOf(name string, before, after json.RawMessage) Difference {
	changes := map[string][2]json.RawMessage{}
	var old, now map[string]json.RawMessage
	_ = json.Unmarshal(before, &old) // both were checked
	_ = json.Unmarshal(after, &now)
	for key, text := range old {
		if !bytes.Equal(text, now[key]) {
			changes[key] = [2]json.RawMessage{text, now[key]}
		}
	}
	for key, text := range now {
		if _, ok := old[key]; !ok {
			changes[key] = [2]json.RawMessage{nil, text}
		}
	}
	return Difference{Name: name, Changes: changes}
}
