package main

import (
	"context"
	"time"
)

// A class is a kind of incident.
type class struct {
	name, help string
	services   []string // that fail
	repairable bool     // by a restart of each
	from       time.Duration
	window     time.Duration // how long it is watched at most
	forgiven   int           // restarts of the exporter that are wrong, and which it cannot know to be

	declare string // what the exporter knows of each service: lines of YAML
	db      database
	front   string // what stands before the services: frozen, tls or nothing
	incident
}

// An incident happens. It returns when nothing more will happen by itself.
type incident func(ctx context.Context, p *play) error

// A database is what the exporter knows of the database that the services need.
type database int

const (
	dbNone    database = iota // they need none
	dbUnknown                 // nothing
	dbKnown                   // it is a service of its own
)

// How long things last.
const (
	slowStart  = "5s"
	brief      = 2900 * time.Millisecond // 3 s after the first check that fails the exporter looks for the last time: 3 s would be a toss-up
	dbOutage   = 15 * time.Second
	blindness  = 20 * time.Second
	goneAfter  = 10 * time.Second // the cause of a crash loop is gone
	rolledBack = 25 * time.Second
	normal     = 45 * time.Second
)

func classes() []class {
	one, two := []string{"app"}, []string{"app-1", "app-2"}
	five := []string{"app-1", "app-2", "app-3", "app-4", "app-5"}
	return []class{
		{name: "crash", help: "the process dies; PM2 starts it again", services: one, window: normal, incident: kill},
		{name: "hang", help: "it accepts and never answers", services: one, repairable: true, window: normal, incident: mode("hang")},
		{name: "500-good", help: "it answers 500 until it is restarted", services: one, repairable: true, window: normal, incident: mode("500")},
		{name: "leak", help: "it becomes slower until no answer comes in time", services: one, repairable: true, window: time.Minute, incident: all(mode("leak"), wait(15*time.Second))},
		{name: "hang-slow", help: "it hangs, and needs 5 s to start", services: one, repairable: true, window: 80 * time.Second, incident: all(set(fileSlow, slowStart), mode("hang"))},
		{
			name: "errored", help: "a crash loop until PM2 gives up; its cause is gone after 10 s", services: one, repairable: true, from: goneAfter, window: time.Minute,
			forgiven: 1, // the start grace is shorter than the cause lasts
			incident: all(set(fileBad, "1"), kill, wait(goneAfter), remove(fileBad)),
		},
		{name: "500-3s", help: "it answers 500 for nearly 3 s", services: one, window: 30 * time.Second, incident: all(mode("500"), wait(brief), remove(fileMode))},
		{name: "404", help: "the path of the health check has moved", services: one, window: 30 * time.Second, incident: all(set(fileSticky, "1"), mode("404"))},
		{name: "slow-start", help: "a person restarts what needs 5 s to start", services: one, window: normal, incident: all(set(fileSlow, slowStart), order("restart"))},
		{
			name: "crashloop", help: "a bad deploy crashes at each start; a person rolls back after 25 s", services: one, window: normal,
			forgiven: 1, // it may have been a crash like another
			incident: all(set(fileBad, "1"), kill, wait(rolledBack), remove(fileBad), order("restart")),
		},
		{name: "dep-declared", help: "the database of two is down for 15 s; depends_on says so", services: two, window: normal, db: dbKnown, declare: "depends_on: [db]", incident: dbDown(dbOutage)},
		{name: "dep-group", help: "the same, the two are a group", services: two, window: normal, db: dbKnown, declare: "group: web", incident: dbDown(dbOutage)},
		{name: "dep-undeclared", help: "the same, the database is watched and nothing more is known", services: two, window: normal, db: dbKnown, incident: dbDown(dbOutage)},
		{name: "dep-two", help: "the database of two is down for 20 s, and the exporter does not know it", services: two, window: normal, db: dbUnknown, incident: dbDown(blindness)},
		{name: "all-blind", help: "what stands before five services is frozen for 20 s", services: five, window: normal, front: frontFrozen, incident: breakFront(blindness)},
		{name: "flap", help: "it answers 500 for 1 s of every 3 s", services: one, window: 30 * time.Second, incident: all(set(fileSticky, "1"), mode("flap"))},
		{name: "stopped", help: "a person stops it for 20 s", services: one, window: normal, incident: all(order("stop"), wait(blindness), order("start"))},
		{name: "deploy", help: "a deploy: stopped, 6 s later started, and 3 s until it listens", services: one, window: normal, incident: all(order("stop"), wait(6*time.Second), set(fileSlow, "3s"), order("start"))},
		{name: "tls", help: "its certificate is expired for 20 s", services: one, window: normal, front: frontTLS, incident: breakFront(blindness)},
	}
}

// all is one incident after the other.
func all(steps ...incident) incident {
	return func(ctx context.Context, p *play) error {
		for _, step := range steps {
			if err := step(ctx, p); err != nil {
				return err
			}
		}
		return nil
	}
}

func wait(d time.Duration) incident {
	return func(ctx context.Context, _ *play) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// set writes a file of every app.
func set(file, text string) incident {
	return func(_ context.Context, p *play) error {
		return p.each(func(s *service) error { return s.write(file, text) })
	}
}

func mode(text string) incident { return set(fileMode, text) }

func remove(file string) incident {
	return func(_ context.Context, p *play) error {
		return p.each(func(s *service) error { return s.remove(file) })
	}
}

func kill(_ context.Context, p *play) error { return p.each((*service).kill) }

// order is what a person tells PM2.
func order(what string) incident {
	return func(ctx context.Context, p *play) error {
		return p.each(func(s *service) error { return p.pm2(ctx, what, s.name) })
	}
}

func dbDown(d time.Duration) incident {
	return func(ctx context.Context, p *play) error {
		p.db.down.Store(true)
		defer p.db.down.Store(false)
		return wait(d)(ctx, p)
	}
}

func breakFront(d time.Duration) incident {
	return func(ctx context.Context, p *play) error {
		p.front.broken.Store(true)
		defer p.front.broken.Store(false)
		return wait(d)(ctx, p)
	}
}
