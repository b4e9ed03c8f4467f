package managed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// Put makes the target of a name what definition says, a JSON object. Putting what is there already changes nothing.
func (r *Registry) Put(ctx context.Context, e Edit, name string, definition []byte) (Outcome, error) {
	return r.editTarget(ctx, e, func(s *settings) func(w *work) (Outcome, error) {
		d, err := s.written(name, definition)
		return func(w *work) (Outcome, error) { return w.put(e, name, d, err) }
	})
}

// Patch changes the target of a name by a JSON merge patch (RFC 7396) of what was written.
func (r *Registry) Patch(ctx context.Context, e Edit, name string, patch []byte) (Outcome, error) {
	return r.editTarget(ctx, e, func(s *settings) func(w *work) (Outcome, error) {
		changes, problems := ReadObject(patch, true)
		return func(w *work) (Outcome, error) {
			now := w.targets[name]
			if now == nil {
				return Outcome{}, w.absent(name)
			}
			d, err := definition{}, Invalid("target", problems)
			if err == nil {
				d, err = s.checked(name, Patched(now.Definition, changes))
			}
			return w.put(e, name, d, err)
		}
	})
}

// Delete removes the target of a name.
func (r *Registry) Delete(ctx context.Context, e Edit, name string) (Outcome, error) {
	return r.editTarget(ctx, e, func(*settings) func(w *work) (Outcome, error) {
		return func(w *work) (Outcome, error) { return w.delete(e, name) }
	})
}

// editTarget admits an edit, prepares it and makes it when its turn has come.
func (r *Registry) editTarget(ctx context.Context, e Edit, prepare func(*settings) func(w *work) (Outcome, error)) (Outcome, error) {
	if err := r.admit(e, r.Writable()); err != nil {
		return Outcome{}, r.metrics.refuse(err)
	}
	edit := prepare(r.settings.Load())
	var out Outcome
	warnings, err := r.submit(ctx, func(w *work) (err error) {
		out, err = edit(w)
		return err
	})
	if err != nil {
		return Outcome{}, r.metrics.refuse(err)
	}
	out.Warnings = append(out.Warnings, warnings...)
	return out, nil
}

// admit returns why an edit is not even looked at; unwritable says that nothing can be changed.
func (r *Registry) admit(e Edit, unwritable error) error {
	if unwritable != nil {
		return unwritable
	}
	if wait := r.limiter.take(e.By.Name); wait > 0 {
		return &TooManyError{RetryAfter: wait, Err: fmt.Errorf("%s may change something %d times a second", e.By.Name, changesPerSecond)}
	}
	return nil
}

// may asks whether the author may edit targets of these environments.
func (a Author) may(environments ...string) error {
	if a.May == nil {
		return errors.New("it is not known what the author may do")
	}
	return a.May(environments...)
}

// written checks what was written of a target.
func (s *settings) written(name string, text []byte) (definition, error) {
	fields, problems := ReadObject(text, false)
	if len(problems) > 0 {
		return definition{}, Invalid("target", append(checkName(name), problems...))
	}
	return s.checked(name, fields)
}

func (s *settings) checked(name string, fields map[string]any) (definition, error) {
	d, problems := s.define(name, fields)
	return d, Invalid("target", problems)
}

// put makes a target what d says; wrong is why it cannot be that. What is expected is judged first: who has an old version has
// to know that before anything else.
func (w *work) put(e Edit, name string, d definition, wrong error) (Outcome, error) {
	now := w.targets[name]
	if err := w.r.owned(name); err != nil {
		return Outcome{}, err
	}
	if err := w.mayPut(e, name, d, wrong); err != nil {
		return Outcome{}, err
	}
	if wrong == nil && now != nil && !e.If.Absent && bytes.Equal(now.Definition, d.text) {
		return Outcome{Action: Unchanged, Target: now.Target, Warnings: d.warnings, Revision: w.Targets}, nil
	}
	if err := e.If.judge(now); err != nil {
		return Outcome{}, err
	}
	if wrong != nil {
		return Outcome{}, wrong
	}
	out := Outcome{Action: Created, Warnings: d.warnings, Revision: w.Targets}
	if now != nil {
		out.Action = Updated
	}
	rec, more := w.successor(e, name, d, now), 0
	if now == nil {
		more = 1
	}
	if err := w.room(more, grown(now, rec)); err != nil {
		return Outcome{}, err
	}
	if e.DryRun {
		out.Target = rec.Target
		return out, nil
	}
	w.next()
	rec.Revision = w.Revision
	w.setTarget(name, rec)
	w.noteTarget(e.By, KindTarget, name, now, rec)
	out.Target, out.Revision = rec.Target, w.Targets
	return out, nil
}

