package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// Main is the main function of a command: run has to end with its context, which Ctrl-C ends. The exit status is 1 if it
// fails.
func Main(name string, run func(context.Context) error) {
	if err := untilSignal(run); err != nil {
		fail(name, err, 1)
	}
}

// Judge is Main for a command that comes to a verdict. The exit status is 1 if that is not good, and 2 if there is none.
func Judge(name string, run func(context.Context) (good bool, err error)) {
	var good bool
	err := untilSignal(func(ctx context.Context) (err error) {
		good, err = run(ctx)
		return err
	})
	switch {
	case err != nil:
		fail(name, err, 2)
	case !good:
		os.Exit(1)
	}
}

func untilSignal(run func(context.Context) error) error {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	return run(ctx)
}

func fail(name string, err error, status int) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	os.Exit(status)
}

// InstallPackages installs in dir what its package.json names, and runs no script of any package.
func InstallPackages(ctx context.Context, dir string) error {
	npm := exec.CommandContext(ctx, "npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm install: %w\n%s", err, out)
	}
	return nil
}
