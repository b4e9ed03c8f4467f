package alertsync

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/durable"
)

// memoryFile is what outlives alertmanager-sync, beside the configuration.
const memoryFile = ".alertmanager-sync.json"

// memoryFormat is that of the file. One of a newer version is not read.
const memoryFormat = 1

// A memory is an alertconf.Memory in a file, which is written before a method returns.
type memory struct {
	path string

	mu   sync.Mutex // protects the following
	kept kept
}

// kept is what the file has.
type kept struct {
	Format int `json:"format"`
	// Revision is that of the bundle that was published last. 0: none was.
	Revision uint64            `json:"revision"`
	Written  alertconf.Written `json:"written"`
}

// openMemory reads the file in a directory, and removes what was left of it when alertmanager-sync was killed. The caller holds
// the lock of the directory.
func openMemory(dir string) (*memory, error) {
	m := &memory{path: filepath.Join(dir, memoryFile)}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), memoryFile+".") { // see durable.Replace
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &m.kept); err != nil || m.kept.Format != memoryFormat {
		return nil, fmt.Errorf("%q is damaged, or of a newer version: to begin anew, move it and alertmanager.yml away", m.path)
	}
	return m, nil
}

// Written implements alertconf.Memory.
func (m *memory) Written() (alertconf.Written, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept.Written, nil
}

// SetWritten implements alertconf.Memory.
func (m *memory) SetWritten(w alertconf.Written) error {
	return m.set(func(k *kept) { k.Written = w })
}

func (m *memory) revision() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept.Revision
}

func (m *memory) setRevision(r uint64) error {
	return m.set(func(k *kept) { k.Revision = r })
}

func (m *memory) set(change func(*kept)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := m.kept
	change(&next)
	next.Format = memoryFormat
	if next == m.kept {
		return nil
	}
	text, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := durable.Replace(m.path, append(text, '\n'), 0o600); err != nil {
		return err
	}
	m.kept = next
	return nil
}
