package status

import (
	"cmp"
	"container/heap"
	"context"
	"hash/fnv"
	"sync"
	"time"
)

// A Subject is a target that is to be probed at an interval.
type Subject struct {
	Name     string
	Interval time.Duration
}

// longestFirst is after how long, at most, a target is probed that was never probed.
const longestFirst = 10 * time.Second

// How many probes are under way at a time, and how many of them may be of targets that are slow: there is room left for others,
// which so need not wait for those that hang.
const (
	DefaultAtOnce = 1200
	quickShare    = 6 // one over this is for quick targets alone
	slowAfter     = time.Second
)

// A SelfProber probes the targets that nobody else does. Fill in its fields, give it Subjects, and Run it.
type SelfProber struct {
	// Last is when the last probe of a target by anybody began, how long it took, and whether it was one of this SelfProber's.
	Last func(name string) (at time.Time, took time.Duration, own bool)
	// Probe probes a target. When it returns, Last knows.
	Probe func(ctx context.Context, name string)
	// Late is told by how much a probe began later than it should have.
	Late func(time.Duration)
	// AtOnce is how many probes may be under way at a time. 0: DefaultAtOnce.
	AtOnce int

	mu      sync.Mutex // protects the following
	given   []Subject  // those that Run has not seen yet
	changed chan struct{}
	once    sync.Once
}

// A turn is when a target may have to be probed.
type turn struct {
	Subject
	given   time.Time // when it was given to us
	due     time.Time // when to look at it
	wanted  time.Time // when it should be probed; earlier than due where it had to wait
	began   time.Time // when we last probed it; zero: never
	index   int       // in the queue; -1: it is being probed
	gone    bool      // forget it once its probe has ended
	probing bool
}

// Give replaces the targets. It may be called at any time.
func (p *SelfProber) Give(all []Subject) {
	p.mu.Lock()
	p.given = all
	p.mu.Unlock()
	select {
	case p.wake() <- struct{}{}:
	default:
	}
}

func (p *SelfProber) wake() chan struct{} {
	p.once.Do(func() { p.changed = make(chan struct{}, 1) })
	return p.changed
}

