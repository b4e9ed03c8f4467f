package policy

import "testing"

// What is about an attempt is kept apart from what somebody may cause at will.
func TestKinds(t *testing.T) {
	for name, tt := range map[string]struct {
		r    Record
		want Kind
	}{
		"restart":   {Record{Decision: Decision{Restart: true}}, KindAttempt},
		"would":     {Record{Decision: Decision{WouldRestart: true}}, KindAttempt},
		"outcome":   {Record{Decision: Decision{Outcome: OutcomeUnknown}}, KindAttempt},
		"executed":  {Record{Event: Event{Executed: &Executed{}}}, KindAttempt},
		"tried":     {Record{Event: Event{Tried: &Executed{}}}, KindAttempt},
		"suspect":   {Record{From: PhaseIdle, To: PhaseSuspect}, KindChange},
		"hold":      {Record{Decision: Decision{Hold: GuardPaused}}, KindChange},
		"pause":     {Record{Event: Event{Paused: &Pause{}}}, KindOrder},
		"resume":    {Record{Event: Event{Resumed: &Operator{}}}, KindOrder},
		"request":   {Record{Event: Event{Requested: &Operator{}}}, KindOrder},
		"unlocking": {Record{Event: Event{Unlocked: &Operator{}}, From: PhaseLockedOut, To: PhaseCooldown}, KindOrder},
	} {
		if got := tt.r.Kind(); got != tt.want {
			t.Errorf("%s is about a %s, want %s", name, got, tt.want)
		}
	}
}
