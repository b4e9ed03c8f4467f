package fulldisk

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// A Disk is a small file system in memory.
type Disk struct {
	t       testing.TB
	ballast string
}

// Mount mounts a file system of this size, such as "64k", at dir until the end of the test. The test is skipped if it may
// not mount.
func Mount(t testing.TB, dir, size string) *Disk {
	t.Helper()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size="+size+",mode=700"); err != nil {
		t.Skipf("only root may mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return &Disk{t: t, ballast: filepath.Join(dir, "ballast")}
}

// ballast is more than any Disk has room for, in bytes.
const ballast = 1 << 20

// Fill fills the disk.
func (d *Disk) Fill() {
	d.t.Helper()
	if err := os.WriteFile(d.ballast, make([]byte, ballast), 0o600); !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatalf("the disk is not full: %v", err)
	}
}

// Free takes away what Fill has written.
func (d *Disk) Free() {
	d.t.Helper()
	if err := os.Remove(d.ballast); err != nil {
		d.t.Fatal(err)
	}
}

// A FileLimit bounds the size of every file that the process writes, which needs no privilege.
type FileLimit struct {
	t      testing.TB
	before syscall.Rlimit
}

// Limit makes a FileLimit. It ends with the test.
func Limit(t testing.TB) *FileLimit {
	t.Helper()
	l := &FileLimit{t: t}
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l.before); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ) // a write beyond the limit is to fail with EFBIG
	t.Cleanup(l.Lift)
	return l
}

// Set sets the limit, in bytes.
func (l *FileLimit) Set(size uint64) {
	l.t.Helper()
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: l.before.Max}); err != nil {
		l.t.Fatal(err)
	}
}

// Lift takes the limit away.
func (l *FileLimit) Lift() { l.Set(l.before.Cur) }
