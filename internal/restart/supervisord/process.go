package supervisord

import (
	"context"
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// The states of a process, http://supervisord.org/subprocess.html.
const (
	stopped  = 0
	starting = 10
	running  = 20
	backoff  = 30
	stopping = 40
	exited   = 100
	fatal    = 200
)

var stateNames = map[int64]string{
	stopped: "STOPPED", starting: "STARTING", running: "RUNNING", backoff: "BACKOFF", stopping: "STOPPING", exited: "EXITED", fatal: "FATAL",
}

// A process is what supervisord says about a process.
type process struct {
	name             string // with its group: group:name
	state            int64
	start, stop, now int64         // in seconds of the clock of supervisord; 0: never
	takes            time.Duration // how long it may take to stop and start; 0: not known
}

// now asks for the state of the process, without its times.
func (b *Backend) now(ctx context.Context) (process, error) {
	v, err := b.client.call(ctx, "supervisor.getProcessInfo", b.cfg.Process)
	if err != nil {
		return process{}, err
	}
	return process{
		name:  v.member("group").String + ":" + v.member("name").String,
		state: v.member("state").integer(),
		start: v.member("start").integer(), stop: v.member("stop").integer(), now: v.member("now").integer(),
	}, nil
}

// process asks for the process, and for the times in its configuration.
func (b *Backend) process(ctx context.Context) (process, error) {
	p, err := b.now(ctx)
	if err != nil {
		return process{}, err
	}
	all, err := b.client.call(ctx, "supervisor.getAllConfigInfo")
	if err != nil && !isFault(err, faultUnknownMethod) { // versions up to 2017 do not have it
		return process{}, err
	}
	for i := range all.Array {
		if c := &all.Array[i]; c.member("group").String+":"+c.member("name").String == p.name {
			p.takes = time.Duration(c.member("stopwaitsecs").integer()+c.member("startsecs").integer())*time.Second + margin
		}
	}
	return p, nil
}

// margin is what a restart may take beyond the time that the configuration of the process gives it.
const margin = 10 * time.Second

// identity changes with each start of the process. It does not change when the process ends.
func (p *process) identity() string { return fmt.Sprintf("%s@%d", p.name, p.start) }

func (p *process) status(now time.Time) restart.Status {
	s := restart.Status{
		Identity: p.identity(), Running: p.state == running, Takes: p.takes, Unfit: p.unfit(),
		Detail: "supervisord says " + p.stateName(),
	}
	if p.start > 0 { // by its clock, which may differ from ours
		s.StartedAt = now.Add(-time.Duration(max(p.now-p.start, 0)) * time.Second)
	}
	return s
}

func (p *process) stateName() string {
	if name := stateNames[p.state]; name != "" {
		return name
	}
	return fmt.Sprintf("state %d", p.state)
}

// unfit is what speaks against a restart.
func (p *process) unfit() restart.Unfit {
	switch p.state {
	case running, fatal: // it has given up on a FATAL one, so nobody else will repair that
		return ""
	case stopped, exited:
		return restart.UnfitStopped
	case backoff:
		return restart.UnfitLooping
	default: // STARTING, STOPPING and UNKNOWN
		return restart.UnfitRolling
	}
}
