package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// The indicators of a Summary, from good to bad, as status pages have them.
const (
	IndicatorNone     = "none"
	IndicatorMinor    = "minor"    // a target outside the live environment is down, or one is stale
	IndicatorMajor    = "major"    // a live target is down
	IndicatorCritical = "critical" // many live targets are down
)

// live is the environment that counts most.
const live = "LIVE"

// A Summary says in a word how all targets are. Stale targets count neither as up nor as down, and neither do those in
// maintenance.
type Summary struct {
	Indicator   string `json:"indicator"`
	Description string `json:"description"`
	Targets     int    `json:"targets"`
	Up          int    `json:"up"`
	Down        int    `json:"down"`
	Stale       int    `json:"stale"`
	Unknown     int    `json:"unknown"`
	Maintenance int    `json:"maintenance"`

	live, liveDown int
}

// Summary serves a Summary of all targets.
func (t *Targets) Summary(w http.ResponseWriter, r *http.Request) {
	p := parameters{query: r.URL.Query()}
	p.only()
	if p.err != nil {
		fail(w, p.err)
		return
	}
	answer(w, t.summarize(time.Now()))
}

func (t *Targets) summarize(now time.Time) Summary {
	var s Summary
	b := t.board(now)
	for _, e := range b.inventory.Entries() {
		s.count(b.view(e), e.Environment == live, e.InMaintenance(now) || b.inventory.InMaintenance(now))
	}
	s.judge()
	return s
}

func (s *Summary) count(v status.View, isLive, maintained bool) {
	s.Targets++
	if isLive {
		s.live++
	}
	switch {
	case maintained:
		s.Maintenance++
	case v.State == status.StateUnknown:
		s.Unknown++
	case v.Stale:
		s.Stale++
	case v.State == status.StateUp:
		s.Up++
	default:
		s.Down++
		if isLive {
			s.liveDown++
		}
	}
}

// Live targets that are down are many if they are at least so many, and at least so many percent.
const (
	manyDown        = 3
	manyDownPercent = 40
)

func (s *Summary) judge() {
	switch {
	case s.liveDown >= max(manyDown, (s.live*manyDownPercent+99)/100):
		s.Indicator = IndicatorCritical
	case s.liveDown > 0:
		s.Indicator = IndicatorMajor
	case s.Down > 0, s.Stale > 0:
		s.Indicator = IndicatorMinor
	default:
		s.Indicator = IndicatorNone
	}
	switch {
	case s.Targets == 0:
		s.Description = "there are no targets"
	case s.liveDown > 0:
		s.Description = fmt.Sprintf("%d of %d %s targets are down", s.liveDown, s.live, live)
	case s.Down > 0:
		s.Description = fmt.Sprintf("%d of %d targets are down", s.Down, s.Targets)
	case s.Stale > 0:
		s.Description = fmt.Sprintf("%d of %d targets were not probed for a while", s.Stale, s.Targets)
	case s.Up == 0:
		s.Description = "no target was probed yet"
	default:
		s.Description = "all targets that are probed are up"
	}
}
