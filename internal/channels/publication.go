package channels

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A memory keeps what was written last with the channels.
type memory struct{ registry *managed.Registry }

// Written implements alertconf.Memory.
func (m memory) Written() (w alertconf.Written, err error) {
	text, err := m.registry.Apply()
	if err == nil && text != nil {
		err = json.Unmarshal(text, &w)
	}
	return w, err
}

// SetWritten implements alertconf.Memory.
func (m memory) SetWritten(w alertconf.Written) error { return m.registry.SetApply(managed.Encode(w)) }

// A publication is a set of channels on its way to the Alertmanagers. Who makes one has the turn.
type publication struct {
	editor   *Editor
	force    *force
	before   []managed.Channel
	revision uint64 // of the channels before
	changes  []change
	config   []byte // what was rendered
}

// begin begins a publication of what there is.
func (e *Editor) begin() (*publication, error) {
	f := e.force()
	if f == nil {
		return nil, e.off()
	}
	all, revision, err := e.options.Registry.Channels()
	if err != nil {
		return nil, err
	}
	return &publication{editor: e, force: f, before: all, revision: revision}, nil
}

// present is the channel of a name, or nil.
func (p *publication) present(name string) *managed.Channel {
	for i := range p.before {
		if p.before[i].Name == name {
			return &p.before[i]
		}
	}
	return nil
}

// add adds changes, of which none may be refused, and renders the result.
func (p *publication) add(changes ...change) error {
	p.changes = append(p.changes, changes...)
	more := 0
	for i := range changes {
		switch changes[i].action() { //nolint:exhaustive // the others change no number
		case managed.Created:
			more++
		case managed.Deleted:
			more--
		}
	}
	if n := len(p.before) + more; more > 0 && n > alertconf.MaxChannels {
		return &managed.TooManyError{Err: fmt.Errorf("these would be %d channels, and there may be %d", n, alertconf.MaxChannels)}
	}
	return p.render(p.revision + 1)
}

// render makes the configuration of all channels as they are then.
func (p *publication) render(revision uint64) error {
	var all []alertconf.Channel
	has := map[string]bool{}
	for i := range p.before {
		c := &p.before[i]
		if !slices.ContainsFunc(p.changes, func(ch change) bool { return ch.name == c.Name }) {
			all = append(all, stored(c))
			has[c.Name] = !c.SecretAt.IsZero()
		}
	}
	for i := range p.changes {
		if c := &p.changes[i]; c.after != nil {
			all = append(all, c.after.Channel)
			has[c.name] = c.hasSecret()
		}
	}
	config, err := alertconf.Render(p.force.base, all, alertconf.Rendering{
		Base: p.force.settings.Base, Revision: revision, Secrets: p.force.settings.Place.Secrets(),
		HasSecret: func(channel string) bool { return has[channel] },
	})
	if err != nil {
		return managed.Invalid("channel", []managed.Problem{{Detail: printable.Text(err.Error(), printable.MaxError)}})
	}
	p.config = config
	return nil
}

// secrets are the new ones.
func (p *publication) secrets() map[string]string {
	all := map[string]string{}
	for i := range p.changes {
		if c := &p.changes[i]; c.secret != nil {
			all[c.name] = *c.secret
		}
	}
	return all
}

// edit is what is kept of the changes.
func (p *publication) edit(by managed.Author) managed.ChannelEdit {
	edit := managed.ChannelEdit{By: by}
	for i := range p.changes {
		edit.Changes = append(edit.Changes, p.changes[i].kept())
	}
	return edit
}

// rehearse finds what can be found without a change.
func (p *publication) rehearse() error {
	err := p.force.settings.Place.Check(p.config, p.secrets())
	if p.mends(err) != nil {
		return nil //nolint:nilerr // less is missing than before
	}
	return err
}

// mends returns what is missing after the changes, given what Check says of it, if that is less than before them; otherwise nil. Such a
// change is made: where many secrets were lost, as with a disk, they come back one after the other.
func (p *publication) mends(err error) *alertconf.MissingError {
	after, ok := errors.AsType[*alertconf.MissingError](err)
	if !ok {
		return nil
	}
	now := &publication{editor: p.editor, force: p.force, before: p.before}
	if now.render(p.revision) != nil {
		return nil //nolint:nilerr // there is nothing to compare with
	}
	before, ok := errors.AsType[*alertconf.MissingError](p.force.settings.Place.Check(now.config, nil))
	if !ok || len(before.Missing) <= len(after.Missing) {
		return nil
	}
	return after
}

// publish makes the Alertmanagers run the changes, and keeps them.
func (p *publication) publish(ctx context.Context, by managed.Author) (warnings []string, err error) {
	edit := p.edit(by)
	err = p.publishWith(ctx, func(apply json.RawMessage) (err error) {
		edit.Apply = apply
		warnings, err = p.editor.options.Registry.KeepChannels(context.WithoutCancel(ctx), edit)
		return err
	})
	return warnings, err
}

// publishWith is publish with something else that keeps the changes, in one transaction with apply.
func (p *publication) publishWith(ctx context.Context, keep func(apply json.RawMessage) error) error {
	lacks := p.mends(p.force.settings.Place.Check(p.config, p.secrets()))
	err := p.force.publisher.Publish(ctx, alertconf.Update{
		Config: p.config, Secrets: p.secrets(), Lacking: lacks != nil,
		Keep: func(w alertconf.Written) error { return keep(managed.Encode(w)) },
	})
	if err == nil {
		p.force.published(p.editor)
		if lacks != nil {
			p.force.lack(lacks)
		}
	} else if w, memoryErr := p.force.publisher.Memory.Written(); memoryErr != nil || w.Changing {
		p.force.due = true // it could not go back: what was kept is published again, as soon as that is possible
	}
	p.editor.wake()
	return err
}
