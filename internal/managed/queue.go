package managed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// A queue are the edits that wait. Whoever comes first leads: it makes all those that wait at that moment, in one transaction.
type queue struct {
	// turn is held by who leads, and by who opens or closes the file.
	turn chan struct{}

	mu      sync.Mutex // protects the following; never held while something is written
	waiting []*request
}

// A request is one edit that waits.
type request struct {
	// judge makes the edit on a working copy, or leaves that as it is and returns why.
	judge func(w *work) error
	done  chan struct{} // closed once the following are known

	err      error
	changed  bool // the working copy
	warnings []string
}

func (q *queue) add(r *request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, r)
}

// take returns all that wait.
func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.waiting
	q.waiting = nil
	return all
}

// withdraw removes a request that nobody has taken, and reports whether that succeeded.
func (q *queue) withdraw(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, r)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// submit makes one edit. If ctx ends before its turn, it is not made, and the error says so. Once its turn has come, the answer
// is what became of it, however ctx ends.
func (r *Registry) submit(ctx context.Context, judge func(w *work) error) (warnings []string, err error) {
	req := &request{judge: judge, done: make(chan struct{})}
	if err := ctx.Err(); err != nil {
		return nil, withdrawn(err)
	}
	r.queue.add(req)
	select {
	case r.queue.turn <- struct{}{}:
		r.lead()
		<-req.done // by us, or by who led before
	case <-req.done:
	case <-ctx.Done():
		if r.queue.withdraw(req) {
			return nil, withdrawn(ctx.Err())
		}
		<-req.done
	}
	return req.warnings, req.err
}

// errWithdrawn says that an edit was not made, since whoever asked for it did not wait.
var errWithdrawn = errors.New("this one was not made")

func withdrawn(err error) error {
	return fmt.Errorf("waiting for other changes: %w: %w", err, errWithdrawn)
}

// errPanic is for those who were led by one that did not come to its end.
var errPanic = errors.New("a mistake of the exporter, see its log")

// lead makes all edits that wait, and gives up the turn, which the caller has. A panic goes on in the caller alone.
func (r *Registry) lead() {
	defer func() { <-r.queue.turn }()
	batch := r.queue.take()
	fail := func(err error) {
		for _, req := range batch {
			req.err = &StoreError{Err: err}
		}
	}
	ended := false
	defer func() {
		if !ended {
			fail(errPanic)
		}
		for _, req := range batch {
			close(req.done)
		}
	}()
	r.makeAll(batch, fail)
	ended = true
}

// makeAll makes edits in one transaction, or lets them fail.
func (r *Registry) makeAll(batch []*request, fail func(error)) {
	if len(batch) == 0 {
		return
	}
	if err := r.unusable(); err != nil {
		fail(err)
		return
	}
	w := newWork(r, r.state())
	for _, req := range batch {
		before := len(w.entries)
		req.err = req.judge(w)
		req.changed = len(w.entries) > before
	}
	if !w.unsaved() {
		return
	}
	w.Audited = r.trail.audited
	w.saves[keyMeta] = Encode(w.meta)
	if err := r.file.SaveAll(w.saves); err != nil {
		r.saved(err)
		fail(err)
		return
	}
	r.saved(nil)
	r.published.Store(w.state())
	if r.options.Edited != nil {
		r.options.Edited(w.entries)
	}
	if err := r.trail.write(w.entries, w.Revision); err != nil {
		r.options.Log.Error("A change is kept and could not be audited", "err", err)
		for _, req := range batch {
			if req.changed {
				req.warnings = append(req.warnings, "the change is kept, and could not be written to the audit log")
			}
		}
	}
	r.metrics.changed(w.entries)
	if w.targetsChanged() {
		r.options.Changed()
	}
}

// errNotOpen is why nothing can be kept before Open, and after Close.
var errNotOpen = errors.New("the file of what people edit is not open")
