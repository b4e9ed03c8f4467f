package board

import (
	"fmt"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// The indicators of a Summary, from good to bad, as status pages have them.
const (
	IndicatorNone     = "none"
	IndicatorMinor    = "minor"    // a target outside the live environment is down, or one is stale
	IndicatorMajor    = "major"    // a live target is down
	IndicatorCritical = "critical" // many live targets are down
)

// Live is the environment that counts most.
const Live = "LIVE"

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

// Summary sums up all targets.
func (b *Board) Summary() Summary {
	var s Summary
	for _, e := range b.Inventory.Entries() {
		t := b.Target(e)
		s.Count(&t)
	}
	s.Judge()
	return s
}

// Count adds a target.
func (s *Summary) Count(t *Target) {
	isLive := t.Environment == Live
	s.Targets++
	if isLive {
		s.live++
	}
	switch {
	case t.Quiet.InMaintenance:
		s.Maintenance++
	case t.State == status.StateUnknown:
		s.Unknown++
	case t.Stale:
		s.Stale++
	case t.State == status.StateUp:
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

// Judge sets the indicator and the description, once all targets are counted.
func (s *Summary) Judge() {
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
		s.Description = fmt.Sprintf("%d of %d %s targets are down", s.liveDown, s.live, Live)
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
