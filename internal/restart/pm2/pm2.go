// Package pm2 restarts an app of PM2, the process manager of Node.js.
//
// PM2 is a daemon with a home directory, and a program that talks to the daemon. If the program does not find a daemon, for
// example because the home is wrong, it starts one of its own. So it is only run if the daemon was there a moment before, and
// in such a way that it cannot start one. The list of processes comes from the daemon's socket, without the program.
package pm2

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/command"
)

// Config says which app, and how to reach its PM2.
type Config struct {
	// App is the name of the app.
	App string
	// Home is PM2_HOME, an absolute path.
	Home string
	// Program is pm2, by its absolute path.
	Program string
	// Node is the node that runs Program, by its absolute path. Empty: the first line of Program decides, and node is searched
	// for beside Program and in the usual places.
	Node string
	// Reload replaces the instances of an app in cluster mode one after the other. An app in fork mode is restarted.
	Reload bool
}

// A Backend restarts one app, with all of its instances.
type Backend struct{ cfg Config }

// New makes a back-end from a checked configuration.
func New(cfg Config) *Backend { return &Backend{cfg: cfg} }

// Kind implements restart.Backend.
func (*Backend) Kind() string { return "pm2" }

// Inspect implements restart.Backend. It asks the daemon and starts nothing; without an answer
// it refuses.
func (b *Backend) Inspect(ctx context.Context) (restart.Status, error) {
	all, err := processes(ctx, b.cfg.Home)
	if err != nil {
		return restart.Status{}, err
	}
	s := status(all, b.cfg.App, time.Now())
	if s.Unfit == "" && reloading(b.cfg.Home, time.Now()) {
		s.Unfit, s.Detail = restart.UnfitRolling, s.Detail+"; pm2 reload is under way"
	}
	return s, nil
}

// Restart implements restart.Backend: it looks at the app once more and runs pm2 once.
func (b *Backend) Restart(ctx context.Context, a restart.Attempt) error {
	s, err := b.Inspect(ctx)
	if err != nil {
		return err
	}
	if err := a.Admit(fmt.Sprintf("the app %q", b.cfg.App), "was restarted", s); err != nil {
		return err
	}
	program := b.program()
	stdout, stderr, err := program.RunApart(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() == nil && gone(ctx, b.cfg.Home):
		return fmt.Errorf("%w: the PM2 daemon of %q has ended", err, b.cfg.Home)
	}
	says, refused := told(stdout, stderr)
	if refused && ctx.Err() == nil {
		return fmt.Errorf("%w: %w%s", restart.ErrRefused, err, says)
	}
	return fmt.Errorf("%w%s", err, says)
}

// noFile is a path at which no file can be opened or made.
const noFile = "/dev/null/none"

func (b *Backend) program() command.Program {
	path := []string{filepath.Dir(b.cfg.Program), "/usr/local/bin", "/usr/bin", "/bin"}
	action := "restart"
	if b.cfg.Reload {
		action = "reload"
	}
	argv := []string{b.cfg.Program, action, b.cfg.App}
	if b.cfg.Node != "" {
		argv = append([]string{b.cfg.Node}, argv...)
		path = append([]string{filepath.Dir(b.cfg.Node)}, path...)
	}
	return command.Program{
		Argv: argv,
		Env: []string{
			"PATH=" + strings.Join(path, ":"),
			"HOME=" + b.cfg.Home,
			"PM2_HOME=" + b.cfg.Home,
			// pm2 opens its log before it starts a daemon. As that fails, we never replace a daemon that has just ended.
			"PM2_LOG_FILE_PATH=" + noFile,
			// Without it pm2 may show its banner, and report its installation to its makers.
			"PM2_DISCRETE_MODE=true",
			"NO_COLOR=1",
		},
		User: daemonUser(b.cfg.Home),
	}
}
