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

// AlertmanagerOptions say which Alertmanager to run, and how.
type AlertmanagerOptions struct {
	Program string
	// Dir is for its own files, Config the file that it reads.
	Dir, Config string
	// Hosts are lines as in /etc/hosts that it sees instead of those of this machine, and CA is a file with the certificates that
	// it trusts. Both are empty, or neither is; they need root and unshare, and a file for Hosts is written to Dir.
	Hosts, CA string
}

// StartAlertmanager runs an Alertmanager. Call Stop unless there is an error.
func StartAlertmanager(ctx context.Context, o AlertmanagerOptions) (*Alertmanager, error) {
	a, err := NewAlertmanager(ctx, o)
	if err == nil {
		err = a.Start(ctx)
	}
	return a, err
}

// NewAlertmanager chooses the address of an Alertmanager. Start starts it.
func NewAlertmanager(ctx context.Context, o AlertmanagerOptions) (*Alertmanager, error) {
	a := &Alertmanager{dir: o.Dir}
	var err error
	if a.Address, err = FreeAddress(ctx); err != nil {
		return nil, err
	}
	var argv []string
	if o.Hosts != "" {
		hosts := filepath.Join(o.Dir, "hosts")
		if err := write(hosts, o.Hosts); err != nil {
			return nil, err
		}
		// The mount is seen by this process alone, and ends with it.
		argv = []string{"unshare", "--mount", "sh", "-c", `mount --bind "$0" /etc/hosts && SSL_CERT_FILE="$1" && export SSL_CERT_FILE && shift && exec "$@"`, hosts, o.CA}
	}
	a.server = server{"alertmanager-" + filepath.Base(o.Program), a.Address, append(argv,
		o.Program, "--config.file="+o.Config, "--storage.path="+filepath.Join(o.Dir, "alertmanager"), "--cluster.listen-address=",
		"--web.external-url=http://"+a.Address, "--log.level=debug",
	)}
	return a, nil
}

// Start starts it, also again after Stop.
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

// Stop ends it, if it was started, and waits until it has ended.
func (a *Alertmanager) Stop() {
	if a.process != nil {
		a.process.Stop()
	}
}

// Log returns the end of its log.
func (a *Alertmanager) Log() string {
	if a.process == nil {
		return "it was not started"
	}
	return tail(a.process.log)
}

// Output is its whole log.
func (a *Alertmanager) Output() (string, error) {
	text, err := os.ReadFile(a.process.log)
	return string(text), err
}

// URL is where it is.
func (a *Alertmanager) URL() string { return "http://" + a.Address }

// Post sends alerts as Prometheus does.
func (a *Alertmanager) Post(ctx context.Context, alerts ...Alert) error {
	return postAlerts(ctx, a.Address, alerts)
}

// Debian is the Alertmanager that the suite runs otherwise.
func (b *Binaries) Debian() string { return b.alertmanager }

// Newest is the Alertmanager that tools/alertconf pins. It is built when it is first asked for.
func (b *Binaries) Newest(ctx context.Context) (string, error) {
	b.newest.Do(func() {
		b.newestProgram = filepath.Join(filepath.Dir(b.exporter), "newest")
		b.newestErr = b.buildNewest(ctx, b.newestProgram)
	})
	return b.newestProgram, b.newestErr
}

// buildNewest builds it. What comes with the module lacks its web page, which is built with Node; a placeholder is enough here.
func (b *Binaries) buildNewest(ctx context.Context, program string) error {
	list := exec.CommandContext(ctx, "go", "mod", "download", "-json", "github.com/prometheus/alertmanager")
	list.Dir = b.Shipped("tools", "alertconf")
	if _, err := output(list); err != nil {
		return err
	}
	where := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}} {{.Version}}", "github.com/prometheus/alertmanager")
	where.Dir = list.Dir
	said, err := output(where)
	if err != nil {
		return err
	}
	module, version, _ := strings.Cut(said, " ")
	source := program + "-source"
	if err := os.CopyFS(source, os.DirFS(module)); err != nil {
		return err
	}
	if err := write(filepath.Join(source, "ui", "app", "dist", "index.html"), "<!doctype html>\n"); err != nil {
		return err
	}
	build := Aside(ctx, "go", "build", "-trimpath", "-mod=readonly", "-ldflags=-X github.com/prometheus/common/version.Version="+strings.TrimPrefix(version, "v"), "-o", program, "./cmd/alertmanager")
	build.Dir = source
	if _, err := output(build); err != nil {
		return fmt.Errorf("building %s: %w", module, err)
	}
	return nil
}

// Original is the configuration that it runs, as it shows it.
func (a *Alertmanager) Original(ctx context.Context) (string, error) {
	var status struct{ Config struct{ Original string } }
	err := getJSON(ctx, a.URL()+"/api/v2/status", &status)
	return status.Config.Original, err
}

// Hash is that of the configuration that it runs: the metric alertmanager_config_hash.
func (a *Alertmanager) Hash(ctx context.Context) (float64, error) {
	m, err := scrape(ctx, a.URL()+"/metrics")
	return m.Sum("alertmanager_config_hash", nil), err
}

// Reload makes it read its configuration.
func (a *Alertmanager) Reload(ctx context.Context) error { return post(ctx, a.URL()+"/-/reload") }
