package swarm

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// A service is the part of a service that is used here, as the engine has it.
type service struct {
	ID      string `json:"ID"`
	Version struct {
		Index uint64 `json:"Index"`
	} `json:"Version"`
	CreatedAt    time.Time     `json:"CreatedAt"`
	UpdatedAt    time.Time     `json:"UpdatedAt"` // by anybody, in any way
	Spec         specification `json:"Spec"`
	PreviousSpec specification `json:"PreviousSpec"` // nil: it was never updated
	UpdateStatus update        `json:"UpdateStatus"`
}

// A specification is the wanted state of a service. It is sent back as it came.
type specification json.RawMessage

// UnmarshalJSON implements json.Unmarshaler.
func (s *specification) UnmarshalJSON(b []byte) error {
	if string(b) != "null" {
		*s = bytes.Clone(b)
	}
	return nil
}

// An update is the latest update of a service. Zero: none has begun since the specification was last changed.
type update struct {
	State       string    `json:"State"`
	StartedAt   time.Time `json:"StartedAt"`
	CompletedAt time.Time `json:"CompletedAt"`
	Message     string    `json:"Message"`
}

func (s specification) name() string {
	var named struct {
		Name string `json:"Name"`
	}
	_ = json.Unmarshal(s, &named) // after an error it has no name
	return named.Name
}

// mode returns how many tasks are wanted, and the name of the mode.
func (s specification) mode() (replicas uint64, name string) {
	var modes struct {
		Mode struct {
			Replicated *struct {
				Replicas *uint64 `json:"Replicas"`
			} `json:"Replicated"`
			Global *struct{} `json:"Global"`
		} `json:"Mode"`
	}
	_ = json.Unmarshal(s, &modes) // after an error it has no mode
	switch m := modes.Mode; {
	case m.Global != nil:
		return 1, "global"
	case m.Replicated == nil:
		return 0, "job"
	case m.Replicated.Replicas == nil:
		return 1, "replicated"
	default:
		return *m.Replicated.Replicas, "replicated"
	}
}

// identity changes with everything that makes the swarm replace the tasks. Their number is not part of it.
func (s *service) identity() string {
	var spec struct {
		TaskTemplate map[string]any `json:"TaskTemplate"`
	}
	if json.Unmarshal(s.Spec, &spec) != nil || s.ID == "" {
		return ""
	}
	text, err := json.Marshal(spec.TaskTemplate) // in the order of the keys
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return s.ID + " " + hex.EncodeToString(sum[:8])
}

// status returns the status of a service.
func (s *service) status() restart.Status {
	replicas, mode := s.Spec.mode()
	state := s.UpdateStatus.State
	out := restart.Status{
		Identity: s.identity(),
		// An update without a state has not begun yet, unless there never was one.
		Running:   state == "completed" || state == "rollback_completed" || state == "" && s.PreviousSpec == nil,
		Detail:    fmt.Sprintf("%s, %d wanted, version %d", mode, replicas, s.Version.Index),
		StartedAt: s.CreatedAt,
	}
	if state != "" {
		out.Detail += fmt.Sprintf(", update %s: %s", state, s.UpdateStatus.Message)
	}
	changes := []time.Time{s.UpdateStatus.StartedAt, s.UpdateStatus.CompletedAt}
	if state == "" && s.PreviousSpec != nil { // somebody has scaled it, or an update is about to begin
		changes = append(changes, s.UpdatedAt)
	}
	for _, t := range changes {
		if t.After(out.StartedAt) {
			out.StartedAt = t
		}
	}
	switch {
	case mode == "job":
		out.Unfit = restart.UnfitUnsuited
	case state == "updating", state == "rollback_started":
		out.Unfit = restart.UnfitRolling
	case state == "paused", state == "rollback_paused":
		out.Unfit = restart.UnfitPaused
	case replicas == 0:
		out.Unfit = restart.UnfitStopped
	}
	return out
}
