package harness

import (
	"context"
	"path/filepath"
)

// A Program runs until it is stopped.
type Program struct{ process *process }

// StartProgram runs a program in dir. Its output is appended to its name and .log there. Call Stop unless there is an error.
func StartProgram(ctx context.Context, dir string, argv ...string) (*Program, error) {
	p, err := start(ctx, dir, filepath.Base(argv[0]), argv...)
	if err != nil {
		return nil, err
	}
	return &Program{p}, nil
}

// Stop asks it to end, and waits until it has ended.
func (p *Program) Stop() { p.process.Stop() }

// Running returns nil, or an error that says how it has ended.
func (p *Program) Running() error { return p.process.running() }

// Log returns the end of its output.
func (p *Program) Log() string { return tail(p.process.log) }
