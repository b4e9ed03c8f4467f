package restart

import (
	"context"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Service is something that can be restarted, with the checks that say whether it is healthy. Decisions are about services.
type Service struct {
	Name   string
	Policy policy.Policy
	Checks []Check
	// Group names a group. Its members are not restarted at the same time, and not while all of them fail. Empty: no group.
	Group string
	// Environment is for people and for routing what they are told.
	Environment string
	// DependsOn are the names of services without which this one cannot be healthy.
	DependsOn []string
	// Match are the labels of the alerts that are about this service. Empty: they name one of its checks.
	Match map[string]string
	// Maintenance returns the maintenance window that is open. nil: there are no windows.
	Maintenance func(now time.Time) policy.Window
	// Unknown returns why nobody knows whether people have it in maintenance. Empty: that is known. nil: nobody can have it so.
	Unknown func() string
	// CheckInterval is the pause between two rounds of checks while nothing is wrong.
	CheckInterval time.Duration
	Backend       Backend
	// BackendDefinition identifies everything that Backend is made of, and so the unit; a changed one is looked at anew.
	// Empty: every definition of the service is about another unit.
	BackendDefinition string
	// ExecTimeout bounds the back-end's work.
	ExecTimeout time.Duration
}

// A Check is one way to see whether a service is healthy.
type Check struct {
	// Name is the URL for people, its secrets masked.
	Name string
	// Target is the URL as configured, Inventory the name of the inventory's target or empty. Alerts name the check by one of
	// them, or by Name.
	Target, Inventory string
	// Definition identifies everything that the check is made of; a changed one has to prove itself anew. Empty: that is not known
	// now, and nothing is proved by its being so.
	Definition string
	Prober     prober.Prober
	Request    prober.Request
	Timeout    time.Duration
	// Hint says what a person can do about a failure. nil: nothing is said.
	Hint func(*prober.Result) string
	// Local says that the target is on a loopback address: there is no network on the way.
	Local bool
	// Sentinels show whether the network is there by which the check goes. nil: there are none.
	Sentinels *Sentinels
}

// probe makes one round of all checks. The service is healthy if all of them are; otherwise the first failing one
// in the order of the configuration speaks for it.
func (s *Service) probe(ctx context.Context) policy.Evidence {
	return s.round(ctx).evidence
}

// An observation is what one probe of all checks showed.
type observation struct {
	evidence policy.Evidence
	hint     string // what a person can do about the failure that speaks for the service; empty: nothing, or it is healthy
}

// round is probe with a hint.
func (s *Service) round(ctx context.Context) observation {
	began := time.Now()
	results := make([]prober.Result, len(s.Checks))
	var wg sync.WaitGroup
	for i, c := range s.Checks {
		wg.Go(func() {
			results[i] = c.probe(ctx)
		})
	}
	wg.Wait()
	e, hint := policy.Evidence{Healthy: len(results) > 0}, ""
	failing, beyond, silent := 0, 0, 0
	for i := range results {
		if results[i].Success() {
			continue
		}
		one := evidence(&results[i])
		one.Local = s.Checks[i].Local
		if failing == 0 || s.Checks[i].Definition == "" { // as long as a part is not known, nothing of the service is
			e = one
			if advise := s.Checks[i].Hint; advise != nil {
				hint = advise(&results[i])
			}
		}
		failing++
		switch {
		case !s.Policy.Repairable(one):
			beyond++
		case s.Checks[i].Sentinels != nil && one.Unanswered():
			silent++
		}
	}
	e.Failing, e.Beyond, e.Silent, e.Checks, e.Took = failing, beyond, silent, len(results), time.Since(began)
	return observation{e, hint}
}

func (c *Check) probe(ctx context.Context) prober.Result {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	return c.Prober.Probe(ctx, c.Request)
}

func evidence(r *prober.Result) policy.Evidence {
	e := policy.Evidence{Reason: r.Reason, Away: r.Away}
	if h := r.HTTP; h != nil && r.Reason == prober.ReasonStatus {
		e.StatusCode, e.RetryAfter = h.StatusCode, h.RetryAfter
	}
	if w := r.WebSocket; w != nil {
		e.StatusCode, e.RetryAfter, e.CloseCode, e.TimedOut = w.StatusCode, w.RetryAfter, w.CloseCode, w.TimedOut
	}
	return e
}
