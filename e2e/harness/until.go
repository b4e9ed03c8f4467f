package harness

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The time between two looks: restful times as long as one takes, between these. Tests that wait beside each other leave the processors
// to what they wait for.
const (
	shortPause = 20 * time.Millisecond
	longPause  = 200 * time.Millisecond
	restful    = 4
)

// Until calls ok again and again until it returns true or an error, ctx ends, or the time is over. Errors name the
// condition what.
func Until(ctx context.Context, limit time.Duration, what string, ok func(context.Context) (bool, error)) error {
	return poll(ctx, limit, func() (bool, error) {
		yes, err := ok(ctx)
		if err != nil {
			err = fmt.Errorf("waiting: %s: %w", what, err)
		}
		return yes, err
	}, fmt.Errorf("waited %s: %s", limit, what))
}

// Throughout calls holds again and again for the duration d, or until it fails.
func Throughout(ctx context.Context, d time.Duration, holds func(context.Context) error) error {
	return poll(ctx, d, func() (bool, error) { return false, holds(ctx) }, nil)
}

// poll calls look until it returns true or an error, or ctx ends. When the time is over it returns late.
func poll(ctx context.Context, limit time.Duration, look func() (bool, error), late error) error {
	over := time.After(limit)
	for {
		began := time.Now()
		yes, err := look()
		if yes || err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		select {
		case <-time.After(min(max(shortPause, restful*time.Since(began)), longPause)):
		case <-over:
			return late
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Every calls f at once and then at every interval, until ctx ends.
func Every(ctx context.Context, interval time.Duration, f func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for ctx.Err() == nil {
		f()
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
