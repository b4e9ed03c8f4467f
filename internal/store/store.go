// Package store keeps small records in a file, durably: what the exporter has to know after it was restarted.
//
// A record is opaque bytes under a key. All of them are held in memory. The file is read once, when it is opened, and
// every page of it is checked before the database library sees it (see pages.go).
package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

// Limits of a file. They are far above what the exporter needs, and keep a mistake from filling the disk.
const (
	MaxKey   = 512      // bytes
	MaxValue = 1 << 20  // bytes
	maxFile  = 64 << 20 // bytes
)

// lockTimeout is how long Open waits for another instance that may be about to end.
const lockTimeout = 500 * time.Millisecond

// The errors that a caller may want to tell apart. What Open returns adds the path, and what to do.
var (
	// ErrCorrupt says that the file does not hold what was written to it. It is left as it is.
	ErrCorrupt = errors.New("the file is corrupt")
	// ErrLocked says that another instance has the file open.
	ErrLocked = errors.New("another instance of the exporter has it open")
	// ErrNewer says that a newer version of the exporter wrote the file.
	ErrNewer = errors.New("a newer version of the exporter wrote it")
	// ErrClosed says that the Store was closed.
	ErrClosed = errors.New("the store is closed")
)

// A Store is an open file of records. It is made by Open and safe for concurrent use.
type Store struct {
	path         string
	transactions atomic.Uint64

	queueMu sync.Mutex // protects the following
	queue   []*request // those that no transaction has taken yet

	mu      sync.Mutex // held during a transaction; protects the following
	db      *bbolt.DB
	file    *os.File // of db
	info    fs.FileInfo
	records map[string][]byte // those in force
	digest  digest            // of records
	// unsure are the keys of a failed transaction, which may be on the disk all the same.
	unsure map[string]struct{}
	broken error // the database panicked; nil: it did not
	closed bool
}

// A request is one call of SaveAll. Its outcome is protected by Store.mu.
type request struct {
	changes map[string][]byte
	done    bool
	err     error
}

// Open opens the file at path. It makes the file and its directory if they do not exist. The error may wrap ErrCorrupt,
// ErrLocked or ErrNewer.
func Open(path string) (*Store, error) {
	if err := prepare(path); err != nil {
		return nil, err
	}
	if err := check(path); err != nil {
		return nil, err
	}
	s := &Store{path: path, unsure: map[string]struct{}{}}
	err := guard(func() (err error) {
		s.db, err = bbolt.Open(path, 0o600, s.options(false))
		return err
	})
	if err == nil {
		s.info, err = s.file.Stat()
	}
	if err == nil { // again, because until now another instance could have written
		s.records, s.digest, err = load(s.file, s.db.Info().PageSize)
	}
	if err != nil {
		_ = s.release()
		return nil, describe(path, err)
	}
	return s, nil
}

// check reads the whole file without changing it.
func check(path string) error {
	s := &Store{path: path}
	defer func() { _ = s.release() }() // it was only read
	err := guard(func() (err error) {
		// To open a file for reading, the library looks only at the first two pages, which have a checksum.
		if s.db, err = bbolt.Open(path, 0o600, s.options(true)); err != nil {
			return err
		}
		_, _, err = load(s.file, s.db.Info().PageSize)
		return err
	})
	return describe(path, err)
}

func (s *Store) options(readOnly bool) *bbolt.Options {
	return &bbolt.Options{
		ReadOnly: readOnly, Timeout: lockTimeout, MaxSize: maxFile, NoStatistics: true,
		// The freelist is kept on the disk. To rebuild it, the library would follow every page in a goroutine of its own.
		NoFreelistSync: false,
		OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			s.file, err = os.OpenFile(name, flag&^os.O_CREATE, mode)
			return s.file, err
		},
	}
}

// describe adds to err the path and what to do.
func describe(path string, err error) error {
	var errno syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bbolt.ErrTimeout): //nolint:staticcheck // errors.ErrTimeout of the same library is this very value
		return fmt.Errorf("opening %q: %w: give every instance a directory of its own", path, ErrLocked)
	case errors.Is(err, ErrNewer):
		return fmt.Errorf("opening %q: %w: use that version, or move the file away to start without a memory", path, err)
	case errors.Is(err, ErrCorrupt):
		return fmt.Errorf("opening %q: %w: it was not changed; restore it, or move it away to start without a memory", path, err)
	case errors.As(err, &errno):
		return fmt.Errorf("opening %q: %w", path, err)
	default: // all other errors of the library are about what it has read
		return describe(path, corrupt("%w", err))
	}
}

// guard turns a panic of fn into ErrCorrupt, even a fault in memory that is mapped beyond the end of the file.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = corrupt("%v", r)
		}
	}()
	return fn()
}

