package managed

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// SecretChanged stands for a secret that was changed.
const SecretChanged = "<changed>"

// A Channel is the record of who hears of what. What its definition means package channels knows; its secret is elsewhere.
type Channel struct {
	Name string
	// Revision is how many changes of channels there were when it became what it is.
	Revision uint64
	// Definition is what was written: a JSON object without name and secret, compact and sorted.
	Definition json.RawMessage
	// SecretAt is when the secret was set. Zero: it has none.
	SecretAt         time.Time
	Created, Updated Stamp
}

// A ChannelEdit is a change of channels, all or none of them, which was judged and published before.
type ChannelEdit struct {
	By      Author
	Changes []ChannelChange
	// Apply is kept with it, see SetApply. nil: it stays.
	Apply json.RawMessage
}

// A ChannelChange is what becomes of one channel.
type ChannelChange struct {
	Name string
	// Definition is that of Channel. nil: the channel is removed.
	Definition json.RawMessage
	// Secret is the key by which the secret was changed, and SecretSet whether there is one now. Empty: it stays.
	Secret    string
	SecretSet bool
}

// channels are all channels. They do not change.
type channels struct {
	byName map[string]*channel
	apply  json.RawMessage // see SetApply
}

// A channel is a Channel, which does not change, and the revision of everything at its change.
type channel struct {
	Channel

	edit uint64
}

// A storedChannel is the record of a channel.
type storedChannel struct {
	Revision   uint64          `json:"revision"`
	Edit       uint64          `json:"edit"` // the revision of everything
	Definition json.RawMessage `json:"definition"`
	SecretAt   time.Time       `json:"secret_at,omitzero"`
	Created    Stamp           `json:"created"`
	Updated    Stamp           `json:"updated"`
}

func readChannel(name string, text []byte) (*channel, error) {
	var c storedChannel
	if err := strictly(text, &c); err != nil {
		return nil, err
	}
	fields, problems := ReadObject(c.Definition, false)
	if len(problems) > 0 {
		return nil, errors.New(problems[0].Detail)
	}
	return &channel{Channel{name, c.Revision, Encode(fields), c.SecretAt, c.Created, c.Updated}, c.Edit}, nil
}

// text is the record of a channel.
func (c *channel) text() []byte {
	return Encode(storedChannel{c.Revision, c.edit, c.Definition, c.SecretAt, c.Created, c.Updated})
}

func readApply(text []byte) (json.RawMessage, error) {
	_, problems := ReadObject(text, true)
	if len(problems) > 0 {
		return nil, errors.New(problems[0].Detail)
	}
	return text, nil
}

// Channels returns all channels, sorted by name, and how many changes of them there were. The error is a StoreError: nothing is
// known.
func (r *Registry) Channels() ([]Channel, uint64, error) {
	if err := r.known(); err != nil {
		return nil, 0, err
	}
	s := r.state()
	all := make([]Channel, 0, len(s.channels.byName))
	for _, c := range s.channels.byName {
		all = append(all, c.Channel)
	}
	slices.SortFunc(all, func(a, b Channel) int { return strings.Compare(a.Name, b.Name) })
	return all, s.Channels, nil
}

// ChannelsRevision is how many changes of channels there were.
func (r *Registry) ChannelsRevision() uint64 { return r.state().Channels }

// Channel returns the channel of a name.
func (r *Registry) Channel(name string) (Channel, bool) {
	c, ok := r.state().channels.byName[name]
	if !ok {
		return Channel{}, false
	}
	return c.Channel, true
}

// known returns a StoreError if it is not known what there is.
func (r *Registry) known() error {
	switch h := r.health.Load(); {
	case h.broken != nil:
		return &StoreError{Err: h.broken}
	case !h.open:
		return &StoreError{Err: errNotOpen}
	}
	return nil
}

// Apply returns what SetApply has kept, a JSON object, or nil. The error is a StoreError.
func (r *Registry) Apply() (json.RawMessage, error) { return r.state().channels.apply, r.known() }

// SetApply keeps a JSON object: what is known of the configuration that channels are published as. The error is a StoreError.
func (r *Registry) SetApply(apply json.RawMessage) error {
	_, err := r.submit(context.Background(), func(w *work) error {
		w.setApply(apply)
		return nil
	})
	return err
}

// Storable returns a StoreError if nothing can be kept.
func (r *Registry) Storable() error { return r.storable() }

// Admit returns a TooManyError if somebody changes too much. Whoever makes edits of channels asks before each.
func (r *Registry) Admit(by Author) error { return r.admit(Edit{By: by}, nil) }

// RefuseFor counts a change of a channel that was refused, and returns its error. The reason is one of Refused…, or empty for that of
// an error of this package.
func (r *Registry) RefuseFor(reason string, err error) error {
	if reason == "" {
		return r.metrics.refuse(err)
	}
	r.metrics.refused.WithLabelValues(reason).Inc()
	return err
}

// KeepChannels makes an edit of channels. Who judges edits of channels lets one be made at a time. The error is a StoreError.
func (r *Registry) KeepChannels(ctx context.Context, e ChannelEdit) (warnings []string, err error) {
	return r.submit(ctx, func(w *work) error {
		w.next()
		w.keepChannels(&e)
		return nil
	})
}

// keepChannels makes an edit of channels at the present revision.
func (w *work) keepChannels(e *ChannelEdit) {
	if e.Apply != nil {
		w.setApply(e.Apply)
	}
	w.Channels++
	w.ChannelsAt = w.Revision
	for i := range e.Changes {
		w.changeChannel(e.By, &e.Changes[i])
	}
}

func (w *work) changeChannel(by Author, c *ChannelChange) {
	before := w.channels.byName[c.Name]
	if c.Definition == nil {
		w.setChannel(c.Name, nil)
		w.note(by, KindChannel, Deleted, c.Name, nil)
		return
	}
	after := &channel{Channel{Name: c.Name, Revision: w.Channels, Definition: c.Definition, Created: w.stamp(by), Updated: w.stamp(by)}, w.Revision}
	action, patch := Created, decodeObject(c.Definition)
	if before != nil {
		action, patch = Updated, difference(decodeObject(before.Definition), decodeObject(c.Definition))
		after.Created, after.SecretAt = before.Created, before.SecretAt
	}
	switch {
	case c.Secret == "":
	case c.SecretSet:
		after.SecretAt, patch[c.Secret] = w.now, SecretChanged
	default:
		after.SecretAt, patch[c.Secret] = time.Time{}, nil
	}
	w.setChannel(c.Name, after)
	w.note(by, KindChannel, action, c.Name, patch)
}

// setChannel makes, changes or, if c is nil, removes a channel.
func (w *work) setChannel(name string, c *channel) {
	if !w.ownChannels {
		w.channels.byName, w.ownChannels = maps.Clone(w.channels.byName), true
	}
	if w.channels.byName == nil {
		w.channels.byName = map[string]*channel{}
	}
	if c == nil {
		delete(w.channels.byName, name)
		w.saves[keyChannel+name] = nil
		return
	}
	w.channels.byName[name] = c
	w.saves[keyChannel+name] = c.text()
}

func (w *work) setApply(apply json.RawMessage) {
	w.channels.apply = apply
	w.saves[keyApply] = apply
}
