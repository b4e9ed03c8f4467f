package alertconf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A Server is an Alertmanager that reads its configuration from a Place.
type Server interface {
	// Name is that of the configuration.
	Name() string
	// Reload makes it read its configuration. A RefusedError says that it stays with the one before.
	Reload(ctx context.Context) error
	// Loaded returns the metric alertmanager_config_hash. Not known: it does not tell.
	Loaded(ctx context.Context) (hash float64, known bool, err error)
}

// A RefusedError is why an Alertmanager does not load a configuration.
type RefusedError struct {
	Server string // its name, and its version if that is known
	Text   string // what it says
}

// Error implements error.
func (e *RefusedError) Error() string { return e.Server + ": " + e.Text }

// ErrFileChanged says that somebody else has changed the configuration since it was written. It is not overwritten silently.
var ErrFileChanged = errors.New("it was changed by somebody else since it was written")

// Written is what was written last, for a Memory.
type Written struct {
	// Digest is that of the configuration. Empty: there is none.
	Digest string `json:"digest"`
	// Before is what the file had when a change began, until that has ended. It is ours as well: a crash may have left it there.
	Before string `json:"before,omitempty"`
	// Changing says that a change began and has not ended.
	Changing bool `json:"changing,omitempty"`
}

// knows reports whether a file with this digest was written by a Publisher.
func (w Written) knows(digest string) bool {
	return digest == w.Digest || w.Changing && digest == w.Before
}

// A Memory outlives the exporter.
type Memory interface {
	Written() (Written, error)
	SetWritten(w Written) error
}

// A Publisher writes configurations to a Place and makes Servers load them. There must be one at a time for a Place, see
// Place.Lock. Its methods may be called at the same time.
type Publisher struct {
	Place   Place
	Servers []Server
	Memory  Memory

	changing sync.Mutex // lets one configuration be published, or looked after, at a time

	mu        sync.Mutex // protects the following; it is held for no longer than it takes to read them
	standings []Standing // of the Servers, in their order; empty: nobody has looked yet
	retries   []retry    // likewise
	woken     chan struct{}
}

// reloadTime is how long an Alertmanager may take to load a configuration, and to say that it has.
const reloadTime = 10 * time.Second

// An Update is what is to be published.
type Update struct {
	Config []byte
	// Secrets are those that are new, by the name of their channel. Those that no channel needs any more are removed by themselves.
	Secrets map[string]string
	// Keep makes w what the Memory knows, together with what the configuration was made of: all or nothing. It is called once all
	// Servers that answer run the configuration; after an error they go back. nil: the Memory alone has to know.
	Keep func(w Written) error
	// Lacking publishes a configuration although it names what is not there.
	Lacking bool
	// Overwrite replaces what somebody else has written, which is ErrFileChanged otherwise.
	Overwrite bool
}

