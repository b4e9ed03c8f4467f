package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// An actor is what repairs the services of a play.
type actor struct {
	name, help string
	act        func(ctx context.Context, p *play)
}

// The names of the actors.
const (
	actorExporter = "exporter"
	actorCron     = "cron"
	actorThree    = "three"
)

func actors() []actor {
	return []actor{
		{actorExporter, "healthcheck_exporter with its PM2 back-end, default guards, and shorter times", sendAlerts},
		{actorCron, "curl --max-time 2 || { pm2 restart; sleep 1; }, again and again, 4 s apart", cron},
		{actorThree, "every 1 s: a probe of 2 s; pm2 restart after three failures in a row", three},
	}
}

// How the others ask and repair.
const (
	askTime    = 2 * time.Second
	cronPeriod = 4 * time.Second
	cronPause  = time.Second
	threeTime  = time.Second
	threeFails = 3
)

// cron is the script that the exporter replaces. It handles one service after the other, and begins again some time after its end:
// begun at each period it would disturb its own restarts.
func cron(ctx context.Context, p *play) {
	for ctx.Err() == nil {
		for i := range p.services {
			if s := &p.services[i]; !p.healthy(ctx, s.url) && ctx.Err() == nil {
				p.restart(ctx, s)
				_ = wait(cronPause)(ctx, p) // an error: the play is over
			}
		}
		_ = wait(cronPeriod)(ctx, p)
	}
}

// three is the rule of most watchers of containers, which watch each one by itself.
func three(ctx context.Context, p *play) {
	var running sync.WaitGroup
	for i := range p.services {
		running.Go(func() {
			failures := 0
			harness.Every(ctx, threeTime, func() {
				failures++
				if p.healthy(ctx, p.services[i].url) {
					failures = 0
				}
				if failures == threeFails && ctx.Err() == nil {
					failures = 0
					p.restart(ctx, &p.services[i])
				}
			})
		})
	}
	running.Wait()
}

// restart is a restart by another actor than the exporter.
func (p *play) restart(ctx context.Context, s *service) {
	p.restarted(s.name)
	if err := p.pm2(ctx, "restart", s.name); err != nil && ctx.Err() == nil {
		p.note("%s", err)
	}
}

// healthy asks as curl -f does.
func (p *play) healthy(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := p.client.Do(r)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode < http.StatusBadRequest
}
