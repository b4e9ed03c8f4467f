package channels

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// Export returns all managed targets, and all channels unless they are off, without their secrets; and the revision of both.
func (e *Editor) Export() (managed.Document, uint64, error) {
	if e.force() == nil {
		return e.options.Registry.Export()
	}
	return e.options.Registry.ExportWith()
}

// Import makes managed targets and channels what a document says, all or none. A kind that the document does not have stays as it
// is. A channel may have its secret, by the key that it has for Put; one without stays as it is. The errors are those of Put, and
// those of managed.Registry.Import.
func (e *Editor) Import(ctx context.Context, ed managed.Edit, mode managed.Mode, d managed.Document) (managed.Report, error) {
	if d.Channels == nil || e.force() == nil {
		return e.options.Registry.Import(ctx, ed, mode, d)
	}
	err := e.Writable()
	if err == nil {
		err = e.options.Registry.Admit(ed.By)
	}
	if err == nil {
		err = e.take(ctx)
	}
	if err != nil {
		return managed.Report{}, e.refused(err)
	}
	defer e.release()
	report, err := e.importAll(ctx, ed, mode, d)
	if err != nil {
		return managed.Report{}, e.refused(err)
	}
	return report, nil
}

// importAll is Import for who has the turn.
func (e *Editor) importAll(ctx context.Context, ed managed.Edit, mode managed.Mode, d managed.Document) (managed.Report, error) {
	p, err := e.begin()
	if err != nil {
		return managed.Report{}, err
	}
	trial := ed
	trial.DryRun = true
	report, err := e.options.Registry.ImportWith(ctx, trial, mode, d, nil)
	wrong, invalid := errors.AsType[*managed.InvalidError](err)
	if err != nil && !invalid {
		return managed.Report{}, err
	}
	var problems []managed.Problem
	if invalid {
		problems = wrong.Problems
	}
	changes, channels, more, err := p.compare(&ed, mode, d.Channels)
	if err == nil {
		err = managed.Invalid("document", append(problems, more...))
	}
	if err == nil {
		err = p.add(changes...)
	}
	switch {
	case err != nil:
		return managed.Report{}, err
	case ed.DryRun:
		report.Channels = channels
		return report, p.rehearse()
	case len(changes) == 0:
		report, err = e.options.Registry.ImportWith(ctx, ed, mode, d, nil)
	default:
		with := p.edit(ed.By)
		err = p.publishWith(ctx, func(apply json.RawMessage) (err error) {
			with.Apply = apply
			report, err = e.options.Registry.ImportWith(context.WithoutCancel(ctx), ed, mode, d, &with)
			return err
		})
	}
	report.Channels = channels
	return report, err
}

// compare returns what a document changes, and what is wrong with it. Conditions are about all of it, and judged elsewhere.
func (p *publication) compare(ed *managed.Edit, mode managed.Mode, items []json.RawMessage) ([]change, *managed.ChannelReport, []managed.Problem, error) {
	report := &managed.ChannelReport{Created: []string{}, Updated: []managed.Difference{}, Deleted: []string{}}
	var problems []managed.Problem
	var changes []change
	one := *ed
	one.If = managed.Condition{Any: true}
	first := map[string]int{}
	for i, text := range items {
		at := "/channels/" + strconv.Itoa(i)
		d := named(text)
		if j, twice := first[d.Name]; twice && d.Name != "" {
			d.wrong("/name", "got %q, which is the name of /channels/%d, too", printable.Text(d.Name, printable.MaxLog), j)
		} else {
			first[d.Name] = i
		}
		now := p.present(d.Name)
		one.If.Any = now != nil
		c, err := p.judge(&one, now, d)
		if wrong, ok := errors.AsType[*managed.InvalidError](err); ok {
			for _, w := range wrong.Problems {
				problems = append(problems, managed.Problem{Pointer: at + w.Pointer, Detail: w.Detail})
			}
			continue
		}
		switch {
		case err != nil:
			return nil, nil, nil, err
		case c == nil:
			report.Unchanged++
			continue
		case now == nil:
			report.Created = append(report.Created, d.Name)
		default:
			report.Updated = append(report.Updated, c.difference())
		}
		changes = append(changes, *c)
	}
	if mode == managed.Replace {
		for i := range p.before {
			now := &p.before[i]
			if _, ok := first[now.Name]; ok {
				continue
			}
			one.If.Any = true
			c, err := p.judge(&one, now, nil)
			if err != nil {
				return nil, nil, nil, err
			}
			report.Deleted = append(report.Deleted, now.Name)
			changes = append(changes, *c)
		}
	}
	slices.Sort(report.Created)
	slices.SortFunc(report.Updated, func(a, b managed.Difference) int { return strings.Compare(a.Name, b.Name) })
	return changes, report, problems, nil
}

// named is what is written of a channel in a document, with its name.
func named(text []byte) *draft {
	fields, problems := managed.ReadObject(text, false)
	name, ok := fields["name"].(string)
	d := drafted(name, fields, problems)
	if !ok && len(problems) == 0 {
		d.wrong("/name", "missing, want the name of the channel, a text")
	}
	return d
}

// difference is how a channel differs then. A secret that changes is not in it.
func (c *change) difference() managed.Difference {
	d := managed.DifferenceOf(c.name, c.before.Definition, c.after.definition)
	if k := c.kept(); k.Secret != "" {
		d.Changes = maps.Clone(d.Changes)
		d.Changes[k.Secret] = [2]json.RawMessage{nil, nil}
		if k.SecretSet {
			d.Changes[k.Secret] = [2]json.RawMessage{nil, managed.Encode(managed.SecretChanged)}
		}
	}
	return d
}
