package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/fulldisk"
)

// TestFull fills a small file system.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	disk := fulldisk.Mount(t, dir, "512k")
	testFull(t, dir, disk.Fill, disk.Free)
	remount := func(flags uintptr) {
		if err := syscall.Mount("none", dir, "", syscall.MS_REMOUNT|flags, ""); err != nil {
			t.Skipf("cannot remount: %v", err)
		}
	}
	remount(0)
	s := open(t, dir)
	save(t, s, "k", "1")
	shut(t, s)
	remount(syscall.MS_RDONLY)
	_, err := Open(filepath.Join(dir, fileName))
	if !errors.Is(err, syscall.EROFS) || errors.Is(err, ErrCorrupt) {
		t.Errorf("error is %v, want EROFS", err)
	}
	remount(0)
	want(t, open(t, dir), map[string]string{"k": "1", "small": "3"})
}

// TestFileLimit does the same with a limit to the size of files, which needs no privilege.
func TestFileLimit(t *testing.T) {
	limit := fulldisk.Limit(t)
	dir := t.TempDir()
	s := open(t, dir) // a file so large that other files of the test process stay below the limit
	save(t, s, "ballast", strings.Repeat("x", 500_000))
	if err := s.Delete("ballast"); err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	testFull(t, dir, func() {
		info, err := os.Stat(filepath.Join(dir, fileName))
		if err != nil {
			t.Fatal(err)
		}
		limit.Set(uint64(info.Size()))
	}, limit.Lift)
}

// testFull saves before, while and after the disk is full, in one process and across a restart.
func testFull(t *testing.T, dir string, fill, free func()) {
	t.Helper()
	s := open(t, dir)
	save(t, s, "small", "1")
	save(t, s, "other", "1")
	fill()
	full := s.Save("new", bytes.Repeat([]byte("x"), MaxValue))
	if full == nil || errors.Is(full, ErrCorrupt) {
		t.Fatalf("error is %v, want one about the disk", full)
	}
	small := s.Save("small", []byte("2"))
	before := map[string]string{"small": "1", "other": "1"}
	if small == nil { // there were free pages in the file
		before["small"] = "2"
	}
	want(t, s, before)
	shut(t, s)
	s = open(t, dir) // needs no space
	want(t, s, before)
	if err := s.Save("new", bytes.Repeat([]byte("x"), MaxValue)); err == nil {
		t.Fatal("there was space")
	}
	free()
	save(t, s, "small", "3")
	before["small"] = "3"
	want(t, s, before)
	shut(t, s)
	s = open(t, dir)
	want(t, s, before)
	if err := s.Delete("other"); err != nil {
		t.Fatal(err)
	}
	shut(t, s)
}