// Run probes until ctx is done, and returns when the last probe has ended.
func (p *SelfProber) Run(ctx context.Context) {
	r := &round{SelfProber: p, turns: map[string]*turn{}, ended: make(chan *turn)}
	atOnce := cmp.Or(p.AtOnce, DefaultAtOnce)
	r.room, r.slowRoom = atOnce, max(atOnce-atOnce/quickShare, 1)
	timer := time.NewTimer(0)
	defer timer.Stop()
	defer func() {
		for ; r.running > 0; r.running-- {
			<-r.ended
		}
	}()
	for {
		timer.Reset(r.pause())
		select {
		case <-p.wake():
			r.take()
		case t := <-r.ended:
			r.running--
			r.again(t)
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		r.begin(ctx)
	}
}

// A round is the state of Run.
type round struct {
	*SelfProber
	turns          map[string]*turn
	queue          queue
	ended          chan *turn
	running        int
	room, slowRoom int
}

// take takes over the targets that were given. What is known of when one is due stays.
func (r *round) take() {
	r.mu.Lock()
	all := r.given
	r.mu.Unlock()
	now := time.Now()
	wanted := make(map[string]bool, len(all))
	for _, s := range all {
		wanted[s.Name] = true
		t := r.turns[s.Name]
		if t == nil {
			t = &turn{given: now, index: -1}
			r.turns[s.Name] = t
		}
		same := t.Subject == s && t.index >= 0
		t.Subject, t.gone = s, false
		if !same && !t.probing {
			r.again(t)
		}
	}
	for name, t := range r.turns {
		if !wanted[name] {
			r.drop(t)
		}
	}
}

// drop forgets a target. One that is being probed is kept until that has ended: if it is given again meanwhile, it must not be
// probed a second time.
func (r *round) drop(t *turn) {
	t.gone = true
	if t.probing {
		return
	}
	if t.index >= 0 {
		heap.Remove(&r.queue, t.index)
	}
	delete(r.turns, t.Name)
}

// again puts a target into the queue by when it is due.
func (r *round) again(t *turn) {
	t.probing = false
	if t.gone {
		r.drop(t)
		return
	}
	t.wanted = r.due(t, time.Now())
	t.due = t.wanted
	if t.index >= 0 {
		heap.Fix(&r.queue, t.index)
	} else {
		heap.Push(&r.queue, t)
	}
}

// due is when a target is to be probed: in its slot of each interval, once the exporter does so, and otherwise when nobody has done so for two
// intervals. Targets are spread over half an interval, always in the same way. So they are when they are new here, whatever is
// remembered of them. The result counts from now by the monotonic clock: what waits does not care if the other one is set.
func (r *round) due(t *turn, now time.Time) (due time.Time) {
	at, _, own := r.Last(t.Name)
	age := now.Sub(at)
	remembered := !at.IsZero() && age >= -t.Interval // or else the clock was set back, and that time says nothing
	switch {
	case remembered && own && !t.began.IsZero():
		return t.slot(t.began.Add(t.Interval / 2))
	case remembered && own: // before the exporter was started
		due = now.Add(t.Interval - age)
	case remembered:
		due = now.Add(2*t.Interval + spread(t.Name, t.Interval/2) - age)
	}
	if !remembered || at.Before(t.given) {
		first := min(t.Interval, longestFirst)
		due = latest(due, t.given.Add(first/2+spread(t.Name, first/2)))
	}
	if t.began.IsZero() {
		return due
	}
	return latest(due, t.slot(t.began.Add(t.Interval/2))) // we did, and it may have said nothing about the target
}

// slot is the first time from then on that is the target's own: one in each interval, spread over all of it. The first probes come
// sooner, and so close together.
func (t *turn) slot(from time.Time) time.Time {
	first := t.given.Add(spread(t.Name, t.Interval))
	n := (from.Sub(first) + t.Interval - 1) / t.Interval // rounded up
	return first.Add(max(n, 0) * t.Interval)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// spread is a part of a time that is always the same for a name.
func spread(name string, over time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))                           // a hash takes everything
	return time.Duration(h.Sum64() % uint64(max(over, 1))) //nolint:gosec // it is less than over
}

// pause is how long there is nothing to do.
func (r *round) pause() time.Duration {
	const long = time.Hour
	if len(r.queue) == 0 || r.running >= r.room {
		return long
	}
	return max(time.Until(r.queue[0].due), 0)
}

// begin begins the probes that are due, as far as there is room. A slow target that finds none waits for an end, and lets the
// others pass.
func (r *round) begin(ctx context.Context) {
	now := time.Now()
	var waiting []*turn
	for len(r.queue) > 0 && r.running < r.room && !r.queue[0].due.After(now) {
		t := heap.Pop(&r.queue).(*turn) //nolint:forcetypeassert // there is nothing else in it
		if due := r.due(t, now); due.After(now) {
			t.due, t.wanted = due, due // somebody has probed it meanwhile
			heap.Push(&r.queue, t)
			continue
		}
		if _, took, _ := r.Last(t.Name); took > slowAfter && r.running >= r.slowRoom {
			waiting = append(waiting, t)
			continue
		}
		r.Late(now.Sub(t.wanted))
		t.probing, t.began = true, now
		r.running++
		name := t.Name // take may change the rest of t meanwhile
		go func() {
			r.Probe(ctx, name)
			r.ended <- t
		}()
	}
	for _, t := range waiting {
		t.due = now.Add(slowAfter / 10)
		heap.Push(&r.queue, t)
	}
}

// A queue has the turn first that is due first.
type queue []*turn

// Len implements heap.Interface.
func (q queue) Len() int { return len(q) }

// Less implements heap.Interface.
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }

// Swap implements heap.Interface.
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	t := x.(*turn) //nolint:forcetypeassert // there is nothing else in it
	t.index = len(*q)
	*q = append(*q, t)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last], *q = nil, (*q)[:last]
	t.index = -1
	return t
}
