package docker

import (
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// A container is what is needed of a container in the Engine's answer. Its environment, for example, is not read.
type container struct {
	ID           string `json:"Id"`
	Name         string // with a slash before it
	RestartCount int    // by the Engine itself, since somebody last started it
	State        struct {
		Status    string
		StartedAt time.Time
	}
	Config struct {
		Labels      map[string]string
		StopTimeout *int // in seconds
	}
}

const (
	// How long the Engine waits by default before it kills a container that does not stop.
	defaultStop = 10 * time.Second
	// What a restart may take beyond that.
	margin = 10 * time.Second
	// How long a container has to run until earlier restarts by the Engine itself no longer count.
	settled = time.Minute
)

func (c *container) stopTimeout() time.Duration {
	if c.Config.StopTimeout == nil {
		return defaultStop
	}
	return time.Duration(*c.Config.StopTimeout) * time.Second
}

func (c *container) status(now time.Time) restart.Status {
	s := restart.Status{
		Identity:  c.ID + "@" + c.State.StartedAt.UTC().Format(time.RFC3339Nano),
		Running:   c.State.Status == "running",
		Itself:    c.RestartCount > 0,
		StartedAt: c.State.StartedAt,
		Takes:     c.stopTimeout() + margin,
		Detail:    "Docker says " + c.known(),
	}
	switch age := now.Sub(c.State.StartedAt); c.State.Status {
	case "running":
		if c.RestartCount > 0 && age < settled {
			s.Unfit = restart.UnfitLooping
			s.Detail += fmt.Sprintf("; it has restarted it %d times, the last one %s ago", c.RestartCount, age.Round(time.Second))
		}
	case "paused":
		s.Unfit = restart.UnfitPaused
	case "restarting":
		s.Unfit = restart.UnfitLooping
	case "created", "exited", "dead":
		s.Unfit = restart.UnfitStopped
	default: // removing, stopping, and new ones of later Engines
		s.Unfit = restart.UnfitRolling
	}
	return s
}

// known returns the status in Docker's words, if it is one of Docker's.
func (c *container) known() string {
	switch c.State.Status {
	case "created", "running", "paused", "restarting", "removing", "exited", "dead", "stopping":
		return c.State.Status
	default:
		return "that it is in an unknown status"
	}
}
