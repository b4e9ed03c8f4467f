package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Binaries are the absolute paths of the programs that a Stack runs.
type Binaries struct {
	root string // of the repository

	exporter, app, restarter string
	prometheus, alertmanager string

	newest        sync.Once
	newestProgram string
	newestErr     error
}

// Exporter is the path of the program.
func (b *Binaries) Exporter() string { return b.exporter }

// App is the path of the demo app.
func (b *Binaries) App() string { return b.app }

// Shipped is the path of a file of the repository.
func (b *Binaries) Shipped(elem ...string) string {
	return filepath.Join(append([]string{b.root}, elem...)...)
}

// errNotInstalled says how to install the programs.
var errNotInstalled = errors.New("apt-get install prometheus prometheus-alertmanager")

// Build builds our programs into dir and finds the others.
func Build(ctx context.Context, dir string) (*Binaries, error) {
	root, err := output(exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}"))
	if err != nil {
		return nil, err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", dir+string(filepath.Separator), ".", "./e2e/demoapp", "./e2e/restarter")
	build.Dir = root
	if _, err := output(build); err != nil {
		return nil, err
	}
	b := &Binaries{
		root:      root,
		exporter:  filepath.Join(dir, "healthcheck_exporter"),
		app:       filepath.Join(dir, "demoapp"),
		restarter: filepath.Join(dir, "restarter"),
	}
	if b.prometheus, err = find("prometheus"); err != nil {
		return nil, err
	}
	b.alertmanager, err = find("prometheus-alertmanager", "alertmanager") // Debian's name, and the usual one
	return b, err
}

func output(cmd *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("running %q: %w\n%s", cmd.Args, err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// find returns the first of several programs that is in PATH.
func find(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", fmt.Errorf("%s is not installed: %w", names[0], errNotInstalled)
}
