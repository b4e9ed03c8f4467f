package ecs

import (
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// A service is the part of a service of ECS that is used here, in the words of ECS.
type service struct {
	lifecycle   string // "ACTIVE", "DRAINING" or "INACTIVE"
	controller  string // who deploys; "" and "ECS" stand for ECS itself
	strategy    string // how it does; "" and "ROLLING" replace task by task
	daemon      bool   // one task on every instance
	desired     int
	running     int
	minPercent  int // of desired that keep running during a deployment
	maxPercent  int // of desired that may run during a deployment
	deployments []deployment
}

// A deployment is a set of tasks of one service. The latest is the primary one. While it is rolled out there are others.
type deployment struct {
	id      string
	primary bool
	state   string // "COMPLETED", "FAILED" or "IN_PROGRESS"
	reason  string // of the state
	created time.Time
}

// primary returns the latest deployment, or the zero value if there is none.
func (s *service) primary() deployment {
	for _, d := range s.deployments {
		if d.primary {
			return d
		}
	}
	return deployment{}
}

// status returns the status of a service.
func (s *service) status() restart.Status {
	latest := s.primary()
	out := restart.Status{
		Identity:  latest.id,
		StartedAt: latest.created,
		Detail:    fmt.Sprintf("%d tasks wanted, %d running, deployment %s %s", s.desired, s.running, latest.id, latest.state),
	}
	if latest.reason != "" {
		out.Detail += ": " + latest.reason
	}
	if unfit, why := s.unfit(); unfit != "" {
		out.Unfit, out.Detail = unfit, why+"; "+out.Detail
	}
	out.Running = out.Unfit == "" && latest.state == "COMPLETED" && s.running >= s.desired
	return out
}

// unfit returns what speaks against a restart. That tasks do not run does not: a restart may repair it.
func (s *service) unfit() (reason restart.Unfit, why string) {
	switch {
	case s.lifecycle != "ACTIVE":
		return restart.UnfitMissing, "it is " + s.lifecycle
	case s.controller != "" && s.controller != "ECS":
		return restart.UnfitUnsuited, "it is deployed by " + s.controller + ", not by ECS"
	case s.strategy != "" && s.strategy != "ROLLING":
		return restart.UnfitUnsuited, "it is deployed " + s.strategy + ", not task by task"
	case s.desired == 0 && !s.daemon:
		return restart.UnfitStopped, "its number of tasks is set to 0"
	case len(s.deployments) != 1 || s.primary().state == "IN_PROGRESS":
		return restart.UnfitRolling, "a deployment is under way"
	case s.primary().state == "FAILED":
		return restart.UnfitLooping, "its tasks do not start"
	case !s.rollable():
		return restart.UnfitUnsuited, fmt.Sprintf("of %d tasks at least %d %% must run and at most %d %% may run, so no task can be replaced", s.desired, s.minPercent, s.maxPercent)
	default:
		return "", ""
	}
}

// rollable reports whether ECS can stop a task before it starts another, or the other way round.
func (s *service) rollable() bool {
	if s.daemon {
		return s.minPercent < 100
	}
	least := (s.desired*s.minPercent + 99) / 100
	most := s.desired * s.maxPercent / 100
	return least < most
}
