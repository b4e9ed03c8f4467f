package calendar

import "time"

// A Period is a time that a person has set for one thing. It always has an end.
type Period struct {
	// Start is the first moment, and End the first one after it.
	Start time.Time `json:"start"`
	End   time.Time `json:"until"`
	// By is who has set it.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
	// UntilHealthy says that it ends before End once the target was seen failing and then healthy for a minute.
	UntilHealthy bool `json:"until_healthy,omitempty"`
	// Within are the environments in which it holds: those of who has set it. Empty: all.
	Within []string `json:"within,omitempty"`
}

// Contains reports whether the period is under way at a time. No period contains anything if it is nil.
func (p *Period) Contains(t time.Time) bool {
	return p != nil && !t.Before(p.Start) && t.Before(p.End)
}
