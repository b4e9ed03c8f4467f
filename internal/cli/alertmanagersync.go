package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertsync"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/logging"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/permission"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// syncCommand is the name of the command, and of the client.
const syncCommand = "alertmanager-sync"

// syncOptions are the arguments of the alertmanager-sync command.
type syncOptions struct {
	Exporter     exporterOptions
	Alertmanager exporterOptions
	Dir, SeenAs  string
	FileMode     string
	Interval     time.Duration
	Once         bool

	logLevel, logFormat string
}

func addAlertmanagerSync(p *program) {
	var o syncOptions
	c := p.Command(syncCommand, "Run beside an Alertmanager on another machine and make it run the channels of an exporter: fetch them, write the configuration, have Alertmanager load it, and tell the exporter. "+
		"What Alertmanager refuses is taken back; while the exporter is away the last channels stay. Needs a user of role sync. "+
		"Exit status with --once: 0 Alertmanager runs the channels, 1 it refused them or something failed, 2 usage.")
	connectionFlags(c, &o.Exporter)
	c.Flag("dir", "Directory from which Alertmanager reads its configuration: alertmanager.yml and the secrets of channels are written there.").Required().StringVar(&o.Dir)
	c.Flag("seen-as", "Path of --dir for Alertmanager, which may run in a container. Default: the same.").StringVar(&o.SeenAs)
	c.Flag("file-mode", "Mode of the files: 0600, or 0640 if Alertmanager reads them as the group of --dir.").Default("0600").EnumVar(&o.FileMode, "0600", "0640")
	c.Flag("alertmanager.url", "URL of Alertmanager.").Default("http://localhost:9093").StringVar(&o.Alertmanager.URL)
	c.Flag("alertmanager.http.config.file", "File with authentication and TLS for Alertmanager.").StringVar(&o.Alertmanager.ClientFile)
	c.Flag("interval", "How often to ask the exporter for newer channels.").Default(alertsync.DefaultInterval.String()).DurationVar(&o.Interval)
	c.Flag("once", "Do it once and exit.").BoolVar(&o.Once)
	c.Flag("log.level", "Least severe level to log: debug, info, warn or error.").Default("info").EnumVar(&o.logLevel, "debug", "info", "warn", "error")
	c.Flag("log.format", "Log format: logfmt or json.").Default("logfmt").EnumVar(&o.logFormat, "logfmt", "json")
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return syncAlertmanager(ctx, out, errOut, o) })
}

// syncAlertmanager keeps an Alertmanager in step with an exporter until ctx ends. Logs go to errOut. It returns the exit status.
func syncAlertmanager(ctx context.Context, out, errOut io.Writer, o syncOptions) int {
	log, err := o.logger(errOut)
	if err == nil {
		err = o.finish(log)
	}
	if err != nil {
		complain(errOut, err)
		return ExitUsage
	}
	exporter, alertmanager, err := o.connect()
	if err != nil {
		complain(errOut, err)
		return ExitUsage
	}
	defer exporter.Close()
	defer alertmanager.Close()
	s, err := alertsync.Open(alertsync.Options{
		Exporter: exporter, Server: alertconf.NewHTTPServer(alertmanager.String(), alertmanager),
		Place: o.place(), Interval: o.Interval, Log: log.With("component", syncCommand),
	})
	if _, locked := errors.AsType[*alertconf.LockedError](err); locked {
		err = fmt.Errorf("another %s, or an exporter, writes to %q: each needs a directory of its own", syncCommand, o.Dir)
	}
	if err != nil {
		complain(errOut, err)
		return ExitUsage
	}
	status := ExitSuccess
	if o.Once {
		status = syncOnce(ctx, out, errOut, s)
	} else {
		log.Info("Starting alertmanager-sync", "exporter", exporter.String(), "alertmanager", alertmanager.String(), "path", o.Dir)
		s.Run(ctx)
		log.Info("Stopped")
	}
	if err := s.Close(); err != nil {
		complain(errOut, err)
	}
	return status
}

