package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// How the observer looks.
const (
	observeInterval = 200 * time.Millisecond
	startTime       = 40 * time.Second
	calm            = 10 * time.Second // healthy for so long after all has happened, a play is over
)

// A play is one incident, and one who repairs it.
type play struct {
	*setting
	lab      *lab
	dir      string
	services []service
	exporter *harness.Pair // of the exporter's plays
	db       db
	dbOfApps string // its address, if they need one
	front    front
	client   *http.Client
	began    time.Time // the incident

	mu       sync.Mutex // protects the following
	restarts []restart
	log      strings.Builder
}

// A restart is one by the actor.
type restart struct {
	service string
	at      time.Duration // since the incident
}

// play makes one play.
func (l *lab) play(ctx context.Context, s *setting) (r result, err error) {
	dir, err := os.MkdirTemp(l.dir, "play-")
	if err != nil {
		return r, err
	}
	p := &play{setting: s, lab: l, dir: dir, client: client}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() { err = errors.Join(err, p.end(context.WithoutCancel(ctx), err)) }()
	if err := p.start(ctx); err != nil {
		return r, err
	}
	const apart = 1100 * time.Millisecond // so that those who look now and then do not do so at the same moment of each incident
	lead := time.Duration(s.n) * apart
	p.began = time.Now().Add(lead)
	var running sync.WaitGroup
	running.Go(func() { s.actor.act(ctx, p) })
	var problem error
	over := make(chan struct{})
	running.Go(func() {
		defer close(over)
		problem = all(wait(lead), s.class.incident)(ctx, p)
	})
	last := p.observe(ctx, over)
	cancel()
	running.Wait()
	if problem != nil && !errors.Is(problem, context.Canceled) {
		return r, problem
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return judge(s, p.restarts, last), nil
}

// start starts everything, and waits until all are well.
func (p *play) start(ctx context.Context) (err error) {
	if p.class.db != dbNone {
		if p.dbOfApps, err = p.db.serve(ctx); err != nil {
			return err
		}
	}
	if p.class.front == frontTLS {
		pool, err := p.front.certify(p.caFile())
		if err != nil {
			return err
		}
		p.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}}}
	}
	for _, name := range p.class.services {
		s := service{name: name, dir: filepath.Join(p.dir, name)}
		if s.address, err = harness.FreeAddress(ctx); err != nil {
			return err
		}
		if err := p.locate(ctx, &s); err != nil {
			return err
		}
		p.services = append(p.services, s)
		if err := errors.Join(os.Mkdir(s.dir, 0o700), p.startApp(ctx, &s)); err != nil {
			return err
		}
	}
	err = harness.Until(ctx, startTime, "every app is well", func(ctx context.Context) (bool, error) { return p.allHealthy(ctx), nil })
	if err != nil || p.actor.name != actorExporter {
		return err
	}
	return p.startExporter(ctx)
}

// locate finds out where the service is asked.
func (p *play) locate(ctx context.Context, s *service) error {
	scheme, address := "http", s.address
	if p.class.front != "" {
		var err error
		if address, err = p.front.before(context.WithoutCancel(ctx), s.address); err != nil {
			return err
		}
	}
	if p.class.front == frontTLS {
		scheme = "https"
	}
	s.url = scheme + "://" + address + "/"
	return nil
}

func (p *play) caFile() string { return filepath.Join(p.dir, "ca.pem") }

// end stops everything. What a play says that has failed is kept in any case.
func (p *play) end(ctx context.Context, failed error) error {
	text := p.log.String()
	if p.exporter != nil {
		p.exporter.Stop()
		text += p.exporter.Log()
	}
	err := p.endPM2(ctx)
	p.front.close()
	err = errors.Join(err, p.db.server.Close())
	if p.lab.keep != "" {
		name := filepath.Join(p.lab.keep, fmt.Sprintf("%s-%s-%d", p.class.name, p.actor.name, p.n))
		err = errors.Join(err, os.MkdirAll(p.lab.keep, 0o700), os.WriteFile(name+".log", []byte(text), 0o600))
		if audit, readErr := os.ReadFile(filepath.Join(p.dir, "restarts", "audit.jsonl")); readErr == nil {
			err = errors.Join(err, os.WriteFile(name+".jsonl", audit, 0o600))
		}
	} else if failed != nil {
		err = errors.Join(err, errors.New(text))
	}
	return err
}

// observe looks at all services until the play is over. It returns when the last failure was seen, or -1 where not all were
// well for long at the end.
func (p *play) observe(ctx context.Context, over <-chan struct{}) (last time.Duration) {
	ctx, cancel := context.WithDeadline(ctx, p.began.Add(p.class.window))
	defer cancel()
	healthySince := time.Duration(0) // since the incident
	was := true
	harness.Every(ctx, observeInterval, func() {
		at := time.Since(p.began)
		well := p.allHealthy(ctx)
		if ctx.Err() != nil {
			return // it was not asked to the end
		}
		if well != was {
			p.note("all are well: %t", well)
		}
		if !well || !was && well {
			healthySince = at
		}
		was = well
		select {
		case <-over:
			if well && time.Since(p.began)-max(healthySince, p.class.from) > calm {
				cancel()
			}
		default:
		}
	})
	const few = 5 * observeInterval
	if !was || time.Since(p.began)-healthySince < few {
		return -1
	}
	return healthySince
}

func (p *play) allHealthy(ctx context.Context) bool {
	for i := range p.services {
		if !p.healthy(ctx, p.services[i].url) {
			return false
		}
	}
	return true
}

// each does something with every service at a time.
func (p *play) each(do func(*service) error) error {
	errs := make([]error, len(p.services))
	var running sync.WaitGroup
	for i := range p.services {
		running.Go(func() { errs[i] = do(&p.services[i]) })
	}
	running.Wait()
	return errors.Join(errs...)
}

func (p *play) restarted(service string) {
	p.note("restart of %s", service)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restarts = append(p.restarts, restart{service, time.Since(p.began)})
}

func (p *play) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(&p.log, "%6.1f %s\n", time.Since(p.began).Seconds(), fmt.Sprintf(format, args...))
}
