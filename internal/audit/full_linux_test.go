package audit_test

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/fulldisk"
)

// On a full disk a record is refused as a whole, and when there is space again the chain goes on.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	disk := fulldisk.Mount(t, dir, "64k")
	for _, limit := range []int64{0, 2000} { // the second with files to rotate and remove
		o := audit.Options{MaxBytes: limit, MaxFiles: 3}
		l := open(t, dir, o)
		add(t, l, record{"web", 1})
		disk.Fill()
		refused := 0
		for i := range 100 { // some fit into the last page of the file
			head := l.Head()
			if err := l.Append(record{"web", i}); err == nil {
				continue
			} else if !errors.Is(err, syscall.ENOSPC) || l.Head() != head {
				t.Fatalf("error is %v and the end %+v, want ENOSPC and %+v", err, l.Head(), head)
			}
			refused++
			whole(t, dir, l)
		}
		if limit == 0 && refused == 0 {
			t.Error("all records fit")
		}
		shut(t, l)
		l = open(t, dir, o) // a start on a full disk
		disk.Free()
		add(t, l, record{"web", 100}, record{"web", 101})
		whole(t, dir, l)
		shut(t, l)
	}
}

// A limit to the size of files, which needs no privilege, ends a write in the middle of a line.
func TestFileLimit(t *testing.T) {
	limit := fulldisk.Limit(t)
	dir := t.TempDir()
	l := open(t, dir, audit.Options{})
	for range 10 { // other files of the test process stay below the limit
		add(t, l, map[string]string{"long": strings.Repeat("x", 50_000)})
	}
	size := int64(len(contents(t, filepath.Join(dir, audit.FileName))))
	limit.Set(uint64(size) + 50)
	for range 3 {
		if err := l.Append(record{"web", 1}); !errors.Is(err, syscall.EFBIG) {
			t.Errorf("error is %v, want EFBIG", err)
		}
		whole(t, dir, l)
	}
	limit.Lift()
	add(t, l, record{"web", 2})
	if n := len(whole(t, dir, l)); n != 11 {
		t.Errorf("%d records, want 11", n)
	}
}
