// Package journal keeps what restarts must not forget in one directory: the states of the services in a store, and the
// decisions in audit logs.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/store"
)

// FileName is the name of the store in the directory of a journal.
const FileName = "restart.db"

// maxPending is how many records are kept while they cannot be appended to the audit log.
const maxPending = 100

// Each kind of record has an audit log of its own. Attempts are few and have the most room. Somebody who floods the exporter
// with alerts or orders can only cause changes and orders.
var options = map[policy.Kind]audit.Options{
	policy.KindAttempt: {Name: audit.Name, MaxBytes: 8 << 20, MaxFiles: 7},
	policy.KindChange:  {Name: "changes", MaxBytes: 8 << 20, MaxFiles: 4},
	policy.KindOrder:   {Name: "orders", MaxBytes: 4 << 20, MaxFiles: 4},
}

// Logs returns the names of the audit logs, with that of the attempts first.
func Logs() []string {
	var names []string
	for _, kind := range policy.Kinds() {
		names = append(names, options[kind].Name)
	}
	return names
}

// ErrClosed is returned after Close, and until the first Open.
var ErrClosed = errors.New("the journal is not open")

// retryEvery is the pause before opening is tried again: it reads the whole file.
const retryEvery = 5 * time.Second

// A Journal is a restart.Journal on disk. It is safe for concurrent use.
type Journal struct {
	dir string

	mu     sync.Mutex // protects the following
	store  *store.Store
	logs   map[policy.Kind]*audit.Log
	broken error     // why it could not be opened
	tried  time.Time // when that was
	closed bool      // for good

	auditing sync.Mutex      // held while records are appended; protects the following
	pending  []policy.Record // those that could not be, oldest first
}

// New makes a journal in dir. It touches nothing until Open.
func New(dir string) *Journal { return &Journal{dir: dir, broken: ErrClosed} }

// Open opens the files, or makes them. It may be called again; if they are open, that changes nothing. After an error the other
// methods return that error, and try again every now and then.
func (j *Journal) Open() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.open()
}

func (j *Journal) open() error {
	if j.closed {
		return ErrClosed
	}
	if j.store != nil {
		return nil
	}
	j.tried = time.Now()
	s, err := store.Open(filepath.Join(j.dir, FileName))
	if err != nil {
		j.broken = err
		return err
	}
	logs := map[policy.Kind]*audit.Log{}
	for kind, options := range options { // the lock of the store is on the directory
		if logs[kind], err = audit.Open(j.dir, options); err != nil {
			delete(logs, kind)
			j.broken = errors.Join(err, closeAll(logs), s.Close())
			return j.broken
		}
	}
	j.store, j.logs, j.broken = s, logs, nil
	return nil
}

func closeAll(logs map[policy.Kind]*audit.Log) error {
	var errs []error
	for _, log := range logs {
		errs = append(errs, log.Close())
	}
	return errors.Join(errs...)
}

// opened returns the open files. It tries to open them if they are not.
func (j *Journal) opened() (*store.Store, map[policy.Kind]*audit.Log, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.store == nil && !errors.Is(j.broken, ErrClosed) && time.Since(j.tried) >= retryEvery {
		_ = j.open() // the error is in broken
	}
	return j.store, j.logs, j.broken
}

// Close closes the files for good. It may be called again.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	if j.store != nil {
		err = errors.Join(closeAll(j.logs), j.store.Close())
	}
	j.store, j.logs, j.broken, j.closed = nil, nil, ErrClosed, true
	return err
}

// Load implements restart.Journal. A state that this version does not understand is an error: what it leaves out could
// be what forbids a restart.
func (j *Journal) Load(service string) (policy.State, error) {
	s, _, err := j.opened()
	if err != nil {
		return policy.State{}, err
	}
	text, ok := s.Record(service)
	if !ok {
		return policy.State{}, nil
	}
	var state policy.State
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&state); err != nil {
		return policy.State{}, fmt.Errorf("the state of service %q in %q is not of this version of the exporter: "+
			"use the version that wrote it, or move the file away to start without a memory", service, s.Path())
	}
	return state, nil
}

// Save implements restart.Journal.
func (j *Journal) Save(service string, state policy.State) error {
	s, _, err := j.opened()
	if err != nil {
		return err
	}
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("encoding the state of service %q: %w", service, err)
	}
	// Both in any case: the state has to survive a crash, and no restart may be missing from the log.
	return errors.Join(s.Save(service, text), j.flush())
}

// Audit implements restart.Journal. A record that cannot be appended is kept, and appended before the next one or when the
// next state is saved. Until that succeeds Save fails.
func (j *Journal) Audit(r policy.Record) error {
	if _, _, err := j.opened(); err != nil {
		return err
	}
	j.auditing.Lock()
	j.pending = append(j.pending, r)
	if len(j.pending) > maxPending { // attempts go last: orders must not push them out here, either
		oldest := slices.IndexFunc(j.pending, func(r policy.Record) bool { return r.Kind() != policy.KindAttempt })
		j.pending = slices.Delete(j.pending, max(oldest, 0), max(oldest, 0)+1)
	}
	j.auditing.Unlock()
	return j.flush()
}

// flush appends what is pending.
func (j *Journal) flush() error {
	j.auditing.Lock()
	defer j.auditing.Unlock()
	if len(j.pending) == 0 {
		return nil
	}
	_, logs, err := j.opened()
	if err != nil {
		return err
	}
	for len(j.pending) > 0 {
		r := &j.pending[0]
		if err := logs[r.Kind()].Append(r); err != nil {
			return err
		}
		j.pending = j.pending[1:]
	}
	return nil
}
