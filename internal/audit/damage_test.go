package audit_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
)

// Whatever a crash leaves of a last line is cut off.
func TestPartialLastLine(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, audit.FileName)
	l := open(t, dir, audit.Options{})
	add(t, l, record{"web", 1})
	good := contents(t, path)
	add(t, l, record{"web", 2})
	full := contents(t, path)
	shut(t, l)
	for n := len(good); n < len(full); n++ {
		write(t, path, full[:n])
		if _, r := read(t, dir); r.BreakCount != 0 || r.Records != 1 || r.Partial != (n > len(good)) {
			t.Errorf("cut at %d the report is %+v", n, r)
		}
		l := open(t, dir, audit.Options{})
		add(t, l, record{"web", 3})
		if diff := cmp.Diff([]string{`1,"service":"web","n":1}`, `2,"service":"web","n":3}`}, whole(t, dir, l)); diff != "" {
			t.Errorf("cut at %d the lines are (-want +got):\n%s", n, diff)
		}
		shut(t, l)
	}
}

func TestTampering(t *testing.T) {
	line := func(b []byte, i int) []byte { return bytes.SplitAfter(b, []byte("\n"))[i] }
	for _, tt := range []struct {
		name    string
		change  func(b []byte) []byte
		want    []audit.Break
		records int
	}{
		{"nothing", func(b []byte) []byte { return b }, nil, 5},
		{"a changed record", func(b []byte) []byte { return bytes.Replace(b, []byte(`"n":2`), []byte(`"n":7`), 1) }, []audit.Break{{Number: 3, Reason: "prev_hash is not the hash of the record before"}}, 5},
		{"a missing record", func(b []byte) []byte { return bytes.Replace(b, line(b, 2), nil, 1) }, []audit.Break{{Number: 3, Reason: "seq is 4, want 3"}}, 4},
		{"a record twice", func(b []byte) []byte { return bytes.Replace(b, line(b, 2), bytes.Repeat(line(b, 2), 2), 1) }, []audit.Break{{Number: 4, Reason: "seq is 3, want 4"}}, 6},
		{"text between", func(b []byte) []byte {
			return bytes.Replace(b, line(b, 2), append([]byte("hello\n"), line(b, 2)...), 1)
		}, []audit.Break{{Number: 3, Reason: "the line is not a record"}}, 5},
		{"a long line", func(b []byte) []byte { return append([]byte(strings.Repeat("x", 1<<20)+"\n"), b...) }, []audit.Break{{Number: 1, Reason: "the line is too long"}}, 5},
		{"another beginning", func(b []byte) []byte { return bytes.Replace(b, []byte("0000"), []byte("1111"), 1) }, []audit.Break{
			{Number: 1, Reason: "prev_hash is not the hash of the record before"}, {Number: 2, Reason: "prev_hash is not the hash of the record before"},
		}, 5},
		{"text without an end", func(b []byte) []byte { return append(b, "hello"...) }, nil, 5},
		{"nothing left", func([]byte) []byte { return nil }, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, audit.FileName)
			l := open(t, dir, audit.Options{})
			for i := 1; i <= 5; i++ {
				add(t, l, record{"web", i})
			}
			head := l.Head()
			write(t, path, tt.change(contents(t, path)))
			for i := range tt.want {
				tt.want[i].File = audit.FileName
			}
			_, r := read(t, dir)
			if diff := cmp.Diff(tt.want, r.Breaks); diff != "" || r.Records != tt.records || r.BreakCount != len(tt.want) {
				t.Errorf("report is %+v, breaks (-want +got):\n%s", r, diff)
			}
			// The writer goes on from its own last record, so it repairs nothing.
			add(t, l, record{"web", 6})
			if _, r := read(t, dir); r.Last.Seq != head.Seq+1 || r.Records != tt.records+1 || r.BreakCount < len(tt.want) {
				t.Errorf("after one more record the report is %+v", r)
			}
			shut(t, l)
			l = open(t, dir, audit.Options{})
			add(t, l, record{"web", 7})
			if _, after := read(t, dir); after.Last != l.Head() || after.Last.Seq != head.Seq+2 {
				t.Errorf("opened again, the report is %+v, want the end %+v", after, l.Head())
			}
		})
	}
}

// Somebody moves the file away, as logrotate does; the exporter makes a new one, and the gap shows.
func TestMovedAway(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, audit.FileName)
	l := open(t, dir, audit.Options{})
	add(t, l, record{"web", 1}, record{"web", 2})
	if err := os.Rename(path, path+".1"); err != nil {
		t.Skipf("what is open cannot be moved here: %v", err)
	}
	add(t, l, record{"web", 3})
	lines, r := read(t, dir)
	if diff := cmp.Diff([]string{`3,"service":"web","n":3}`}, lines); diff != "" || r.BreakCount != 0 {
		t.Errorf("report %+v, lines (-want +got):\n%s", r, diff)
	}
	write(t, path, append(contents(t, path+".1"), contents(t, path)...))
	if lines, r := read(t, dir); len(lines) != 3 || r.BreakCount != 0 {
		t.Errorf("put together again: %q, %+v", lines, r)
	}
}

func TestNotAFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, audit.FileName), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Open(dir, audit.Options{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("error is %v, want one that says it is not a regular file", err)
	}
}

// FuzzRead reads any file, opens it, and appends to it.
func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	l, err := audit.Open(dir, audit.Options{})
	if err != nil {
		f.Fatal(err)
	}
	for i := range 3 {
		if err := l.Append(record{"web", i}); err != nil {
			f.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(dir, audit.FileName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{}, good)
	f.Add(good, []byte("{}\nnull\n\n\x00\n[]"))
	f.Add(good[:len(good)/2], good[len(good)/2:])
	f.Add(good, bytes.ReplaceAll(good, []byte(`"seq":`), []byte(`"seq":900719925474099`)))
	f.Fuzz(func(t *testing.T, old, current []byte) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "audit-0000000000000001.jsonl"), old)
		write(t, filepath.Join(dir, audit.FileName), current)
		_, before := readAny(t, dir)
		l := open(t, dir, audit.Options{MaxBytes: 500, MaxFiles: 9})
		if l.Head().Seq < 1<<53-3 {
			add(t, l, record{"web", 1}, record{"web", 2})
			if n, after := readAny(t, dir); n != before.Records+2 || after.Last != l.Head() || after.BreakCount > before.BreakCount+1 {
				t.Errorf("before two more records: %+v, after: %+v, want the end %+v", before, after, l.Head())
			}
		}
	})
}

func readAny(t *testing.T, dir string) (n int, r audit.Report) {
	t.Helper()
	r, err := audit.Read(dir, audit.Name, func(l audit.Line) error {
		n++
		if len(l.JSON) >= audit.MaxLine || bytes.ContainsRune(l.JSON, '\n') {
			t.Errorf("a line of %d bytes", len(l.JSON))
		}
		return nil
	})
	if err != nil || n != r.Records || len(r.Breaks) > 100 {
		t.Errorf("%d records, report %+v, error %v", n, r, err)
	}
	return n, r
}
