package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// pm2 runs the program of PM2 with the daemon of this play.
func (p *play) pm2(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, p.lab.pm2(), args...)
	cmd.Dir = p.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "PM2_HOME=" + p.home()}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pm2 %q: %w\n%s", args, err, out)
	}
	return nil
}

func (p *play) home() string { return filepath.Join(p.dir, "pm2") }

// startApp starts the app of a service under PM2.
func (p *play) startApp(ctx context.Context, s *service) error {
	return p.pm2(ctx, "start", p.lab.program, "--name="+s.name, "--interpreter=none", "--",
		"app", "-listen="+s.address, "-dir="+s.dir, "-db="+p.dbOfApps)
}

// endPM2 ends the daemon of this play, and with it the apps.
func (p *play) endPM2(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(p.home(), "pm2.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	pid, err2 := strconv.Atoi(strings.TrimSpace(string(text)))
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if err := p.pm2(ctx, "kill"); err != nil {
		return err
	}
	const patience = 20 * time.Second
	return harness.Until(ctx, patience, "PM2 ends", func(context.Context) (bool, error) {
		return syscall.Kill(pid, 0) != nil, nil
	})
}
