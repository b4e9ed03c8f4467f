package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// settings of the exporter are shorter than its defaults, so that a play is. How it confirms, its budget, its lock-out and
// what the brake counts are the defaults. A check of a service has as long as the pause between two, which is more than by default (10 s
// of 15 s): a machine that plays several at a time needs it. The brake is on for longer than what fails in a play, as its 5 minutes are for most that fails.
const settings = `restart:
  mode: enforce
  receiver: {bearer_token: %s}
  brake: {settle: 3s, release_time: 30s}
  defaults:
    check_interval: 1s
    check_timeout: 1s
    warm_up: 2s
    arm_probes: 3
    arm_time: 2s
    start_grace: 8s
    inspect_interval: 2s
    cooldown: 8s
    cooldown_max: 30s
    verify_timeout: 12s
  services:
`

// How the alerts come: what Prometheus and Alertmanager would say, at short intervals.
const (
	scrapeInterval = 3 * time.Second
	repeatInterval = 10 * time.Second
	lookInterval   = 200 * time.Millisecond
	armTime        = time.Minute
)

// startExporter starts the exporter and waits until it may restart every service.
func (p *play) startExporter(ctx context.Context) (err error) {
	if p.exporter, err = harness.NewPair(ctx, p.lab.binaries, p.dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(p.dir, "healthcheck.yml"), []byte(p.config()), 0o600); err != nil {
		return err
	}
	if err := p.exporter.StartExporter(ctx, "healthcheck.yml"); err != nil {
		return err
	}
	return harness.Until(ctx, armTime, "every service is armed", func(ctx context.Context) (bool, error) {
		m, err := p.exporter.Metrics(ctx)
		return int(m.Sum("healthcheck_restart_armed", nil)) >= len(p.services), err
	})
}

// config is the configuration of the exporter for this play.
func (p *play) config() string {
	var targets, services strings.Builder
	for _, s := range p.services {
		fmt.Fprintf(&targets, "  - {name: %s, url: '%s', timeout: 2s, module: lab}\n", s.name, s.url)
		fmt.Fprintf(&services, "    - name: %s\n      checks: [{url: '%s', module: lab}]\n      pm2: {home: '%s', program: '%s', app: %[1]s}\n", s.name, s.url, p.home(), p.lab.pm2())
		if p.class.declare != "" {
			fmt.Fprintf(&services, "      %s\n", p.class.declare)
		}
	}
	if p.class.db == dbKnown {
		fmt.Fprintf(&targets, "  - {name: db, url: 'http://%s/', timeout: 2s}\n", p.dbOfApps)
		services.WriteString("    - {name: db, mode: observe, checks: [{target: db}], command: {argv: [/bin/false]}}\n")
	}
	trust := ""
	if p.class.front == frontTLS {
		trust = fmt.Sprintf(", http: {tls_config: {ca_file: '%s'}}", p.caFile())
	}
	return fmt.Sprintf("modules:\n  http_2xx: {prober: http}\n  lab: {prober: http%s}\ntargets:\n", trust) + targets.String() +
		fmt.Sprintf(settings, harness.Token) + services.String()
}

// sendAlerts scrapes as Prometheus does, tells the receiver as Alertmanager does, and watches what the exporter restarts.
func sendAlerts(ctx context.Context, p *play) {
	var running sync.WaitGroup
	for i := range p.services {
		running.Go(func() { p.sendAlertsOf(ctx, &p.services[i]) })
	}
	seen := map[string]int{}
	harness.Every(ctx, lookInterval, func() {
		m, err := p.exporter.Metrics(ctx)
		if err != nil {
			return // whether it is there is judged by what it repairs
		}
		for _, s := range p.services {
			n := int(m.Sum("healthcheck_restart_decisions_total", harness.Labels{"service": s.name, "decision": "restart"}))
			for ; seen[s.name] < n; seen[s.name]++ {
				p.restarted(s.name)
			}
		}
	})
	running.Wait()
}

func (p *play) sendAlertsOf(ctx context.Context, s *service) {
	const body = `{"version": "4", "status": "%[1]s", "alerts": [{"status": "%[1]s", "labels": {"alertname": "HealthcheckTargetRestart", "instance": "%[2]s"}}]}`
	firing, told := false, time.Time{}
	harness.Every(ctx, scrapeInterval, func() {
		text, err := p.exporter.Get(ctx, "/probe?name="+s.name)
		if err != nil {
			return
		}
		fails := !strings.Contains("\n"+text, "\nprobe_success 1\n")
		if fails == firing && (!firing || time.Since(told) < repeatInterval) {
			return
		}
		status := map[bool]string{true: "firing", false: "resolved"}[fails]
		code, err := p.exporter.Deliver(ctx, harness.Token, fmt.Appendf(nil, body, status, s.url))
		if err == nil && code == http.StatusOK {
			firing, told = fails, time.Now()
			p.note("told that %s is %s", s.name, status)
		}
	})
}
