package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"
)

// An Alert is what was told of an alert about a service.
type Alert struct {
	// Key identifies the alert by its labels. Empty: it is not known which alert it was.
	Key string `json:"key,omitempty"`
	// Resolved is true when the alert no longer fires.
	Resolved bool `json:"resolved,omitempty"`
	// StartsAt is when it began to fire, EndsAt when it was resolved, both by the clock of Prometheus. Zero: not known.
	StartsAt time.Time `json:"starts_at,omitzero"`
	EndsAt   time.Time `json:"ends_at,omitzero"`
}

// A Demand is an alert that was told as firing, and not as resolved since, or the request of an operator. While there is one, the
// service is restarted when its own probes fail and the guards agree, whatever they found before.
type Demand struct {
	Key string `json:"key,omitempty"`
	// At is when it was last told, noteEvery apart.
	At time.Time `json:"at"`
	// StartsAt is that of the Alert.
	StartsAt time.Time `json:"starts_at,omitzero"`
	// Request is who asked for it and why, where no alert did.
	Request Operator `json:"request,omitzero"`
}

// requestKey is the Key of the one demand that is a request. That of an alert has 16 digits.
const requestKey = "request"

// Request is the demand that is a request, if there is one.
func (s *State) Request() (d Demand, ok bool) {
	at := slices.IndexFunc(s.Demands, isRequest)
	if at < 0 {
		return Demand{}, false
	}
	return s.Demands[at], true
}

func isRequest(d Demand) bool { return d.Key == requestKey }

// requested takes the request of an operator. To end it the service has to be healthy from then on. A repetition changes as little
// as that of an alert.
func (s State) requested(o *Operator, now time.Time) State {
	if _, again := s.Request(); !again {
		s.Calm = 0
	}
	return s.demanded(Demand{Key: requestKey, At: now, Request: *o}, now)
}

// answered ends a request. Nobody but the service itself says that it is healthy again.
func (s State) answered(now time.Time) State {
	return s.undemanded(now, func(d *Demand) bool { return isRequest(*d) })
}

// maxDemands is how many alerts are remembered as the demands of one service. The one that was told longest ago goes first.
const maxDemands = 32

// noteEvery is how often a repeated alert is noted: each time it is noted is a write.
const noteEvery = time.Minute

// told takes what was told of an alert. Deliveries come twice, late, and in any order. In doubt the service is demanded:
// the guards judge the rest.
func (s State) told(a *Alert, now time.Time) State {
	if a.Resolved {
		return s.resolved(a, now)
	}
	return s.demanded(Demand{Key: a.Key, At: now, StartsAt: a.StartsAt.Round(0).UTC()}, now)
}

// demanded adds a demand, or notes that it was told again.
func (s State) demanded(d Demand, now time.Time) State {
	at := slices.IndexFunc(s.Demands, func(o Demand) bool { return o.Key == d.Key })
	if s.EpisodeAt.IsZero() {
		s.EpisodeAt, s.Calm = now, 0
	}
	switch {
	case at < 0:
		s.Demands = append(slices.Clone(s.Demands), d)
		if len(s.Demands) > maxDemands {
			oldest := slices.MinFunc(s.Demands, func(a, b Demand) int { return a.At.Compare(b.At) })
			s.Demands = slices.DeleteFunc(s.Demands, func(d Demand) bool { return d == oldest })
		}
	case now.Sub(s.Demands[at].At) >= noteEvery || d.StartsAt.After(s.Demands[at].StartsAt):
		s.Demands = slices.Clone(s.Demands)
		s.Demands[at] = d
	default:
		return s
	}
	if !isRequest(d) {
		s.AlertedAt, s.ResolvedAt = now, time.Time{}
	}
	return s
}

// resolved ends the demand of an alert, unless the demand began after this alert had ended. An alert whose labels are not known
// is taken for the same one.
func (s State) resolved(a *Alert, now time.Time) State {
	return s.undemanded(now, func(d *Demand) bool {
		late := !a.EndsAt.IsZero() && a.EndsAt.Before(d.StartsAt)
		return d.Key == "" || d.Key == a.Key && !late
	})
}

// lapsed ends the demands that were not told again for so long: Alertmanager may be gone, or its route.
func (s State) lapsed(now time.Time, after time.Duration) State {
	resolved := s.ResolvedAt
	s = s.undemanded(now, func(d *Demand) bool { return now.Sub(d.At) > after })
	s.ResolvedAt = resolved
	return s
}

// undemanded removes demands. The episode ends with the last of them.
func (s State) undemanded(now time.Time, ends func(*Demand) bool) State {
	if !slices.ContainsFunc(s.Demands, func(d Demand) bool { return ends(&d) }) {
		return s
	}
	s.Demands = slices.DeleteFunc(slices.Clone(s.Demands), func(d Demand) bool { return ends(&d) })
	if len(s.Demands) == 0 {
		s.Demands = nil
		if s.ResolvedAt.IsZero() {
			s.ResolvedAt = now
		}
		if s.EpisodeAt = (time.Time{}); !s.OwnDemand { // otherwise it goes on
			s = s.forget()
		}
	}
	return s
}

// upgraded is a state that was written before demands were remembered: an episode that was open then was demanded.
func (s State) upgraded() State {
	if !s.EpisodeAt.IsZero() && len(s.Demands) == 0 {
		s.Demands = []Demand{{At: s.AlertedAt}}
	}
	return s
}

// AlertKey identifies an alert by its labels.
func AlertKey(labels map[string]string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		_, _ = h.Write([]byte(name + "\x00" + labels[name] + "\x00")) // never an error
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
