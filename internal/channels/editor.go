package channels

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// Settings are what a configuration says of channels.
type Settings struct {
	// Base is the path of the base file.
	Base  string
	Place alertconf.Place
	// Hosts are those that URLs of channels may have.
	Hosts []string
	// Servers are the Alertmanagers that read what is written to Place.
	Servers []alertconf.Server
	// Syncs are the names of those who may fetch a Bundle, each for an Alertmanager elsewhere.
	Syncs []string
}

// Options are what an Editor asks others for. All are required.
type Options struct {
	Registry *managed.Registry
	Log      *slog.Logger
}

// An Editor changes channels, one at a time, and looks after the Alertmanagers that run them. Its methods may be called at the
// same time. Make it with New, Configure it, then let it Run.
type Editor struct {
	options Options
	// turn is held by who changes something or looks after the Alertmanagers, and never while the Registry's own is awaited by others.
	turn  chan struct{}
	woken chan struct{}
	views atomic.Pointer[views]

	mu      sync.Mutex // protects the following; never held while something is written or asked for
	current *force     // nil: channels are off
	unmet   *unmet     // settings of a configuration in force that are not; nil: there are none
	locks   map[string]*alertconf.Lock
	reports map[string]report // of Settings.Syncs
}

// New makes an Editor without any settings.
func New(o Options) *Editor {
	return &Editor{
		options: o, turn: make(chan struct{}, 1), woken: make(chan struct{}, 1),
		locks: map[string]*alertconf.Lock{}, reports: map[string]report{},
	}
}

// Writable returns why no channel can be changed: ErrOff or a managed.StoreError, or nil if they can.
func (e *Editor) Writable() error {
	if e.force() == nil {
		return e.off()
	}
	return e.options.Registry.Storable()
}

// Put makes the channel of a name what body says, a JSON object. Putting what is there already changes nothing. A secret that body
// does not have stays.
//
// An error is ErrOff, one of package managed, a ChangedError, a MissingError, or one of alertconf: a RefusedError, a MissingError or
// ErrFileChanged. After any of them all is as it was.
func (e *Editor) Put(ctx context.Context, ed managed.Edit, name string, body []byte) (Outcome, error) {
	return e.edit(ctx, ed, name, func(*managed.Channel) (*draft, error) {
		fields, problems := managed.ReadObject(body, false)
		return drafted(name, fields, problems), nil
	})
}

// Patch changes the channel of a name by a JSON merge patch (RFC 7396). Otherwise it is like Put.
func (e *Editor) Patch(ctx context.Context, ed managed.Edit, name string, patch []byte) (Outcome, error) {
	return e.edit(ctx, ed, name, func(now *managed.Channel) (*draft, error) {
		if now == nil {
			return nil, e.missing(name)
		}
		changes, problems := managed.ReadObject(patch, true)
		return drafted(name, patched(now, changes), problems), nil
	})
}

// drafted is what was written, unless it cannot be read.
func drafted(name string, fields map[string]any, problems []managed.Problem) *draft {
	if len(problems) > 0 {
		return &draft{Channel: alertconf.Channel{Name: name}, problems: problems}
	}
	return read(name, fields)
}

// patched is what is written of a channel after a merge patch. Its secret is not in what is written: there it is what the patch has
// of it, and null removes it.
func patched(now *managed.Channel, changes map[string]any) map[string]any {
	fields := managed.Patched(now.Definition, changes)
	kind, _ := fields["type"].(string)
	if _, ok := changes["send_resolved"]; !ok && kind == string(alertconf.Receiver) { // it is from another type, which has it
		delete(fields, "send_resolved")
	}
	if key := secretKeys[alertconf.Kind(kind)]; key != "" {
		delete(fields, key)
		if secret, ok := changes[key]; ok {
			fields[key] = secret
			if secret == nil {
				fields[key] = ""
			}
		}
	}
	return fields
}

// Delete removes the channel of a name. Otherwise it is like Put.
func (e *Editor) Delete(ctx context.Context, ed managed.Edit, name string) (Outcome, error) {
	return e.edit(ctx, ed, name, func(now *managed.Channel) (*draft, error) {
		if now == nil {
			return nil, e.missing(name)
		}
		return nil, nil //nolint:nilnil // nothing is to be left
	})
}

func (e *Editor) missing(name string) error {
	all, _, _ := e.options.Registry.Channels() // if nothing is known, nothing is meant
	names := func(yield func(string) bool) {
		for i := range all {
			if !yield(all[i].Name) {
				return
			}
		}
	}
	return &MissingError{Name: name, Meant: config.Closest(name, names)}
}

// edit admits a change, prepares it and makes it when its turn has come. What it is to become is nil if the channel is removed.
func (e *Editor) edit(ctx context.Context, ed managed.Edit, name string, prepare func(now *managed.Channel) (*draft, error)) (Outcome, error) {
	err := e.Writable()
	if err == nil {
		err = e.options.Registry.Admit(ed.By)
	}
	if err == nil {
		err = e.take(ctx)
	}
	if err != nil {
		return Outcome{}, e.refused(err)
	}
	defer e.release()
	out, err := e.make(ctx, &ed, name, prepare)
	if err != nil {
		return Outcome{}, e.refused(err)
	}
	return out, nil
}

// make makes a change. The caller has the turn.
func (e *Editor) make(ctx context.Context, ed *managed.Edit, name string, prepare func(now *managed.Channel) (*draft, error)) (Outcome, error) {
	p, err := e.begin()
	if err != nil {
		return Outcome{}, err
	}
	now := p.present(name)
	d, err := prepare(now)
	if err != nil {
		return Outcome{}, err
	}
	c, err := p.judge(ed, now, d)
	if err != nil {
		return Outcome{}, err
	}
	if c == nil {
		return Outcome{Action: managed.Unchanged, Channel: shown(now), Pending: p.force.pending()}, nil
	}
	if err := p.add(*c); err != nil {
		return Outcome{}, err
	}
	if ed.DryRun {
		return Outcome{Action: c.action(), Channel: c.preview(ed.By)}, p.rehearse()
	}
	warnings, err := p.publish(ctx, ed.By)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Action: c.action(), Channel: c.preview(ed.By), Pending: p.force.pending(), Warnings: warnings}
	if kept, ok := e.options.Registry.Channel(name); ok {
		out.Channel = shown(&kept)
	}
	return out, nil
}

// take waits for the turn.
func (e *Editor) take(ctx context.Context) error {
	if ctx.Err() != nil {
		return waiting(ctx)
	}
	select {
	case e.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return waiting(ctx)
	}
}

func (e *Editor) release() { <-e.turn }

// off is why nothing is in force: ErrOff, or a managed.StoreError where it should be.
func (e *Editor) off() error {
	_, unmet := e.inForce()
	return whyOff(unmet)
}

func whyOff(u *unmet) error {
	if u != nil {
		return &managed.StoreError{Err: u.off()}
	}
	return ErrOff
}

// force is what is in force, or nil.
func (e *Editor) force() *force {
	f, _ := e.inForce()
	return f
}

// inForce is what is in force, or nil, and which settings should be and are not, or nil.
func (e *Editor) inForce() (*force, *unmet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.current, e.unmet
}

// wake lets Run look at once.
func (e *Editor) wake() {
	select {
	case e.woken <- struct{}{}:
	default: // it was woken already
	}
}
