package alerttest

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Of an Alertmanager that does not answer until the time is over, the error says why, whichever comes first: the last try or the
// end of the time.
func TestNotStarted(t *testing.T) {
	refused := fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
	for range 50 { // it was a matter of chance
		synctest.Test(t, func(t *testing.T) {
			tried := test{Options: Options{Wait: 5 * tick, Waiting: func(error) {}}}
			err := tried.started(t.Context(), func(ctx context.Context) error {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return refused
			})
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("got %v, want %v", err, refused)
			}
		})
	}
}

// What an Alertmanager answers at last counts, and not why it did not answer before.
func TestStartedAtLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []error{syscall.ECONNREFUSED, syscall.ECONNREFUSED, errors.New("401")}
		start := time.Now()
		tried := test{Options: Options{Wait: time.Minute, Waiting: func(error) {}}}
		err := tried.started(t.Context(), func(context.Context) (err error) {
			err, answers = answers[0], answers[1:]
			return err
		})
		if err == nil || err.Error() != "401" || time.Since(start) != 2*tick {
			t.Errorf("got %v after %s, want the last answer after %s", err, time.Since(start), 2*tick)
		}
	})
}
