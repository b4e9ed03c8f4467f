package app

import (
	"context"
	"net/http"
	"sync"
)

// A gate lets probes in until it is closed, and knows when the last one has left. Make it with newGate.
type gate struct {
	mu      sync.Mutex // protects the following
	inside  int        // those who entered and have not left
	closing bool
	empty   chan struct{} // closed when nobody is inside and nobody may enter
}

func newGate() *gate { return &gate{empty: make(chan struct{})} }

// enter reports whether a probe may begin. After true, leave must be called once.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.closing && g.inside == 0 {
		close(g.empty)
	}
}

// close lets nobody in any more and waits for those inside. It reports whether all left within ctx.
func (g *gate) close(ctx context.Context) bool {
	g.mu.Lock()
	if !g.closing {
		g.closing = true
		if g.inside == 0 {
			close(g.empty)
		}
	}
	g.mu.Unlock()
	select {
	case <-g.empty:
		return true
	case <-ctx.Done():
		return false
	}
}

// guard serves h to whom the gate lets in.
func (g *gate) guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.enter() {
			http.Error(w, "the exporter is stopping", http.StatusServiceUnavailable)
			return
		}
		defer g.leave()
		h.ServeHTTP(w, r)
	})
}
