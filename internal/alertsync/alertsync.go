// Package alertsync makes an Alertmanager run the channels of an exporter elsewhere: it fetches them as a bundle, renders the
// configuration, publishes it beside the Alertmanager, and tells the exporter what became of it.
package alertsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/durable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// The paths of the exporter.
const (
	bundlePath = "api/v1/alertmanager/bundle"
	resultPath = bundlePath + "/result"
)

// The times of a Syncer.
const (
	// DefaultInterval is between two questions to the exporter.
	DefaultInterval = 15 * time.Second
	// The exporter is told at this interval how Alertmanager is, also if nothing has changed: it takes one of whom it
	// has not heard for two minutes for unreachable.
	tellInterval = 30 * time.Second
	// Between firstRetry and lastRetry is the time after which a bundle that was refused is tried again. It doubles.
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
	// Run waits this long at its end for a change under way. One that is cut off is finished at the next start.
	grace = 700 * time.Millisecond
)

// An Exporter is asked for the bundle, and told what became of it.
type Exporter interface {
	Do(ctx context.Context, r remote.Request) (remote.Answer, error)
}

// Options are what a Syncer works with. All but Interval are required.
type Options struct {
	Exporter Exporter
	// Server is the Alertmanager that reads Place.
	Server alertconf.Server
	// Place has an absolute Dir.
	Place    alertconf.Place
	Interval time.Duration // between two questions to the exporter; 0: DefaultInterval
	Log      *slog.Logger
}

// A Syncer keeps one Alertmanager in step with an exporter. Make it with Open, then call Run or Once, then Close it.
type Syncer struct {
	exporter  Exporter
	interval  time.Duration
	log       *slog.Logger
	lock      *alertconf.Lock
	memory    *memory
	publisher *alertconf.Publisher
	looked    chan struct{} // Alertmanager was looked at
	ended     chan struct{} // is closed when nothing of Run is under way any more; nil: it was not called

	// Only the goroutine of follow, or that of Once, uses the following.
	etag    string           // of the last answer with a bundle
	bundle  *channels.Bundle // the newest that can be published; nil: none is known
	askAt   time.Time        // when the exporter is asked next
	dueAt   time.Time        // when the bundle is published next; zero: it is, or there is none
	delay   time.Duration    // after the last attempt to publish it
	problem *problem         // why the newest bundle is not in force; nil: it is
	told    channels.Result  // what the exporter was told last
	toldAt  time.Time
	shown   alertconf.Standing // as it was logged last
	silent  [2]string          // the errors of asking and telling, as they were logged last; empty: there was none
}

// A problem is why a bundle is not in force.
type problem struct {
	state alertconf.State
	text  string
}

// Open takes over a Place. The error is an alertconf.LockedError if somebody else writes to it.
func Open(o Options) (*Syncer, error) {
	lock, err := o.Place.Lock()
	if err != nil {
		return nil, err
	}
	m, err := openMemory(o.Place.Dir)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	return &Syncer{
		exporter: o.Exporter, interval: o.Interval, log: o.Log, lock: lock, memory: m, looked: make(chan struct{}, 1),
		publisher: &alertconf.Publisher{Place: o.Place, Servers: []alertconf.Server{o.Server}, Memory: m},
	}, nil
}

// Close lets others write to the Place.
func (s *Syncer) Close() error {
	if s.ended != nil {
		select {
		case <-s.ended:
		default: // a change is under way, until the process ends
			return nil
		}
	}
	return s.lock.Close()
}

// Run keeps Alertmanager in step until ctx ends. Without the exporter it goes on with the bundle that was published last.
func (s *Syncer) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() {
		s.finish(ctx)
		wg.Go(func() {
			s.publisher.Run(ctx, func(error) { // the error is in the standing
				select {
				case s.looked <- struct{}{}:
				default:
				}
			})
		})
		s.follow(ctx)
	})
	s.ended = make(chan struct{})
	go func() {
		wg.Wait()
		close(s.ended)
	}()
	<-ctx.Done()
	select {
	case <-s.ended:
	case <-time.After(grace):
	}
}

// Once fetches the bundle, publishes it and tells the exporter. It returns how Alertmanager is then. The error says why the bundle
// is not in force.
func (s *Syncer) Once(ctx context.Context) (alertconf.Standing, error) {
	s.finish(ctx)
	if err := s.ask(ctx); err != nil {
		return alertconf.Standing{}, fmt.Errorf("asking the exporter: %w", err)
	}
	if s.bundle != nil {
		s.publish(ctx)
	}
	s.tell(ctx)
	standing, _ := s.standing()
	if s.problem != nil {
		return standing, errors.New(s.problem.text)
	}
	return standing, nil
}

