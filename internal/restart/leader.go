package restart

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// An Elector says which of several exporters with the same services may act.
type Elector interface {
	// Key identifies the election: that of another configuration with the same Key is the same election.
	Key() string
	// Run takes part in the election until ctx is done, and then gives up what it holds.
	Run(ctx context.Context, log *slog.Logger)
	// Standing is what the election says of this exporter. It may be asked before, while and after Run.
	Standing(now time.Time) policy.Leadership
}

// An election is one that this exporter takes part in.
type election struct {
	elector Elector
	stop    context.CancelFunc
	done    chan struct{} // closed when what was held is given up
}

// elect takes part in the election of a configuration, and no longer in that of the one before. None: nil.
func (c *Controller) elect(ctx context.Context, e Elector) {
	before := c.election.Load()
	if e != nil && before != nil && e.Key() == before.elector.Key() {
		return
	}
	var next *election
	if e != nil {
		ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the last attempt
		next = &election{elector: e, stop: stop, done: make(chan struct{})}
		go func() {
			defer close(next.done)
			e.Run(ctx, c.log)
		}()
	}
	c.election.Store(next) // at once: the new one allows nothing before it has been won
	before.end()
}

// end gives up what is held, and waits for that.
func (e *election) end() {
	if e == nil {
		return
	}
	e.stop()
	<-e.done
}

// leadership is whether this exporter may act.
func (c *Controller) leadership(now time.Time) policy.Leadership {
	if e := c.election.Load(); e != nil {
		return e.elector.Standing(now)
	}
	return policy.Leadership{}
}

// leader is the metric of whether this exporter may act.
func (c *Controller) leader() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "leader",
		Help: "Whether this exporter may act: it holds the lease, or there is no election.",
	}, func() float64 { return boolean(c.leadership(time.Now()).Standby == "") })
}
