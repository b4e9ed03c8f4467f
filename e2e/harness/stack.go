// Package harness runs the whole chain on this machine: a demo app, the exporter that probes and restarts it, Prometheus,
// Alertmanager, and a fake Slack. Everything listens on 127.0.0.1, writes below one directory, and ends with Stop.
package harness

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
)

const (
	startTime  = time.Minute // until one program listens, on a busy machine
	settleTime = time.Minute // until everything is seen to be healthy, likewise
)

// Options say what to run.
type Options struct {
	Binaries *Binaries
	Dir      string // of all files
	Apps     []AppSpec
	Timing   Timing // zero: the timing of tests
	GroupBy  string // labels by which critical alerts are grouped in addition
	Restart  string // more lines of YAML for the restart section, indented by 2
	Operator bool   // somebody may mute and maintain; see Operate
}

// A Stack is everything that runs.
type Stack struct {
	Slack *fakeslack.Server
	Tap   *Tap
	Apps  []*App

	bin        *Binaries
	dir        string
	timing     Timing
	groupBy    string
	restart    string
	operator   bool
	supervisor *supervisor
	processes  []*process // in the order of their start

	exporter, prometheus, alertmanager string // host and port
}

// Start starts everything and waits until it is ready. Call Stop unless there is an error. A Stack also ends with ctx.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{bin: o.Binaries, dir: o.Dir, timing: o.Timing.orSuite(), groupBy: o.GroupBy, restart: o.Restart, operator: o.Operator}
	if err := s.start(ctx, o.Apps); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context, apps []AppSpec) error {
	var err error
	for _, address := range []*string{&s.exporter, &s.prometheus, &s.alertmanager} {
		if *address, err = FreeAddress(ctx); err != nil {
			return err
		}
	}
	if s.Slack, err = fakeslack.Start(ctx); err != nil {
		return err
	}
	if s.Tap, err = startTap(ctx, s.exporter); err != nil {
		return err
	}
	if s.supervisor, err = startSupervisor(ctx); err != nil {
		return err
	}
	for _, spec := range apps {
		app, err := s.supervisor.add(ctx, s.dir, s.bin.app, spec)
		if err != nil {
			return err
		}
		s.Apps = append(s.Apps, app)
	}
	if err := s.writeFiles(); err != nil {
		return err
	}
	return s.startServers(ctx)
}

// A server is a program that listens.
type server struct {
	name, address string
	argv          []string
}

