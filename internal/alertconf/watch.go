package alertconf

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// The times of Run.
const (
	// LookInterval is how soon it is found that an Alertmanager does not run what was published.
	LookInterval = 30 * time.Second
	// Between firstRetry and lastRetry is the time after which a Server is told again. It doubles.
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
)

// A retry is when a Server may be told again. Zero: at any time.
type retry struct {
	delay time.Duration // after the last attempt
	at    time.Time
	// told says whether the Server heard of it. One that was away is told as soon as it is back.
	told bool
}

// failed notes an attempt that failed.
func (r *retry) failed(told bool) {
	if now := time.Now(); !now.Before(r.at) || told && !r.told {
		r.delay = min(max(2*r.delay, firstRetry), lastRetry)
		r.at = now.Add(r.delay)
	}
	r.told = told
}

// known are the retries of the Servers.
func (p *Publisher) known() []retry {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.retries) != len(p.Servers) {
		return make([]retry, len(p.Servers))
	}
	return slices.Clone(p.retries)
}

// Look finds out how all Servers are. One that does not run the file is told to load that, if the file is what was
// written. The error is ErrFileChanged if it is not.
func (p *Publisher) Look(ctx context.Context) error {
	p.changing.Lock()
	defer p.changing.Unlock()
	written, err := p.remembered()
	var config []byte
	if err == nil {
		config, err = p.Place.Config()
	}
	state, detail := judge(config, written)
	switch {
	case err != nil:
		state, detail = Unverified, err.Error()
	case state == FileChanged:
		detail = fmt.Sprintf("%s: %v", p.Place.config(), ErrFileChanged)
		err = fmt.Errorf("%s: %w", p.Place.config(), ErrFileChanged)
	}
	_ = p.each(ctx, func(ctx context.Context, s Server, r *retry) (Standing, error) { // what is refused is in the standing
		if state != "" {
			return Standing{Server: s.Name(), State: state, Detail: detail, LookedAt: now()}, nil
		}
		return p.follow(ctx, s, r, config)
	})
	if err == nil && state == "" {
		err = p.sweep(config)
	}
	return err
}

// judge returns how all Servers are because of the file alone. Empty: it is as it should be.
func judge(config []byte, w Written) (state State, detail string) {
	switch digest := Digest(config); {
	case w.Changing && w.knows(digest):
		return Pending, "a change was interrupted"
	case digest == w.Digest && config != nil:
		return "", ""
	case digest == "" && w == Written{}:
		return Pending, "nothing was published yet"
	default:
		return FileChanged, ""
	}
}

// follow looks at one Server and tells it to load the configuration if it runs another one, unless it was told just before.
func (p *Publisher) follow(ctx context.Context, s Server, r *retry, config []byte) (Standing, error) {
	standing := look(ctx, s, r, config)
	switch missed := r.delay > 0 && !r.told; {
	case standing.State == Unverified && missed: // nothing says whether it loaded it by itself
		return reloaded(ctx, s, r, config)
	case standing.State != NotLoaded:
		return standing, nil
	case r.told && time.Now().Before(r.at):
		return p.stillAs(standing), nil
	default:
		return reloaded(ctx, s, r, config)
	}
}

// stillAs is how a Server is that has not been told again: what it said to the last attempt says more than that it runs another
// configuration.
func (p *Publisher) stillAs(s Standing) Standing {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, before := range p.standings {
		if before.Server == s.Server && before.State == ReloadFailed {
			s.State, s.Detail = before.State, before.Detail
		}
	}
	return s
}

// Run looks after the Servers until ctx ends: every LookInterval, and sooner where one has to be told again. Seen is called after
// each look, with its error. It may be nil.
func (p *Publisher) Run(ctx context.Context, seen func(error)) {
	look := func() {
		if err := p.Look(ctx); seen != nil && ctx.Err() == nil {
			seen(err)
		}
	}
	look()
	woken, timer := p.wakes(), time.NewTimer(p.UntilNext())
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-woken: // Publish has looked at all of them
		case <-timer.C:
			look()
		}
		timer.Reset(p.UntilNext())
	}
}

// UntilNext is how long to wait until Look is due: LookInterval, or less where a Server may be told again before that.
func (p *Publisher) UntilNext() time.Duration {
	next := LookInterval
	for _, r := range p.known() {
		if wait := time.Until(r.at); wait > 0 {
			next = min(next, wait)
		}
	}
	return next
}

func (p *Publisher) wakes() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.woken == nil {
		p.woken = make(chan struct{}, 1)
	}
	return p.woken
}

// wake lets Run find out anew when it has to look.
func (p *Publisher) wake() {
	select {
	case p.wakes() <- struct{}{}:
	default:
	}
}
