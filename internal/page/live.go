package page

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// The kinds of events that a viewer gets; docs/page.md says what is in each.
const (
	eventRow    = "row"    // of a target that has changed
	eventGone   = "gone"   // of a target that is not asked for any more
	eventSum    = "sum"    // how many targets are how
	eventSeen   = "seen"   // which targets were probed
	eventBanner = "banner" // what is over all
	eventReload = "reload" // the page was made of another inventory, or by another version, or has as many rows as it may
)

// LiveEvents are the kinds of events that a viewer gets.
func LiveEvents() []string {
	return []string{eventRow, eventGone, eventSum, eventSeen, eventBanner, eventReload}
}

// How often a viewer is told something at most, and at least.
const (
	tellEvery    = 500 * time.Millisecond // what has changed; rows of the same target in between are left out
	seenEvery    = 5 * time.Second        // when targets were probed
	commentEvery = 20 * time.Second       // anything
)

// againAfter is when somebody may come again for whom there was no room.
const againAfter = 30 * time.Second

// LiveOptions are what a Live needs. All functions may be called at the same time.
type LiveOptions struct {
	// Viewers is how many there may be at a time. 0: none.
	Viewers int

	Watched  func(viewers int)  // how many there are now
	Refused  func()             // there was no room for one
	Rendered func()             // a row was rendered
	Sent     func(event string) // to a viewer
}

// A Live tells viewers of the list what changes. Make it with NewLive.
type Live struct {
	o     LiveOptions
	scene *scene
	fresh sync.WaitGroup // of what keeps the scene fresh
	empty chan struct{}  // closed when there is no viewer and will be none

	mu      sync.Mutex // protects the following
	closed  bool
	viewers map[*viewer]context.CancelFunc
	idle    context.CancelFunc // lets the scene get old
}

// NewLive makes a Live of the list of some Pages, without viewers.
func NewLive(p *Pages, o LiveOptions) *Live {
	return &Live{o: o, scene: newScene(p, o.Rendered), empty: make(chan struct{}), viewers: map[*viewer]context.CancelFunc{}}
}

// mark is the id of the mark of a page that is made of what is so at a time, or later. It is empty where nobody is told what changes.
func (l *Live) mark(now time.Time) string {
	if l == nil || l.o.Viewers == 0 {
		return ""
	}
	l.scene.refresh(now)
	return l.scene.id(mark{l.scene.hub.Revision(), now})
}

// Close ends all streams, and returns when they have ended or ctx is done. There are no others from then on.
func (l *Live) Close(ctx context.Context) error {
	l.mu.Lock()
	if !l.closed && len(l.viewers) == 0 {
		close(l.empty)
	}
	l.closed = true
	for _, leave := range l.viewers {
		leave()
	}
	l.mu.Unlock()
	select {
	case <-l.empty:
	case <-ctx.Done():
	}
	select {
	case <-l.empty: // also where there was no time, and nobody to wait for
		l.fresh.Wait()
		return nil
	default:
		return ctx.Err()
	}
}

// join makes a viewer one of those that are there, unless there is no room. After true, leave has to be called.
func (l *Live) join(v *viewer, leave context.CancelFunc) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.viewers) >= l.o.Viewers {
		l.o.Refused()
		return false
	}
	if len(l.viewers) == 0 {
		ctx, idle := context.WithCancel(context.Background())
		l.idle = idle
		l.fresh.Go(func() { l.scene.keepFresh(ctx) })
	}
	l.viewers[v] = leave
	l.o.Watched(len(l.viewers))
	return true
}

func (l *Live) leave(v *viewer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.viewers, v)
	l.o.Watched(len(l.viewers))
	if len(l.viewers) > 0 {
		return
	}
	l.idle()
	if l.closed {
		close(l.empty)
	}
}

// Watch serves what changes of the list that a query asks for, for as long as somebody reads it.
func (p *Pages) Watch(w http.ResponseWriter, r *http.Request) {
	v, err := p.Live.newViewer(r)
	if err != nil {
		http.Error(w, printable.Text(err.Error(), printable.MaxError), http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodHead { // there is nothing to wait for
		newStream(w, p.Live.o.Sent)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if !p.Live.join(v, cancel) { //nolint:contextcheck // what it begins is for all viewers
		w.Header().Set("Retry-After", strconv.Itoa(int(againAfter.Seconds())))
		http.Error(w, fmt.Sprintf("as many browsers as may be told what changes are told it (--web.page.viewers, %d here)", p.Live.o.Viewers), http.StatusServiceUnavailable)
		return
	}
	defer p.Live.leave(v)
	s := newStream(w, p.Live.o.Sent)
	defer s.interrupt(ctx)()
	_ = p.Live.tell(ctx, v, s) // who asked is gone, or does not read, or the exporter stops
}

// Viewers is how many there may be.
func (l *Live) Viewers() int { return l.o.Viewers }
