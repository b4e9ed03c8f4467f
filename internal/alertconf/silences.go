package alertconf

import (
	"context"
	"regexp"
	"slices"
	"time"
)

// A Silence is one of Alertmanager.
type Silence struct {
	ID        string           `json:"id"`
	CreatedBy string           `json:"createdBy"`
	Comment   string           `json:"comment"`
	StartsAt  time.Time        `json:"startsAt"`
	EndsAt    time.Time        `json:"endsAt"`
	Matchers  []SilenceMatcher `json:"matchers"`
	Status    struct {
		State string `json:"state"` // active, pending or expired
	} `json:"status"`
}

// A SilenceMatcher selects alerts by a label.
type SilenceMatcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	// IsEqual is false for one that selects what does not match. nil: it is true; Alertmanager has it since 0.22.
	IsEqual *bool `json:"isEqual"`
}

// Silences returns those in force.
func (c *Client) Silences(ctx context.Context) ([]Silence, error) {
	var all []Silence // those that have expired, too: they stay for days, and nothing in the query leaves them out
	if err := c.api.GetJSON(ctx, "api/v2/silences", &all); err != nil {
		return nil, err
	}
	active := slices.DeleteFunc(all, func(s Silence) bool { return s.Status.State != "active" })
	return slices.Clip(active), nil
}

// Matcher returns the same as a Matcher. The error is that of its expression.
func (m SilenceMatcher) Matcher() (Matcher, error) {
	equal := m.IsEqual == nil || *m.IsEqual
	made := Matcher{Name: m.Name, Value: m.Value, Op: Equal}
	if !m.IsRegex {
		if !equal {
			made.Op = NotEqual
		}
		return made, nil
	}
	made.Op = Match
	if !equal {
		made.Op = NotMatch
	}
	var err error
	made.expression, err = regexp.Compile("^(?:" + m.Value + ")$")
	return made, err
}
