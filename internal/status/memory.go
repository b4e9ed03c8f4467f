package status

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/durable"
)

// FileName is what the file is called that holds what a Tracker knows.
const FileName = "status.snap"

// How often the file is written: after a change, and in any case. With more targets than fewTargets it is written less often, in
// proportion: a target takes about 1 kB.
const (
	keepAfterChange = 10 * time.Second
	keepEvery       = 5 * time.Minute
	fewTargets      = 2000
)

// maxSnapshot is how long a file may be that is read, in bytes: with 50,000 targets it has some 60 MB.
const maxSnapshot = 256 << 20

// A Memory keeps what a Tracker knows in a file, so that it outlives the exporter. A file that cannot be used costs what it
// held, and nothing else.
type Memory struct {
	Tracker *Tracker
	Path    string
	Log     *slog.Logger
	// Wanted reports whether it may read and write the file now.
	Wanted func() bool

	failure string // why the last write failed; empty: it did not
}

// Load takes over what the file has. It does so before the first probe.
func (m *Memory) Load() {
	if !m.Wanted() {
		return
	}
	m.sweep()
	text, err := read(m.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = m.Tracker.restore(text)
	}
	if err == nil {
		return
	}
	err = errors.Join(err, os.Rename(m.Path, m.Path+".corrupt"))
	m.Log.Error("What was known of targets is lost, it begins anew", "component", "status", "path", m.Path, "err", err)
}

// sweep removes what exporters have left behind that were killed while they wrote. If another one is writing to the same place,
// it tries again.
func (m *Memory) sweep() {
	left, _ := filepath.Glob(m.Path + ".[0-9]*") // an error: the path is not a pattern, and nothing is swept
	for _, path := range left {
		_ = os.Remove(path)
	}
}

// read reads a file, which may be anything.
func read(path string) ([]byte, error) {
	switch info, err := os.Stat(path); {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular(): // reading might never end
		return nil, errors.New("it is not a regular file")
	case info.Size() > maxSnapshot:
		return nil, fmt.Errorf("it has %d bytes, want %d at most", info.Size(), maxSnapshot)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	return io.ReadAll(io.LimitReader(f, maxSnapshot))
}

// Run writes the file again and again until ctx is done, and then once more.
func (m *Memory) Run(ctx context.Context) {
	written, known := time.Now(), uint64(0)
	for {
		targets, _ := m.Tracker.size()
		scale := time.Duration(max(1, targets/fewTargets))
		select {
		case <-time.After(keepAfterChange * scale):
		case <-ctx.Done():
			m.write()
			return
		}
		_, changes := m.Tracker.size()
		if changes == known && time.Since(written) < keepEvery*scale {
			continue
		}
		m.write()
		written, known = time.Now(), changes
	}
}

// size is how many targets are known, and how many changes there were.
func (t *Tracker) size() (targets int, changes uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.listed), t.changes
}

// write replaces the file.
func (m *Memory) write() {
	if !m.Wanted() {
		return
	}
	text, err := m.Tracker.snapshot()
	if err == nil {
		err = errors.Join(os.MkdirAll(filepath.Dir(m.Path), 0o700), durable.Replace(m.Path, text, 0o600))
	}
	m.tell(err)
}

// tell logs an error once, until another one comes. It leaves out the name of the file that is written aside: that is another one
// each time.
func (m *Memory) tell(err error) {
	failure := ""
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		failure = e.Op + ": " + e.Err.Error()
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		failure = e.Op + ": " + e.Err.Error()
	} else if err != nil {
		failure = err.Error()
	}
	if failure != m.failure && failure != "" {
		m.Log.Warn("What is known of targets could not be kept", "component", "status", "path", m.Path, "err", failure)
	}
	m.failure = failure
}