// syncOnce writes in one line what became of the channels. It returns the exit status.
func syncOnce(ctx context.Context, out, errOut io.Writer, s *alertsync.Syncer) int {
	standing, err := s.Once(ctx)
	switch {
	case ctx.Err() != nil:
		err = errors.New("interrupted")
	case err != nil:
	case standing.State == alertconf.InSync, standing.State == alertconf.Unverified: // it said that it has loaded them
		say(out, "%s", stood(standing))
		return ExitSuccess
	default:
		err = errors.New(stood(standing))
	}
	say(errOut, "%v", err)
	return ExitFailed
}

// stood is how Alertmanager was, in one line.
func stood(s alertconf.Standing) string {
	text := s.Server + ": " + string(s.State)
	if s.Detail != "" {
		text += ": " + s.Detail
	}
	return text
}

// place is where the configuration is written.
func (o *syncOptions) place() alertconf.Place {
	modes := map[string]fs.FileMode{"0600": 0o600, "0640": 0o640}
	return alertconf.Place{Dir: o.Dir, SeenAs: o.SeenAs, Mode: modes[o.FileMode]}
}

func (o *syncOptions) logger(w io.Writer) (*slog.Logger, error) {
	level, err := logging.ParseLevel(o.logLevel)
	if err != nil {
		return nil, err
	}
	format, err := logging.ParseFormat(o.logFormat)
	if err != nil {
		return nil, err
	}
	return logging.New(logging.Options{Level: level, Format: format, Writer: w}), nil
}

// finish checks the flags, and what they name.
func (o *syncOptions) finish(log *slog.Logger) error {
	switch u, err := url.Parse(o.Exporter.URL); {
	case o.Interval < time.Second:
		return fmt.Errorf("--interval is %s, want 1s or more", o.Interval)
	case o.SeenAs != "" && !strings.HasPrefix(o.SeenAs, "/") && !filepath.IsAbs(o.SeenAs):
		return fmt.Errorf("--seen-as is %q, want an absolute path: that of --dir for Alertmanager", o.SeenAs)
	case !printable.Is(o.SeenAs), !printable.Is(o.Dir):
		return errors.New("--dir or --seen-as has a character that does not print")
	case err == nil && u.Scheme == "http" && !onThisMachine(u.Hostname()):
		return fmt.Errorf("--url is http to %s, want https: the answer has the secrets of all channels", u.Hostname())
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	switch info, err := os.Stat(dir); {
	case err != nil:
		return fmt.Errorf("--dir: %w", err)
	case !info.IsDir():
		return fmt.Errorf("--dir: %q is not a directory", dir)
	}
	o.Dir = dir
	findings := permission.Check(permission.File{Place: "--dir", Path: dir, Use: permission.Outbox})
	for _, f := range findings {
		if !f.Refused {
			log.Warn("Others could change what Alertmanager does", "err", f.Text)
		}
	}
	return permission.Err("", findings)
}

// onThisMachine reports whether nobody else sees what is sent to a host.
func onThisMachine(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// connect prepares the requests to both servers. An error is one of usage.
func (o *syncOptions) connect() (exporter, alertmanager *remote.Server, err error) {
	exporter, err = remote.Connect(remote.Options{
		Name: "the exporter", Kind: "a healthcheck_exporter", URL: o.Exporter.URL, User: syncCommand,
		ClientFile: o.Exporter.ClientFile, ClientFlag: "--http.config.file", MaxAnswer: alertsync.MaxBundle, NoRedirects: true,
	})
	if err != nil {
		return nil, nil, err
	}
	alertmanager, err = remote.Connect(remote.Options{
		Name: "Alertmanager", Kind: "an Alertmanager", URL: o.Alertmanager.URL, User: syncCommand,
		ClientFile: o.Alertmanager.ClientFile, ClientFlag: "--alertmanager.http.config.file", MaxAnswer: alertconf.MaxMetrics,
	})
	if err != nil {
		exporter.Close()
	}
	return exporter, alertmanager, err
}