// Path returns the path of the file.
func (s *Store) Path() string { return s.path }

// Transactions returns how many transactions were written, or tried, since Open. Each costs two or three fsyncs.
func (s *Store) Transactions() uint64 { return s.transactions.Load() }

// Load returns a copy of all records by key.
func (s *Store) Load() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string][]byte, len(s.records))
	for key, value := range s.records {
		all[key] = bytes.Clone(value)
	}
	return all
}

// Record returns a copy of the record of key, and whether there is one.
func (s *Store) Record(key string) (value []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok = s.records[key]
	return bytes.Clone(value), ok
}

// Save makes value the record of key; nil is the same as empty. See SaveAll.
func (s *Store) Save(key string, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	return s.SaveAll(map[string][]byte{key: value})
}

// Delete removes the record of key, if there is one. See SaveAll.
func (s *Store) Delete(key string) error { return s.SaveAll(map[string][]byte{key: nil}) }

// SaveAll saves several records at once, all or none. A record that is nil is deleted. When SaveAll returns nil, the records
// are on the disk. When it returns an error, the records from before are in force, and it may be called again: only
// ErrCorrupt and ErrClosed are permanent. Records that do not change are not written. Concurrent calls share a transaction.
func (s *Store) SaveAll(changes map[string][]byte) error {
	for key, value := range changes {
		if len(key) < 1 || len(key) > MaxKey {
			return fmt.Errorf("saving to %q: a key has %d bytes, want 1 to %d", s.path, len(key), MaxKey)
		}
		if len(value) > MaxValue {
			return fmt.Errorf("saving to %q: a record has %d bytes, want at most %d", s.path, len(value), MaxValue)
		}
	}
	r := &request{changes: changes}
	s.queueMu.Lock()
	s.queue = append(s.queue, r)
	s.queueMu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	if r.done { // the call that had the lock took it along
		return r.err
	}
	s.queueMu.Lock()
	batch := s.queue
	s.queue = nil
	s.queueMu.Unlock()
	err := s.commit(batch)
	for _, r := range batch {
		r.done, r.err = true, err
	}
	return err
}

// commit writes the changes of the batch. Of two requests for the same key the later one wins.
func (s *Store) commit(batch []*request) error {
	if s.closed {
		return ErrClosed
	}
	if s.broken != nil {
		return s.broken
	}
	changes := map[string][]byte{}
	for _, r := range batch {
		maps.Copy(changes, r.changes)
	}
	maps.DeleteFunc(changes, func(key string, value []byte) bool {
		_, unsure := s.unsure[key]
		before, ok := s.records[key]
		return !unsure && ok == (value != nil) && bytes.Equal(before, value)
	})
	if len(changes) == 0 {
		return nil
	}
	for key := range s.unsure {
		if _, ok := changes[key]; !ok {
			changes[key] = s.records[key]
		}
	}
	if err := s.write(changes); err != nil {
		for key := range changes {
			s.unsure[key] = struct{}{}
		}
		return err
	}
	clear(s.unsure)
	return nil
}

// write makes the changes in one transaction, and in memory if it succeeds.
func (s *Store) write(changes map[string][]byte) error {
	if now, err := os.Stat(s.path); err != nil {
		return fmt.Errorf("saving: looking for the file: %w", err)
	} else if !os.SameFile(now, s.info) {
		return fmt.Errorf("saving to %q: it is no longer the file that was opened: start the exporter again", s.path)
	}
	sum := s.digest
	for key, value := range changes {
		if before, ok := s.records[key]; ok {
			sum.toggle(key, before)
		}
		if value != nil {
			sum.toggle(key, value)
		}
	}
	s.transactions.Add(1)
	err := guard(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error { return put(tx, changes, sum) })
	})
	if errors.Is(err, ErrCorrupt) {
		s.broken = fmt.Errorf("saving to %q: %w: stop the exporter, then restore the file, or move it away", s.path, err)
		return s.broken
	}
	if err != nil {
		return fmt.Errorf("saving to %q: %w", s.path, err)
	}
	s.digest = sum
	for key, value := range changes {
		if value == nil {
			delete(s.records, key)
		} else {
			s.records[key] = bytes.Clone(value)
		}
	}
	return nil
}

// Close closes the file after the transaction under way. It may be called again.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if err := s.release(); err != nil {
		return fmt.Errorf("closing %q: %w", s.path, err)
	}
	return nil
}

// release closes the file and gives up its lock. After a panic the library may still hold its own mutexes and wait for them
// for ever. Then a mapping of some kilobytes remains until the process ends, and the lock with it.
func (s *Store) release() error {
	if s.db != nil && s.broken == nil {
		return guard(s.db.Close)
	}
	if s.file != nil {
		_ = s.file.Close() // the library may have closed it
	}
	return nil
}
