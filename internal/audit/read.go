package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Line is one record, and where it was read.
type Line struct {
	File   string // name, without the directory
	Number int    // of the line in its file, from 1
	Seq    uint64
	Time   time.Time
	JSON   []byte // the whole line; valid until the function that got it returns
}

// A Break is where the chain does not hold.
type Break struct {
	File   string `json:"file"`
	Number int    `json:"line"`
	Reason string `json:"reason"` // quotes nothing of the line
}

// maxBreaks is how many breaks are kept; all are counted.
const maxBreaks = 100

// A Report is what Read found.
type Report struct {
	Records int
	Last    Head
	// Breaks are the first 100 of BreakCount. Lines that are missing before the first or after the last record are not among
	// them: rotation removes the former, and a Head that was kept elsewhere shows the latter.
	Breaks     []Break
	BreakCount int
	// Partial is true if the current file ends with part of a line. It is being written, or is left from a crash.
	Partial bool
}

// Read calls fn for every record of a log in dir, oldest first, and verifies the chain. A line that is not a record is a Break,
// and so is a record that does not follow the one before; fn gets the latter all the same. Read ends early if fn returns an
// error or a file cannot be read. It may be called while the log is written.
func Read(dir, name string, fn func(Line) error) (Report, error) {
	v := &verifier{fn: fn}
	files, err := openAll(dir, name, rotated)
	defer func() { closeAll(files) }()
	if err != nil {
		return v.report, err
	}
	for i, f := range files {
		v.file, v.number = filepath.Base(f.Name()), 0
		_, partial, err := eachLine(f, v.line)
		if err != nil {
			return v.report, err
		}
		if partial && i == len(files)-1 {
			v.report.Partial = true
		} else if partial {
			v.number++
			v.broken("the line has no end")
		}
	}
	return v.report, nil
}

// openTries is how often all files are opened until no rotation comes in between. A rotation takes longer than opening them.
const openTries = 100

// openAll opens all files, oldest first. List is rotated.
func openAll(dir, name string, list func(dir, name string) ([]string, error)) ([]*os.File, error) {
	path := filepath.Join(dir, name+suffix)
	for range openTries {
		current, err := os.Open(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		old, err := list(dir, name)
		var files []*os.File
		if err == nil {
			files, err = openOld(dir, old)
		}
		if current != nil {
			files = append(files, current)
		}
		if err != nil || isAt(current, path) {
			return files, err
		}
		closeAll(files) // it has another name now, and is among the old ones or older than they are
	}
	return nil, errors.New("reading the audit log: it is rotated all the time")
}

// isAt reports whether an open file still has a path. Nil: whether no file has it.
func isAt(f *os.File, path string) bool {
	now, err := os.Stat(path)
	if f == nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	was, err2 := f.Stat()
	return err == nil && err2 == nil && os.SameFile(was, now)
}

// openOld opens old files, oldest first.
func openOld(dir string, old []string) (files []*os.File, err error) {
	for _, file := range old {
		f, err := os.Open(filepath.Join(dir, file))
		if errors.Is(err, fs.ErrNotExist) { // rotation has just removed it and the older ones
			closeAll(files)
			files = nil
			continue
		}
		if err != nil {
			return files, fmt.Errorf("reading the audit log: %w", err)
		}
		files = append(files, f)
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // it was only read
	}
}

// A verifier follows the chain.
type verifier struct {
	fn     func(Line) error
	report Report
	file   string
	number int
}

func (v *verifier) broken(reason string) {
	v.report.BreakCount++
	if v.report.BreakCount <= maxBreaks {
		v.report.Breaks = append(v.report.Breaks, Break{File: v.file, Number: v.number, Reason: reason})
	}
}

func (v *verifier) line(line []byte, whole bool) error {
	v.number++
	if !whole {
		v.broken("the line is too long")
		return nil
	}
	h, ok := parseHeader(line)
	if !ok {
		v.broken("the line is not a record")
		return nil
	}
	r := &v.report
	begun := r.Records > 0
	switch {
	case begun && h.Seq != r.Last.Seq+1:
		v.broken(fmt.Sprintf("seq is %d, want %d", h.Seq, r.Last.Seq+1))
	case begun && h.PrevHash != r.Last.Hash, h.Seq == 1 && h.PrevHash != zeroHash:
		v.broken("prev_hash is not the hash of the record before")
	}
	r.Records++
	r.Last = Head{Seq: h.Seq, Hash: hash(line)}
	return v.fn(Line{File: v.file, Number: v.number, Seq: h.Seq, Time: h.Time, JSON: line})
}

// eachLine calls fn for every line that has an end. For a line that is too long whole is false and line nil. It returns how many
// bytes the lines have, and whether anything follows them.
func eachLine(r io.Reader, fn func(line []byte, whole bool) error) (size int64, partial bool, err error) {
	b := bufio.NewReaderSize(r, MaxLine)
	n, long := int64(0), false // of the line so far
	for {
		part, err := b.ReadSlice('\n')
		n += int64(len(part))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			long = true
			continue
		case errors.Is(err, io.EOF):
			return size, n > 0, nil
		case err != nil:
			return size, n > 0, fmt.Errorf("reading the audit log: %w", err)
		}
		if long {
			part = nil
		}
		if err := fn(bytes.TrimSuffix(part, []byte("\n")), !long); err != nil {
			return size, false, err
		}
		size += n
		n, long = 0, false
	}
}

// A scan is what was found in a file.
type scan struct {
	records int
	seq     uint64 // highest
	hash    string // of the last record
	size    int64  // of all lines that have an end
	first   uint64 // number of the first record; 0: there is none
	since   time.Time
}

func scanLines(r io.Reader) (s scan, err error) {
	s.size, _, err = eachLine(r, func(line []byte, whole bool) error {
		h, ok := parseHeader(line)
		if !whole || !ok {
			return nil
		}
		if s.records == 0 {
			s.first, s.since = h.Seq, h.Time
		}
		s.records++
		s.seq, s.hash = max(s.seq, h.Seq), hash(line)
		return nil
	})
	return s, err
}

func scanFile(path string) (scan, error) {
	f, err := os.Open(path)
	if err != nil {
		return scan{}, fmt.Errorf("reading the audit log: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return scanLines(f)
}

const rotatedDigits = 16

func rotatedName(name string, first uint64) string {
	return fmt.Sprintf("%s-%0*d%s", name, rotatedDigits, first, suffix)
}

// rotated lists the names of the files of a log except the current one, oldest first.
func rotated(dir, name string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("listing the audit log: %w", err)
	}
	var names []string
	for _, e := range entries {
		n, ok := strings.CutPrefix(e.Name(), name+"-")
		n, ok2 := strings.CutSuffix(n, suffix)
		if ok && ok2 && len(n) == rotatedDigits && strings.Trim(n, "0123456789") == "" && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}
