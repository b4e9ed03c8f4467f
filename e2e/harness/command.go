package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// Main is the main function of a command. Ctrl-C ends the context of run, which has to end then. The exit status is 1 if run
// fails.
func Main(name string, run func(context.Context) error) {
	if err := untilSignal(run); err != nil {
		fail(name, err, 1)
	}
}

// Judge is Main for a command that reaches a verdict. The exit status is 1 if the verdict is bad, and 2 if run fails.
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

// Aside is a command that leaves the processors to others: a compiler would take them all, and the tests beside it have to be in time.
func Aside(ctx context.Context, argv ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "nice", append([]string{"-n", "10"}, argv...)...)
}

// InstallPackages installs the npm packages of dir/package.json without running their scripts.
func InstallPackages(ctx context.Context, dir string) error {
	npm := Aside(ctx, "npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm install: %w\n%s", err, out)
	}
	return nil
}
