package restart

import (
	"context"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Service is the unit of decision: something that can be restarted, with the checks that say whether it is healthy.
type Service struct {
	Name   string
	Policy Policy
	Checks []Check
	// CheckInterval is the pause between two rounds of checks while nothing is wrong.
	CheckInterval time.Duration
	Backend       Backend
	// ExecTimeout bounds the back-end's work.
	ExecTimeout time.Duration
}

// A Check is one way to see whether a service is healthy.
type Check struct {
	// Name is the URL for people, its secrets masked.
	Name string
	// Target is the URL as configured, by which alerts name it.
	Target string
	// Definition identifies everything that the check is made of; a changed one has to prove itself anew.
	Definition string
	Prober     prober.Prober
	Request    prober.Request
	Timeout    time.Duration
}

// probe makes one round of all checks. The service is healthy if all of them are; otherwise the first failing one
// in the order of the configuration speaks for it.
func (s *Service) probe(ctx context.Context) Evidence {
	results := make([]prober.Result, len(s.Checks))
	var wg sync.WaitGroup
	for i, c := range s.Checks {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, c.Timeout)
			defer cancel()
			results[i] = c.Prober.Probe(ctx, c.Request)
		})
	}
	wg.Wait()
	for i := range results {
		if !results[i].Success() {
			return evidence(&results[i])
		}
	}
	return Evidence{Healthy: len(results) > 0}
}

func evidence(r *prober.Result) Evidence {
	e := Evidence{Reason: r.Reason, Away: r.Away}
	if h := r.HTTP; h != nil && r.Reason == prober.ReasonStatus {
		e.StatusCode, e.RetryAfter = h.StatusCode, h.RetryAfter
	}
	if w := r.WebSocket; w != nil {
		e.StatusCode, e.RetryAfter, e.CloseCode, e.TimedOut = w.StatusCode, w.RetryAfter, w.CloseCode, w.TimedOut
	}
	return e
}

// sameChecks tells whether what made a service known to be healthy still holds for another definition of it.
func (s *Service) sameChecks(other *Service) bool {
	if len(s.Checks) != len(other.Checks) {
		return false
	}
	for i := range s.Checks {
		if s.Checks[i].Definition != other.Checks[i].Definition {
			return false
		}
	}
	return true
}
