package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// token is the bearer token of Alertmanager.
const token = "not-a-real-token"

// A siege is everything around one exporter.
type siege struct {
	*options
	dir      string
	targets  *targets
	app      *app
	exporter *exporter
	score    *score
	began    time.Time
}

// prepare builds and starts all programs.
func prepare(ctx context.Context, o *options) (s *siege, err error) {
	s = &siege{options: o, score: newScore()}
	if s.dir, err = os.MkdirTemp("", "healthcheck-siege-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	build := exec.CommandContext(ctx, "go", "build", "-o", s.dir+string(filepath.Separator), ".", "./e2e/demoapp", "./e2e/restarter")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building (from the root of the repository): %w\n%s", err, out)
	}
	if s.targets, err = serveTargets(ctx); err != nil {
		return nil, err
	}
	if s.app, err = startApp(ctx, s.path("demoapp")); err != nil {
		return nil, err
	}
	s.targets.restart = s.app.restart
	if err := s.write(); err != nil {
		return nil, err
	}
	s.exporter, err = startExporter(ctx, s)
	return s, err
}

func (s *siege) path(name string) string { return filepath.Join(s.dir, name) }

// write writes the configuration and the files that it names.
func (s *siege) write() error {
	var b strings.Builder
	b.WriteString(`modules:
  http_2xx: {prober: http, timeout: 4s}
  tls: {prober: http, timeout: 5s, http: {tls_config: {insecure_skip_verify: true}}}
  size: {prober: http, timeout: 10s, http: {fail_if_body_json_not_matches_cel: size(body) > 3}}
  time: {prober: http, timeout: 10s, http: {fail_if_body_json_not_matches_cel: timestamp(body.t) > timestamp('2020-01-01T00:00:00Z')}}
targets:
`)
	for i := range s.healthy {
		fmt.Fprintf(&b, "  - {name: healthy-%d, url: '%s/ok/%d', environment: LIVE, interval: %s}\n", i, s.targets.plain, i, scrapeInterval)
	}
	fmt.Fprintf(&b, `  - {name: app, url: '%s/health', environment: LIVE, interval: %s, timeout: 1s}
target_files: ['%s/lists/*']
target_apis:
  - {name: hostile, url: '%s/sd', format: http_sd, interval: 2s}
restart:
  mode: enforce
  receiver: {bearer_token_file: '%[3]s/token'}
  defaults:
    {check_interval: 1s, check_timeout: 2s, warm_up: 1s, start_grace: 1s, arm_probes: 3, arm_time: 2s, confirm_probes: 2, confirm_interval: 1s,
    cooldown: 5m, verify_probes: 2, verify_timeout: 30s}
  services:
    - {name: app, checks: [{target: app}], command: {argv: ['%[3]s/restarter', '%[4]s/restart']}}
    - {name: spare, checks: [{url: '%[4]s/ok/spare'}], command: {argv: [/bin/true]}}
`, s.app.url, outageInterval, s.dir, s.targets.plain)
	lists := s.path("lists")
	return errors.Join(
		os.WriteFile(s.path("token"), []byte(token), 0o600), os.Mkdir(lists, 0o700),
		os.WriteFile(filepath.Join(lists, "hanging.yml"), hangingTargets(s.targets.plain), 0o600),
		os.WriteFile(s.path("healthcheck.yml"), []byte(b.String()), 0o600),
	)
}

// hangingTargets returns a list of targets that accept connections and never answer, for /probe/all.
func hangingTargets(base string) []byte {
	const many = 900
	var b strings.Builder
	for i := range many {
		fmt.Fprintf(&b, "- {name: hanging-%d, url: '%s/hang/%d', environment: DEV}\n", i, base, i)
	}
	return []byte(b.String())
}

// hold keeps everything going until the time is over or the exporter has ended.
func (s *siege) hold(ctx context.Context, chosen []attack) {
	ctx, cancel := context.WithTimeout(ctx, s.duration)
	defer cancel()
	go func() {
		select {
		case <-s.exporter.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	s.began = time.Now()
	var all sync.WaitGroup
	all.Go(func() { s.scrape(ctx) })
	all.Go(func() { s.watch(ctx) })
	all.Go(func() { s.outage(ctx) })
	for i, a := range chosen {
		all.Go(func() { s.attack(ctx, i, a) })
	}
	<-ctx.Done()
	s.score.lasted = time.Since(s.began)
	all.Wait()
}

// close stops everything and removes its files.
func (s *siege) close() {
	if s.exporter != nil {
		s.exporter.stop()
	}
	if s.app != nil {
		s.app.kill()
	}
	if s.targets != nil {
		s.targets.close()
	}
	_ = os.RemoveAll(s.dir) // the system removes what is left
}
