// Package audit keeps a log as lines of JSON. Each line holds the hash of the one before, so a line that was changed, removed
// or added shows.
//
// The current file of the log NAME is NAME.jsonl; when it is full or old it becomes NAME-N.jsonl, N being the number of its
// first record, in 16 digits, so that the names sort. Files may be read while they are written.
package audit

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/durable"
)

// Name is the default name of a log, and FileName that of its current file.
const (
	Name     = "audit"
	FileName = Name + suffix
)

// suffix ends the name of each file.
const suffix = ".jsonl"

// MaxLine is the longest line in bytes, its end included. A longer record is cut, and says so.
const MaxLine = 64 << 10

const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// ErrClosed says that the Log was closed.
var ErrClosed = errors.New("the audit log is closed")

// Options are the name and the limits of a Log. The zero value works.
type Options struct {
	Name     string           // of the log, among others in its directory; "": Name
	MaxBytes int64            // of one file; 0: 8 MiB
	MaxAge   time.Duration    // of the first record of the current file; 0: 31 days
	MaxFiles int              // the current one included, at least 2; 0: 13
	Now      func() time.Time // nil: time.Now
}

// A Head is the end of the chain. A copy kept elsewhere shows whether lines were removed from the end.
type Head struct {
	Seq  uint64 // of the last record; 0: there is none
	Hash string // of its line without the newline, SHA-256 in hex; the first record of all follows 64 zeros
}

var zeroHash = hex.EncodeToString(make([]byte, sha256.Size))

func hash(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// A Log must be open in one process at a time. Only a process that has the directory to itself, such as by a lock, may open
// it. It is made by Open and safe for concurrent use.
type Log struct {
	dir, path string
	options   Options

	mu     sync.Mutex // protects the following
	head   Head
	file   *os.File // nil: has to be opened, as after an error
	size   int64    // of the whole lines of file
	first  uint64   // number of the first record of file; 0: it has none
	since  time.Time
	torn   bool // there may be more in file than size
	closed bool
}

// Open opens the log in dir, which it makes if it does not exist. A partial last line that a crash left is cut off; it was never
// acknowledged.
func Open(dir string, o Options) (*Log, error) {
	o.Name = cmp.Or(o.Name, Name)
	o.MaxBytes = cmp.Or(o.MaxBytes, 8<<20)
	o.MaxAge = cmp.Or(o.MaxAge, 31*24*time.Hour)
	o.MaxFiles = max(cmp.Or(o.MaxFiles, 13), 2)
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of the audit log: %w", err)
	}
	l := &Log{dir: dir, path: filepath.Join(dir, o.Name+suffix), options: o, head: Head{Hash: zeroHash}}
	old, err := rotated(dir, o.Name)
	if err != nil {
		return nil, err
	}
	if len(old) > 0 {
		s, err := scanFile(filepath.Join(dir, old[len(old)-1]))
		if err != nil {
			return nil, err
		}
		l.adopt(s)
	}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

// adopt continues the chain of what was scanned.
func (l *Log) adopt(s scan) {
	if s.records > 0 {
		l.head = Head{Seq: max(l.head.Seq, s.seq), Hash: s.hash}
	}
}

// open opens the current file and finds its end.
func (l *Log) open() error {
	l.drop()
	if info, err := os.Lstat(l.path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%q is not a regular file: move it away", l.path)
	}
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("opening the audit log: %w", err)
	}
	if err := l.use(f); err != nil {
		_ = f.Close()
		return fmt.Errorf("opening %q: %w", l.path, err)
	}
	l.file = f
	return nil
}

func (l *Log) use(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	// Who may read the file is the administrator's decision. Nobody else has to write it.
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o022 != 0 {
		if err := f.Chmod(mode &^ 0o022); err != nil {
			return err
		}
	}
	s, err := scanLines(f)
	if err != nil {
		return err
	}
	if s.size < info.Size() {
		if err := f.Truncate(s.size); err != nil {
			return err
		}
	}
	l.adopt(s)
	l.size, l.first, l.since = s.size, s.first, s.since
	return durable.SyncDir(l.dir)
}

