package channels

import (
	"errors"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// shown is a record as everybody may see it.
func shown(c *managed.Channel) Channel {
	return Channel{
		Channel: stored(c), Secret: Secret{Set: !c.SecretAt.IsZero(), UpdatedAt: c.SecretAt},
		Revision: c.Revision, Created: c.Created, Updated: c.Updated,
	}
}

// views are the channels at one revision, so that they are read once.
type views struct {
	revision uint64
	all      []Channel
	matchers [][]alertconf.Matcher // of each
}

// view is what there is now. It is empty where nothing is known, and where channels are off.
func (e *Editor) view() *views {
	if e.force() == nil {
		return &views{}
	}
	if v := e.views.Load(); v != nil && v.revision == e.options.Registry.ChannelsRevision() {
		return v
	}
	all, revision, err := e.options.Registry.Channels()
	if err != nil {
		return &views{}
	}
	v := &views{revision: revision}
	for i := range all {
		c := shown(&all[i])
		var matchers []alertconf.Matcher
		for _, text := range c.Matchers {
			if m, err := alertconf.ParseMatcher(text); err == nil { // it was checked when it was written
				matchers = append(matchers, m)
			}
		}
		v.all, v.matchers = append(v.all, c), append(v.matchers, matchers)
	}
	e.views.Store(v)
	return v
}

// Known returns a managed.StoreError if it is not known which channels there are: List is empty then. Where channels are off, there are
// none.
func (e *Editor) Known() error {
	if e.force() == nil {
		if err := e.off(); !errors.Is(err, ErrOff) {
			return err
		}
		return nil
	}
	_, err := e.options.Registry.Apply()
	return err
}

// List returns all channels, sorted by name.
func (e *Editor) List() []Channel { return append([]Channel{}, e.view().all...) }

// Channel returns the channel of a name.
func (e *Editor) Channel(name string) (Channel, bool) {
	for _, c := range e.view().all {
		if c.Name == name {
			return c, true
		}
	}
	return Channel{}, false
}

// Told are the channels that hear of an alert with these labels, in their order, also those that are off.
func (e *Editor) Told(labels map[string]string) (told []Channel) {
	v := e.view()
	for i, matchers := range v.matchers {
		selects := true
		for j := range matchers {
			selects = selects && matchers[j].Selects(labels)
		}
		if selects {
			told = append(told, v.all[i])
		}
	}
	return told
}
