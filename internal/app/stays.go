package app

import (
	"context"
	"net/http"
	"reflect"
	"sync"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
)

// A stay is a request whose answer goes on.
type stay struct {
	need    need
	request *http.Request
	id      access.Identity // who it was from when it began
}

// stays are the requests whose answers go on. The zero stays are ready.
type stays struct {
	mu  sync.Mutex // protects the following
	all map[*stay]context.CancelFunc
}

// enter returns a context that ends when s may stay no longer. The caller calls leave at the end.
func (all *stays) enter(ctx context.Context, s stay) (_ context.Context, leave func()) {
	ctx, cancel := context.WithCancel(ctx)
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.all == nil {
		all.all = map[*stay]context.CancelFunc{}
	}
	all.all[&s] = cancel
	return ctx, func() {
		cancel()
		all.mu.Lock()
		defer all.mu.Unlock()
		delete(all.all, &s)
	}
}

// judge ends the answers to those who may not stay. They may ask again.
func (all *stays) judge(c *current) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for s, end := range all.all {
		if !s.may(c) {
			end()
		}
	}
}

// may reports whether the request is still from whom it was from when it began, and he still has what it needs.
func (s *stay) may(c *current) bool {
	id, err := c.who.Identify(s.request)
	return err == nil && access.Judge(id, s.need.of(c.Config.Access)) == nil && reflect.DeepEqual(id, s.id)
}