// drop closes the file. The next record opens and scans it again.
func (l *Log) drop() {
	if l.file != nil {
		_ = l.file.Close() // what matters was synced
		l.file = nil
	}
}

// Head returns the end of the chain.
func (l *Log) Head() Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

// Append writes record as a JSON object, with ts, seq and prev_hash before its own members. When it returns nil, the line is on
// the disk. When it returns an error, there is no such line, or it will be cut off before the next one is written. Append may
// be called again.
func (l *Log) Append(record any) error {
	_, err := l.AppendAll([]any{record})
	return err
}

// AppendAll is Append for many records, at the price of one. It returns how many of them, from the first on, are on the disk:
// all, if there is no error.
func (l *Log) AppendAll(records []any) (done int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, ErrClosed
	}
	now := l.options.Now().UTC()
	for done < len(records) {
		n, err := l.some(records[done:], now)
		if err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

// maxWrite is how many bytes are written at once, or one line.
const maxWrite = 1 << 20

// some appends as many of the records as belong into one write and one file, at least one, and returns how many.
func (l *Log) some(records []any, now time.Time) (n int, err error) {
	if err := l.look(); err != nil {
		return 0, err
	}
	var lines []byte
	head := l.head
	for _, record := range records {
		line, err := l.line(record, now, head)
		if err != nil {
			return 0, err
		}
		if n == 0 && l.full(len(line), now) {
			if err := l.rotate(); err != nil {
				return 0, fmt.Errorf("rotating %q: %w", l.path, err)
			}
		}
		if n > 0 && (len(lines)+len(line) > maxWrite || l.size+int64(len(lines)+len(line)) > l.options.MaxBytes) {
			break
		}
		head = Head{Seq: head.Seq + 1, Hash: hash(bytes.TrimSuffix(line, []byte("\n")))}
		lines = append(lines, line...)
		n++
	}
	if _, err = l.file.Write(lines); err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		l.torn = l.file.Truncate(l.size) != nil
		return 0, fmt.Errorf("appending to %q: %w", l.path, err)
	}
	if l.first == 0 {
		l.first, l.since = l.head.Seq+1, now
	}
	l.head = head
	l.size += int64(len(lines))
	return n, nil
}

// look opens the file again if somebody has moved or cut it. The chain goes on from our last record, so that the change
// shows.
func (l *Log) look() error {
	if l.torn {
		if err := l.file.Truncate(l.size); err != nil {
			return fmt.Errorf("cutting off what could not be appended to %q: %w", l.path, err)
		}
		l.torn = false
	}
	if l.file != nil {
		ours, err := l.file.Stat()
		if err != nil {
			return fmt.Errorf("looking at %q: %w", l.path, err)
		}
		named, err := os.Stat(l.path)
		if err == nil && os.SameFile(ours, named) && named.Size() == l.size {
			return nil
		}
	}
	head := l.head
	if err := l.open(); err != nil {
		return err
	}
	l.head = Head{Seq: max(head.Seq, l.head.Seq), Hash: head.Hash}
	return nil
}

func (l *Log) full(n int, now time.Time) bool {
	return l.first != 0 && (l.size+int64(n) > l.options.MaxBytes || now.Sub(l.since) >= l.options.MaxAge)
}

// rotate gives the current file a name of its own, removes the oldest files and begins a new one.
func (l *Log) rotate() error {
	old, err := rotated(l.dir, l.options.Name)
	if err != nil {
		return err
	}
	for len(old) > l.options.MaxFiles-2 {
		if err := os.Remove(filepath.Join(l.dir, old[0])); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		old = old[1:]
	}
	n := l.first
	for slices.Contains(old, rotatedName(l.options.Name, n)) { // only if somebody has joined files
		n++
	}
	l.drop()
	if err := os.Rename(l.path, filepath.Join(l.dir, rotatedName(l.options.Name, n))); err != nil {
		return err
	}
	head := l.head
	err = l.open()
	l.head = head
	return err
}

// Close closes the file. It may be called again.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.drop()
	return nil
}
