package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// An Alertmanager runs alone, with a configuration that a test writes.
type Alertmanager struct {
	// Address is where it listens, host and port.
	Address string

	server  server
	dir     string
	process *process
}

// StartAlertmanager runs a program that is an Alertmanager, with that configuration and its other files in dir. Call Stop unless
// there is an error.
func StartAlertmanager(ctx context.Context, program, dir, config string) (*Alertmanager, error) {
	a := &Alertmanager{dir: dir}
	var err error
	if a.Address, err = FreeAddress(ctx); err != nil {
		return nil, err
	}
	a.server = server{"alertmanager-" + filepath.Base(program), a.Address, []string{
		program, "--config.file=" + config, "--storage.path=" + filepath.Join(dir, "alertmanager"), "--cluster.listen-address=",
		"--web.external-url=http://" + a.Address,
	}}
	return a, a.Start(ctx)
}

// Start starts it again after Stop.
func (a *Alertmanager) Start(ctx context.Context) error {
	var err error
	if a.process, err = a.server.start(ctx, a.dir); err != nil {
		return err
	}
	if err := a.process.ready(ctx, a.Address); err != nil {
		a.process.Stop()
		return err
	}
	return nil
}

// Stop ends it and waits until it has ended.
func (a *Alertmanager) Stop() { a.process.Stop() }

// Log returns the end of its log.
func (a *Alertmanager) Log() string { return tail(a.process.log) }

// URL is where it is.
func (a *Alertmanager) URL() string { return "http://" + a.Address }

// Post sends alerts as Prometheus does.
func (a *Alertmanager) Post(ctx context.Context, alerts ...Alert) error {
	return postAlerts(ctx, a.Address, alerts)
}

// Debian is the Alertmanager that the suite runs otherwise.
func (b *Binaries) Debian() string { return b.alertmanager }

// Newest builds the Alertmanager that tools/alertconf pins. What comes with the module lacks its web page, which is built with
// Node; a placeholder is enough here.
func (b *Binaries) Newest(ctx context.Context, dir string) (string, error) {
	list := exec.CommandContext(ctx, "go", "mod", "download", "-json", "github.com/prometheus/alertmanager")
	list.Dir = b.Shipped("tools", "alertconf")
	if _, err := output(list); err != nil {
		return "", err
	}
	where := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}} {{.Version}}", "github.com/prometheus/alertmanager")
	where.Dir = list.Dir
	said, err := output(where)
	if err != nil {
		return "", err
	}
	module, version, _ := strings.Cut(said, " ")
	source, program := filepath.Join(dir, "source"), filepath.Join(dir, "newest")
	if err := os.CopyFS(source, os.DirFS(module)); err != nil {
		return "", err
	}
	if err := write(filepath.Join(source, "ui", "app", "dist", "index.html"), "<!doctype html>\n"); err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-ldflags=-X github.com/prometheus/common/version.Version="+strings.TrimPrefix(version, "v"), "-o", program, "./cmd/alertmanager")
	build.Dir = source
	if _, err := output(build); err != nil {
		return "", fmt.Errorf("building %s: %w", module, err)
	}
	return program, nil
}

// Original is the configuration that it runs, as it shows it.
func (a *Alertmanager) Original(ctx context.Context) (string, error) {
	var status struct{ Config struct{ Original string } }
	err := getJSON(ctx, a.URL()+"/api/v2/status", &status)
	return status.Config.Original, err
}