// follow does what is due until ctx ends.
func (s *Syncer) follow(ctx context.Context) {
	for ctx.Err() == nil {
		s.step(ctx)
		timer := time.NewTimer(time.Until(s.next()))
		select {
		case <-ctx.Done():
		case <-s.looked:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// step does what is due.
func (s *Syncer) step(ctx context.Context) {
	if !time.Now().Before(s.askAt) {
		s.hear(ctx, asking, s.ask(ctx))
		s.askAt = time.Now().Add(s.interval)
	}
	standing, known := s.standing()
	if known && standing.State == alertconf.FileChanged && s.bundle != nil && s.dueAt.IsZero() {
		s.dueAt = time.Now() // in case the file was moved away
	}
	if !s.dueAt.IsZero() && !time.Now().Before(s.dueAt) {
		s.publish(ctx)
	}
	s.show()
	s.tell(ctx)
}

// next is when something is due again.
func (s *Syncer) next() time.Time {
	next := s.askAt
	if !s.dueAt.IsZero() && s.dueAt.Before(next) {
		next = s.dueAt
	}
	return next
}

// ask fetches the bundle if there is a newer one. The error is that of asking; what is wrong with a bundle is a problem.
func (s *Syncer) ask(ctx context.Context) error {
	answer, err := s.exporter.Do(ctx, remote.Request{Method: "GET", Path: bundlePath, IfNoneMatch: s.etag})
	if remote.IsStatus(err, notModified) {
		return nil
	}
	if err != nil {
		return err
	}
	s.etag, s.delay, s.dueAt = answer.ETag, 0, time.Time{}
	bundle, err := decode(answer.Body)
	if err != nil {
		s.bundle = nil
		s.fail(alertconf.NotLoaded, err.Error())
		return nil
	}
	s.bundle, s.dueAt = bundle, time.Now()
	return nil
}

const notModified = 304

// publish makes Alertmanager run the bundle. If that fails, what was there before stays, and it is tried again later.
func (s *Syncer) publish(ctx context.Context) {
	b := s.bundle
	config, err := alertconf.Render([]byte(b.Base), b.Channels, alertconf.Rendering{
		Base: b.BaseFile, Revision: b.Revision, Secrets: s.publisher.Place.Secrets(),
		HasSecret: func(channel string) bool { return b.Secrets[channel] != "" },
	})
	if err == nil {
		err = s.publisher.Publish(ctx, alertconf.Update{Config: config, Secrets: secretsOf(b)})
	}
	if err == nil {
		err = s.memory.setRevision(b.Revision)
	}
	if err == nil {
		s.problem, s.delay, s.dueAt = nil, 0, time.Time{}
		s.log.Info("Published", "revision", b.Revision, "channels", len(b.Channels))
		return
	}
	state, longest := alertconf.NotLoaded, alertconf.LookInterval
	if _, refused := errors.AsType[*alertconf.RefusedError](err); refused {
		state, longest = alertconf.ReloadFailed, lastRetry // each attempt makes Alertmanager load two configurations
	} else if errors.Is(err, alertconf.ErrFileChanged) {
		state = alertconf.FileChanged
		err = fmt.Errorf("%w: move it away, and it is written anew", err)
	}
	s.delay = min(max(2*s.delay, firstRetry), longest)
	s.dueAt = time.Now().Add(s.delay)
	s.fail(state, withoutSecrets(err.Error(), b))
}

// fail notes why the newest bundle is not in force, and logs it once.
func (s *Syncer) fail(state alertconf.State, text string) {
	text = printable.Line(text, printable.MaxError)
	if s.problem == nil || s.problem.text != text {
		s.log.Error("The newest channels are not in force: those before them stay", "err", text, "revision", s.memory.revision())
	}
	s.problem = &problem{state, text}
}

// The files of a Place.
const (
	configFile   = "alertmanager.yml"
	previousFile = configFile + ".previous"
)

// finish ends a change that was cut off, before anything else is done: nobody knows whether Alertmanager takes what is in the
// file. Unless it runs that already, the configuration before it is the one in force again, and the bundle is published anew.
func (s *Syncer) finish(ctx context.Context) {
	written, err := s.memory.Written()
	if err != nil || !written.Changing {
		return
	}
	err = s.goBack(ctx, written)
	var config []byte
	if err == nil {
		config, err = s.publisher.Place.Config()
	}
	if err == nil && config != nil {
		err = s.publisher.Publish(ctx, alertconf.Update{Config: config})
	}
	if err != nil {
		s.log.Error("Ending a change that was interrupted failed", "err", printable.Line(err.Error(), printable.MaxError))
		return
	}
	s.log.Info("Ended a change that was interrupted")
}

// goBack makes the file the one before a change, unless Alertmanager runs what the change has written.
func (s *Syncer) goBack(ctx context.Context, written alertconf.Written) error {
	place := s.publisher.Place
	config, err := place.Config()
	if err != nil || alertconf.Digest(config) != written.Digest {
		return err
	}
	hash, known, err := s.publisher.Servers[0].Loaded(ctx)
	if err == nil && known && hash == alertconf.LoadedHash(config) {
		if written.Before == written.Digest { // it may have been about secrets alone
			return nil
		}
		return s.memory.SetWritten(alertconf.Written{Digest: written.Digest}) // it was made, and its secrets stay
	}
	if written.Before == "" {
		return errors.Join(os.Remove(filepath.Join(place.Dir, configFile)), durable.SyncDir(place.Dir))
	}
	before, err := os.ReadFile(filepath.Join(place.Dir, previousFile))
	if err != nil || alertconf.Digest(before) != written.Before {
		return err
	}
	return durable.Replace(filepath.Join(place.Dir, configFile), before, cmp.Or(place.Mode, 0o600))
}
