package alerttest

import (
	"context"
	"errors"
	"net/http"
	"syscall"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// startTime is how long a server may take until it is ready. It may have been started by the line above in a script.
const startTime = 15 * time.Second

// started asks Alertmanager again and again while it seems to be starting.
func (t *test) started(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, min(t.Wait, startTime))
	defer cancel()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var why error // it does not answer yet; nil: it was not asked yet
	for {
		err := ask(ctx)
		switch {
		case err != nil && why != nil && ctx.Err() != nil: // the time was over meanwhile
			return why
		case !errors.Is(err, syscall.ECONNREFUSED) && !remote.IsStatus(err, http.StatusServiceUnavailable):
			return err
		case why == nil:
			t.Waiting(err)
		}
		why = err
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return why
		}
	}
}

// tick is the pause between two looks.
const tick = 200 * time.Millisecond

// until calls look again and again until it returns true, for at most t.Wait.
func (t *test) until(ctx context.Context, look func(context.Context) (bool, error)) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Wait)
	defer cancel()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var last error
	for {
		ok, err := look(ctx)
		if ok {
			return true, nil
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return false, last
		}
	}
}
