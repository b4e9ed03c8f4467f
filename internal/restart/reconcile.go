package restart

import (
	"context"
	"sync"
	"time"
)

// A reconciler starts and ends tasks, for Run.
type reconciler struct {
	controller *Controller
	running    sync.WaitGroup
	watched    map[string]task // by the name of the service
	leaving    map[string]task // no longer configured, and perhaps not at its end yet
}

// A task is a watcher at work.
type task struct {
	watcher *watcher
	start   func() // starts its goroutine
	stop    context.CancelFunc
	done    chan struct{} // closed at its end
}

// reconcile makes what is watched that of a configuration.
func (r *reconciler) reconcile(ctx context.Context, cfg Configuration) {
	c := r.controller
	c.fleet.limit(cfg.Brake)
	c.elect(ctx, cfg.Elector)
	before := r.watched
	r.watched = map[string]task{}
	var watchers []*watcher
	var starting []task // when all are known: none must act before the attempts of the others are known
	for _, s := range cfg.Services {
		t, ok := before[s.Name]
		if ok {
			t.watcher.reconfigure(s)
		} else {
			t = r.begin(ctx, s)
			starting = append(starting, t)
		}
		r.watched[s.Name] = t
		watchers = append(watchers, t.watcher)
	}
	c.choose(newSelection(cfg.Services, watchers)) // from here on no alert reaches what is no longer configured
	for _, t := range starting {
		t.start()
	}
	for name, t := range before {
		if _, ok := r.watched[name]; !ok {
			r.leaving[name] = t
			t.stop()
		}
	}
}

// begin makes a task of a service. One of the same name that is leaving finishes its attempt first: there are never two at a time.
func (r *reconciler) begin(ctx context.Context, s Service) task {
	c := r.controller
	taskCtx, stop := context.WithCancel(ctx)
	t := task{watcher: newWatcher(c, s), stop: stop, done: make(chan struct{})}
	last, leaving := r.leaving[s.Name]
	delete(r.leaving, s.Name)
	if !leaving {
		t.watcher.begin()
	}
	t.start = func() {
		r.running.Go(func() {
			defer close(t.done)
			if leaving {
				<-last.done
				t.watcher.begin()
			}
			t.watcher.run(taskCtx)
			if ctx.Err() == nil { // it alone was stopped
				c.fleet.leave(s.Name)
				c.metrics.forget(s.Name)
				c.metrics.brake(c.fleet.brakes(time.Now()))
			}
		})
	}
	return t
}
