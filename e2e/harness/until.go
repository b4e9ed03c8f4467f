package harness

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pause is the time between two looks at something that is awaited.
const pause = 20 * time.Millisecond

// Until looks again and again until ok says yes, it fails, or ctx or the time is over; what says what is awaited.
func Until(ctx context.Context, limit time.Duration, what string, ok func(context.Context) (bool, error)) error {
	return poll(ctx, limit, func() (bool, error) {
		yes, err := ok(ctx)
		if err != nil {
			err = fmt.Errorf("waiting: %s: %w", what, err)
		}
		return yes, err
	}, fmt.Errorf("waited %s in vain: %s", limit, what))
}

// Throughout looks again and again for that long, until holds fails.
func Throughout(ctx context.Context, d time.Duration, holds func(context.Context) error) error {
	return poll(ctx, d, func() (bool, error) { return false, holds(ctx) }, nil)
}

// poll calls look until it says yes, it fails or ctx is over. When the time is over it returns late.
func poll(ctx context.Context, limit time.Duration, look func() (bool, error), late error) error {
	over := time.After(limit)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		yes, err := look()
		if yes || err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		select {
		case <-tick.C:
		case <-over:
			return late
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Every calls f now and then at every interval, until ctx is over.
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
