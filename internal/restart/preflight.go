package restart

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// preflight asks the back-end what it knows of the unit.
func (s *Service) preflight(ctx context.Context) (policy.Preflight, Status) {
	status, err := s.Backend.Inspect(ctx)
	f := policy.Preflight{
		Attempt: rand.Text(), Identity: status.Identity, Unfit: string(status.Unfit), StartedAt: status.StartedAt, FitAt: status.FitAt,
		Itself: status.Itself, Starting: status.Identity != "" && !status.Running,
	}
	switch {
	case err != nil:
		f.Unfit = "cannot be looked at: " + err.Error()
	case f.Unfit != "" && status.Detail != "":
		f.Unfit += ": " + status.Detail
	case f.Unfit == "":
		f.Detail = status.Detail
	}
	return f, status
}

func executedBy(attempt string, err error) policy.Executed {
	e := policy.Executed{Attempt: attempt}
	if err != nil {
		e.Error, e.Refused = err.Error(), errors.Is(err, ErrRefused)
	}
	return e
}

// definition identifies what made the service known to be healthy.
func (s *Service) definition() string {
	h := sha256.New()
	for _, c := range s.Checks {
		if c.Definition == "" {
			return ""
		}
		_, _ = h.Write([]byte(c.Definition + "\x00")) // never an error
	}
	return hex.EncodeToString(h.Sum(nil))
}
