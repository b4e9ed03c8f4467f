package channels

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// A change is what becomes of one channel.
type change struct {
	name   string
	before *managed.Channel // nil: it is made
	after  *draft           // nil: it is removed
	// secret is the new one. nil: it stays, or is removed if drops is true.
	secret *string
	drops  bool
}

func (c *change) action() managed.Action {
	switch {
	case c.after == nil:
		return managed.Deleted
	case c.before == nil:
		return managed.Created
	default:
		return managed.Updated
	}
}

// hasSecret reports whether the channel has one then.
func (c *change) hasSecret() bool {
	return c.secret != nil || !c.drops && c.before != nil && !c.before.SecretAt.IsZero()
}

// kept is what is kept of it.
func (c *change) kept() managed.ChannelChange {
	k := managed.ChannelChange{Name: c.name}
	if c.after == nil {
		return k
	}
	k.Definition = c.after.definition
	if c.secret != nil || c.drops {
		k.Secret, k.SecretSet = secretKeys[c.after.Kind], c.secret != nil
	}
	if k.Secret == "" && c.drops { // it is of a type that has none
		k.Secret = secretKeys[kindOf(c.before)]
	}
	return k
}

// preview is the channel as it would be.
func (c *change) preview(by managed.Author) Channel {
	if c.after == nil {
		return shown(c.before)
	}
	stamp := managed.Stamp{At: time.Now().Round(0).UTC(), By: by.Name}
	m := managed.Channel{Name: c.name, Definition: c.after.definition, Created: stamp, Updated: stamp}
	if c.before != nil {
		m.Revision, m.Created, m.SecretAt = c.before.Revision, c.before.Created, c.before.SecretAt
	}
	switch {
	case c.secret != nil:
		m.SecretAt = stamp.At
	case c.drops:
		m.SecretAt = time.Time{}
	}
	return shown(&m)
}

// judge returns what becomes of a channel, or why nothing does. It is nil if the channel is already what it is to become. What is
// expected is judged first: who has an old version has to know that before anything else.
func (p *publication) judge(ed *managed.Edit, now *managed.Channel, d *draft) (*change, error) {
	c := &change{before: now, after: d}
	if d != nil {
		c.name = d.Name
		if d.definition != nil {
			d.check(p.force, now)
		}
	} else {
		c.name = now.Name
	}
	if err := may(ed.By, now, d); err != nil {
		return nil, err
	}
	if d != nil && len(d.problems) == 0 {
		if err := p.compareSecret(c); err != nil {
			return nil, err
		}
		same := now != nil && bytes.Equal(now.Definition, d.definition) && c.secret == nil && !c.drops
		if same && !ed.If.Absent {
			return nil, nil //nolint:nilnil // nothing changes
		}
	}
	if err := expected(&ed.If, now); err != nil {
		return nil, err
	}
	if d != nil {
		return c, managed.Invalid("channel", d.problems)
	}
	return c, nil
}

// compareSecret finds out what becomes of the secret.
func (p *publication) compareSecret(c *change) error {
	keeps := c.after.keepsSecret(c.before)
	switch written := c.after.secret; {
	case written == nil, *written == "":
		had := c.before != nil && !c.before.SecretAt.IsZero()
		c.drops = had && (!keeps || written != nil)
	case !keeps:
		c.secret = written
	default:
		present, err := p.force.settings.Place.Secret(c.name)
		if err != nil {
			return &managed.StoreError{Err: fmt.Errorf("reading a secret: %w", err)}
		}
		if subtle.ConstantTimeCompare([]byte(present), []byte(*written)) != 1 {
			c.secret = written
		}
	}
	return nil
}

// may asks whether somebody may make of a channel what a draft says. Who is limited to environments may change only what is confined
// to them, before and after it.
func may(by managed.Author, now *managed.Channel, d *draft) error {
	if by.May == nil {
		return errors.New("it is not known what the author may do")
	}
	var environments []string
	if now != nil {
		channel := stored(now)
		environments = confined(&channel)
	}
	if d != nil && len(d.problems) == 0 {
		environments = append(environments, confined(&d.Channel)...)
	}
	if len(environments) == 0 {
		return nil // there is nothing yet, and there will be nothing
	}
	return by.May(environments...)
}

// confined are the environments of a channel; one that hears of all has the one without a name, which is nobody's.
func confined(c *alertconf.Channel) []string {
	if all := c.Environments(); len(all) > 0 {
		return all
	}
	return []string{""}
}

// expected returns why what there is now is not what was expected, or nil.
func expected(c *managed.Condition, now *managed.Channel) error {
	if now == nil {
		return asChanged(c.Judge(0), Channel{})
	}
	return asChanged(c.Judge(now.Revision), shown(now))
}

// asChanged adds the channel as it is to a managed.ChangedError.
func asChanged(err error, current Channel) error {
	if changed, ok := errors.AsType[*managed.ChangedError](err); ok {
		return &ChangedError{ChangedError: *changed, Current: current}
	}
	return err
}