// Publish makes a configuration the one that all Servers run. If one of them refuses it, all go on with what was there before,
// and the error is a RefusedError. It is a MissingError if it names what is not there. A Server that cannot be reached will be
// told later, see Run. Publish does not end before that, even if ctx does. Where there is nothing to keep, a Server that has not
// answered when ctx ends is one that cannot be reached: the exporter can stop while an Alertmanager hangs.
//
// What was published once may be published again: if a Server runs it already, nothing happens.
//
// A secret is in force as soon as its file is written, before any Server has loaded the configuration. If the exporter is killed
// before the change is kept, the next Publish or Look takes it back: the Memory says that a change was under way, and beside the
// secrets there is what they were.
func (p *Publisher) Publish(ctx context.Context, u Update) error {
	if u.Keep != nil {
		ctx = context.WithoutCancel(ctx) // half a change is worse than one that nobody waits for
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	defer p.wake()
	written, err := p.remembered()
	if err != nil {
		return err
	}
	before, err := p.Place.Config()
	if err != nil {
		return err
	}
	if before != nil && !u.Overwrite && !written.knows(Digest(before)) {
		return fmt.Errorf("%s: %w", p.Place.config(), ErrFileChanged)
	}
	if err := p.Place.Check(u.Config, u.Secrets); err != nil && (!u.Lacking || !isMissing(err)) {
		return err
	}
	if err := p.Place.remode(); err != nil {
		return err
	}
	changed, err := p.Place.changedSecrets(u.Secrets)
	if err != nil {
		return err
	}
	digest := Digest(u.Config)
	if u.Keep == nil && len(changed) == 0 && digest == Digest(before) && written == (Written{Digest: digest}) {
		err := p.load(ctx, u.Config, false)
		_ = p.sweep(u.Config) // see below
		return err
	}
	if err := p.write(before, &u, changed); err != nil {
		return errors.Join(err, p.goBack(ctx, before, written, false))
	}
	if refused := p.load(ctx, u.Config, Digest(before) != digest); refused != nil {
		return errors.Join(refused, p.goBack(ctx, before, written, true))
	}
	if err := p.keep(&u); err != nil {
		return errors.Join(err, p.goBack(ctx, before, written, true))
	}
	_, _ = p.Place.forgetSecrets(), p.sweep(u.Config) // the change is made; the next Look does this again, and says what is wrong
	return nil
}

// remembered is what was written last, after what an exporter that was killed has left half done is taken back or ended.
func (p *Publisher) remembered() (Written, error) {
	written, err := p.Memory.Written()
	switch {
	case err != nil:
		return written, err
	case written.Changing:
		return written, p.Place.takeBackSecrets()
	default:
		return written, p.Place.forgetSecrets()
	}
}

// write makes a configuration the one in the Place. The Memory knows both before: after a crash either is ours.
func (p *Publisher) write(before []byte, u *Update, changed map[string]string) error {
	err := p.Place.noteSecrets(changed)
	if err == nil {
		err = p.Memory.SetWritten(Written{Digest: Digest(u.Config), Before: Digest(before), Changing: true})
	}
	for channel := range changed {
		if err == nil {
			err = p.Place.setSecret(channel, u.Secrets[channel])
		}
	}
	if err != nil || Digest(before) == Digest(u.Config) {
		return err
	}
	return p.Place.replace(u.Config)
}

// keep ends a change.
func (p *Publisher) keep(u *Update) error {
	w := Written{Digest: Digest(u.Config)}
	if u.Keep != nil {
		return u.Keep(w)
	}
	return p.Memory.SetWritten(w)
}

// goBack makes the configuration and the secrets before a change those in force again. Told says that Servers were told of it.
func (p *Publisher) goBack(ctx context.Context, before []byte, written Written, told bool) error {
	err := p.Place.takeBackSecrets()
	if err == nil {
		err = p.Place.restore(before)
	}
	if err == nil && told && before != nil {
		err = p.load(ctx, before, true)
	}
	ours := written.knows(Digest(before))
	if ours {
		written = Written{Digest: Digest(before)}
	}
	if err == nil {
		err = p.forget(written)
	}
	if err != nil {
		return fmt.Errorf("going back to the configuration before it: %w", err)
	}
	if ours { // what somebody else has written names none of the secrets that are needed
		_ = p.sweep(before) // as in Publish
	}
	return nil
}

// forget ends a change that was not made.
func (p *Publisher) forget(before Written) error {
	if now, err := p.Memory.Written(); err == nil && now == before {
		return nil
	}
	return p.Memory.SetWritten(before)
}

// sweep removes the secrets that no Server needs any more.
func (p *Publisher) sweep(config []byte) error {
	if config == nil || slices.ContainsFunc(p.Standings(), func(s Standing) bool { return s.State != InSync }) {
		return nil
	}
	return p.Place.sweep(config)
}

// load makes all Servers run the configuration in the Place, at the same time. One that runs it already is left alone unless it is
// a new one. The error is that of the first one that refuses it.
func (p *Publisher) load(ctx context.Context, config []byte, isNew bool) error {
	step := loaded
	if isNew {
		step = reloaded
	}
	return p.each(ctx, func(ctx context.Context, s Server, r *retry) (Standing, error) { return step(ctx, s, r, config) })
}

// each does something with all Servers at the same time, and keeps how they are. The error is the first one.
func (p *Publisher) each(ctx context.Context, do func(context.Context, Server, *retry) (Standing, error)) error {
	ctx, cancel := context.WithTimeout(ctx, reloadTime)
	defer cancel()
	standings, errs := make([]Standing, len(p.Servers)), make([]error, len(p.Servers))
	retries := p.known()
	var wg sync.WaitGroup
	for i, s := range p.Servers {
		wg.Go(func() { standings[i], errs[i] = do(ctx, s, &retries[i]) })
	}
	wg.Wait()
	p.become(standings, retries)
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// reloaded tells a Server to load a configuration. The error is a RefusedError. What the Server says of it may have a secret of the
// base in it, which does not get out.
func reloaded(ctx context.Context, s Server, r *retry, config []byte) (Standing, error) {
	err := s.Reload(ctx)
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		r.failed(true)
		refused.Text = Hidden(config, refused.Text)
		return Standing{Server: s.Name(), State: ReloadFailed, Detail: refused.Text, LookedAt: now()}, refused
	}
	if err != nil {
		r.failed(false)
		return Standing{Server: s.Name(), State: Pending, Detail: err.Error(), LookedAt: now()}, nil //nolint:nilerr // it is in the standing
	}
	at := now()
	standing := look(ctx, s, r, config)
	standing.LoadedAt = at
	if standing.State == NotLoaded {
		r.failed(true)
		standing.Detail = "it runs another configuration, though it says that it has loaded this: is " + configFile + " the file of its --config.file?"
	}
	return standing, nil
}

// loaded tells a Server to load a configuration unless it runs that already.
func loaded(ctx context.Context, s Server, r *retry, config []byte) (Standing, error) {
	if standing := look(ctx, s, r, config); standing.State == InSync {
		return standing, nil
	}
	return reloaded(ctx, s, r, config)
}

// look finds out whether a Server runs a configuration.
func look(ctx context.Context, s Server, r *retry, config []byte) Standing {
	standing := Standing{Server: s.Name(), LookedAt: now()}
	switch hash, known, err := s.Loaded(ctx); {
	case err != nil:
		r.failed(false)
		standing.State, standing.Detail = Unreachable, err.Error()
	case !known:
		standing.State, standing.Detail = Unverified, "it does not serve the metric alertmanager_config_hash"
	case hash != LoadedHash(config):
		standing.State, standing.Detail = NotLoaded, "it runs another configuration"
	default:
		*r = retry{}
		standing.State, standing.InSyncAt = InSync, standing.LookedAt
	}
	return standing
}

func now() time.Time { return time.Now().UTC() }

// become keeps how the Servers are.
func (p *Publisher) become(standings []Standing, retries []retry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.standings) == len(standings) {
		for i, before := range p.standings {
			s := &standings[i]
			if s.State != InSync {
				s.InSyncAt = before.InSyncAt
			}
			if s.LoadedAt.IsZero() {
				s.LoadedAt = before.LoadedAt
			}
		}
	}
	p.standings, p.retries = standings, retries
}

// Standings are how the Servers were when somebody last looked. Empty: nobody has yet.
func (p *Publisher) Standings() []Standing {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.standings)
}

// Inherit takes over what another Publisher knows of Servers with the same names. It is for one that has not been used yet.
func (p *Publisher) Inherit(from *Publisher) {
	known := from.Standings()
	standings := make([]Standing, len(p.Servers))
	found := false
	for i, s := range p.Servers {
		standings[i] = Standing{Server: s.Name(), State: Pending, Detail: "nobody has looked yet"}
		if j := slices.IndexFunc(known, func(k Standing) bool { return k.Server == s.Name() }); j >= 0 {
			standings[i], found = known[j], true
		}
	}
	if found {
		p.become(standings, make([]retry, len(p.Servers)))
	}
}
