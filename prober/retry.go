package prober

import (
	"context"
	"time"
)

// retrying tries a failing target again, within one deadline for all attempts.
type retrying struct {
	prober   Prober
	attempts int           // at least 1
	delay    time.Duration // between two attempts
	timeout  time.Duration // for callers without a deadline
}

// Probe returns the Result of the last attempt, with the count and the duration of all of them.
func (p *retrying) Probe(ctx context.Context, r Request) Result {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.timeout)
		defer cancel()
	}
	deadline, _ := ctx.Deadline()
	start := time.Now()

	var res Result
	for n := 1; ; n++ {
		res = p.attempt(ctx, r, p.attempts-n+1)
		res.Attempts = n
		if res.Success() || n == p.attempts || !sleep(ctx, p.delay) {
			break
		}
	}
	res.Start = start
	res.Duration = time.Since(start)
	res.Timeout = deadline.Sub(start)
	return res
}

// attempt gives one attempt its share of the time: what remains, divided by the attempts left. A panic is a bug, and
// ends this probe and nothing else.
func (p *retrying) attempt(ctx context.Context, r Request, left int) (res Result) {
	start := time.Now()
	defer func() {
		if v := recover(); v != nil {
			res = Result{Start: start}
			res.fail(failf(ReasonInternal, PhaseCheck, "probing panicked: %v", v))
		}
	}()
	if left > 1 {
		deadline, _ := ctx.Deadline()
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	return p.prober.Probe(ctx, r)
}

// sleep waits for d and reports whether there is time left afterwards. If there would be none it does not wait.
func sleep(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