func (s *Stack) startServers(ctx context.Context) error {
	servers := []server{
		s.exporterServer(),
		s.bin.alertmanagerServer(s.dir, s.alertmanager),
		s.prometheusServer(),
	}
	for _, server := range servers {
		p, err := server.start(ctx, s.dir)
		if err != nil {
			return err
		}
		s.processes = append(s.processes, p)
	}
	for i, server := range servers {
		if err := s.processes[i].ready(ctx, server.address); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) exporterServer() server {
	return server{"exporter", s.exporter, []string{s.bin.exporter, "--config.file=" + s.path("healthcheck.yml"), "--storage.path=" + s.path("restarts")}}
}

func (s *Stack) prometheusServer() server {
	argv := []string{
		s.bin.prometheus, "--config.file=" + s.path("prometheus.yml"),
		"--storage.tsdb.path=" + s.path("prometheus"), "--web.external-url=" + s.PrometheusURL(),
	}
	if s.timing.Resend > 0 {
		argv = append(argv, "--rules.alert.resend-delay="+duration(s.timing.Resend))
	}
	return server{"prometheus", s.prometheus, argv}
}

// KillExporter kills the exporter without a warning and waits until it has ended.
func (s *Stack) KillExporter() { s.processes[0].Kill() }

// RestartExporter starts the exporter again and waits until it is ready.
func (s *Stack) RestartExporter(ctx context.Context) error {
	server := s.exporterServer()
	p, err := server.start(ctx, s.dir)
	if err != nil {
		return err
	}
	s.processes[0] = p
	return p.ready(ctx, server.address)
}

func (v *server) start(ctx context.Context, dir string) (*process, error) {
	return start(ctx, dir, v.name, append(v.argv, "--web.listen-address="+v.address)...)
}

// alertmanagerServer describes an Alertmanager with the files in dir.
func (b *Binaries) alertmanagerServer(dir, address string) server {
	return server{"alertmanager", address, []string{
		b.alertmanager, "--config.file=" + filepath.Join(dir, "alertmanager.yml"),
		"--storage.path=" + filepath.Join(dir, "alertmanager"), "--cluster.listen-address=", "--web.external-url=http://" + address,
	}}
}

// Stop ends everything and waits until it has ended.
func (s *Stack) Stop() error {
	var err error
	for _, p := range slices.Backward(s.processes) {
		p.Stop()
	}
	if s.supervisor != nil {
		err = errors.Join(err, s.supervisor.Close())
	}
	if s.Tap != nil {
		err = errors.Join(err, s.Tap.Close())
	}
	if s.Slack != nil {
		err = errors.Join(err, s.Slack.Close())
	}
	return err
}

// App returns the app of that name.
func (s *Stack) App(name string) *App {
	s.supervisor.mu.Lock()
	defer s.supervisor.mu.Unlock()
	return s.supervisor.apps[name]
}

// Logs returns the ends of the logs of the servers.
func (s *Stack) Logs() string {
	var b strings.Builder
	for _, p := range s.processes {
		fmt.Fprintf(&b, "==== %s\n%s", p.name, tail(p.log))
	}
	return b.String()
}

// ExporterURL is the URL of the exporter.
func (s *Stack) ExporterURL() string { return "http://" + s.exporter }

// PrometheusURL is the URL of Prometheus.
func (s *Stack) PrometheusURL() string { return "http://" + s.prometheus }

// AlertmanagerURL is the URL of Alertmanager.
func (s *Stack) AlertmanagerURL() string { return "http://" + s.alertmanager }

// ClientFile has the credentials of the restart receiver, for the commands that ask the exporter.
func (s *Stack) ClientFile() string { return s.path("client.yml") }

// Told returns the messages to Slack about targets that are down or have recovered.
func (s *Stack) Told() []fakeslack.Message {
	return slices.DeleteFunc(s.Slack.Messages(), func(m fakeslack.Message) bool {
		title := m.Attachments[0].Title
		return !strings.Contains(title, "DOWN") && !strings.Contains(title, "RECOVERED")
	})
}

// Active returns the alerts of that name in Alertmanager, by their label target.
func (s *Stack) Active(ctx context.Context, alertname string) (map[string]bool, error) {
	var all []struct{ Labels map[string]string }
	if err := getJSON(ctx, s.AlertmanagerURL()+"/api/v2/alerts", &all); err != nil {
		return nil, err
	}
	targets := map[string]bool{}
	for _, a := range all {
		if a.Labels["alertname"] == alertname {
			targets[a.Labels["target"]] = true
		}
	}
	return targets, nil
}

// Metrics are the exporter's own.
func (s *Stack) Metrics(ctx context.Context) (Metrics, error) {
	return scrape(ctx, s.ExporterURL()+"/metrics")
}

// AwaitArmed waits until Prometheus has seen that the app is healthy, and the exporter would restart it.
func (s *Stack) AwaitArmed(ctx context.Context, app *App) error {
	err := Until(ctx, settleTime, app.Name+" is armed", func(ctx context.Context) (bool, error) {
		m, err := s.Metrics(ctx)
		if err != nil {
			return false, err
		}
		return m.Sum("healthcheck_restart_armed", Labels{"service": app.Name}) == 1, nil
	})
	if err != nil {
		return err
	}
	return Until(ctx, settleTime, "Prometheus sees "+app.Name+" healthy", func(ctx context.Context) (bool, error) {
		n, err := s.query(ctx, fmt.Sprintf("probe_success{instance=%q} == 1", app.Target))
		return n > 0, err
	})
}

// query sends a query to Prometheus and counts the series of the answer.
func (s *Stack) query(ctx context.Context, query string) (int, error) {
	series, err := Query(ctx, s.PrometheusURL(), query)
	return len(series), err
}