// mayPut asks whether the author may make of a target what d says. Who takes over a target of an API changes that, too, and who
// changes what restart services check changes what is restarted.
func (w *work) mayPut(e Edit, name string, d definition, wrong error) error {
	environments := w.environments(name)
	if wrong == nil && !slices.Contains(environments, d.environment) {
		environments = append(environments, d.environment)
	}
	if len(environments) == 0 {
		return nil // there is nothing yet, and there will be nothing
	}
	return e.By.may(append(environments, w.affected(name)...)...)
}

// affected are the environments of the restart services that check a target.
func (w *work) affected(name string) []string {
	if w.r.options.Affected == nil {
		return nil
	}
	return w.r.options.Affected(name)
}

// environments are those that a target has now, ours and that of another source.
func (w *work) environments(name string) (all []string) {
	if now := w.targets[name]; now != nil {
		all = append(all, now.environment)
	}
	if w.r.options.Environment != nil {
		if other := w.r.options.Environment(name); other != "" && !slices.Contains(all, other) {
			all = append(all, other)
		}
	}
	return all
}

// successor is the target that d makes of now. It has the revision of now until it is kept.
func (w *work) successor(e Edit, name string, d definition, now *record) *record {
	rec := &record{Target: Target{Name: name, Definition: d.text, Created: w.stamp(e.By), Updated: w.stamp(e.By)}, environment: d.environment}
	if now != nil {
		rec.Revision, rec.Created = now.Revision, now.Created
	}
	return rec
}

func (w *work) delete(e Edit, name string) (Outcome, error) {
	now := w.targets[name]
	if now == nil {
		return Outcome{}, w.absent(name)
	}
	if err := e.By.may(append(w.affected(name), now.environment)...); err != nil {
		return Outcome{}, err
	}
	if err := e.If.judge(now); err != nil {
		return Outcome{}, err
	}
	if err := w.r.unused(e, name); err != nil {
		return Outcome{}, err
	}
	out := Outcome{Action: Deleted, Target: now.Target, Revision: w.Targets}
	if e.DryRun {
		return out, nil
	}
	w.next()
	w.setTarget(name, nil)
	w.noteTarget(e.By, KindTarget, name, now, nil)
	out.Revision = w.Targets
	return out, nil
}

// noteTarget keeps for the audit log what was made of a target. A nil record: there is none.
func (w *work) noteTarget(by Author, k EntryKind, name string, before, after *record) {
	switch {
	case after == nil:
		w.note(by, k, Deleted, name, nil)
	case before == nil:
		w.note(by, k, Created, name, after.Definition)
	default:
		w.note(by, k, Updated, name, difference(decodeObject(before.Definition), decodeObject(after.Definition)))
	}
}

// absent is why a target that is not ours cannot be changed.
func (w *work) absent(name string) error {
	if source, _ := w.r.options.Owner(name); source != "" && source != Source {
		return &OwnedError{Name: name, Source: source}
	}
	return &MissingError{Name: name, Meant: config.Closest(name, maps.Keys(w.targets))}
}

// owned is why another source's target cannot be taken over.
func (r *Registry) owned(name string) error {
	if source, holds := r.options.Owner(name); holds && source != Source {
		return &OwnedError{Name: name, Source: source}
	}
	return nil
}

// unused is why a target cannot be removed.
func (r *Registry) unused(e Edit, name string) error {
	if e.Force {
		return nil
	}
	if services := r.options.Services(name); len(services) > 0 {
		return &InUseError{Name: name, Services: services}
	}
	return nil
}
