package store

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

func skipOnWindows(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has other permissions, and does not let an open file be truncated or replaced")
	}
}

func TestPermissions(t *testing.T) {
	skipOnWindows(t)
	for _, tt := range []struct {
		name      string
		dir, file os.FileMode
		want      string // of the error; empty: none
	}{
		{"ours", 0o700, 0o600, ""},
		{"directory of systemd", 0o755, 0o600, ""},
		{"volume with a group", 0o770, 0o660, ""},
		{"file to be read by all", 0o700, 0o644, ""},
		{"anybody's directory", 0o777, 0o600, "chmod o-w"},
		{"anybody's file", 0o700, 0o666, "chmod 600"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			shut(t, s)
			if err := errors.Join(os.Chmod(dir, tt.dir), os.Chmod(s.Path(), tt.file)); err != nil {
				t.Fatal(err)
			}
			s, err := Open(filepath.Join(dir, fileName))
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), dir) {
					t.Errorf("error is %v, want one with %q and the path", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer shut(t, s)
			if info, err := os.Stat(s.Path()); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the file has mode %#o (%v), want 0600", info.Mode().Perm(), err)
			}
		})
	}
}

// A file of another user is refused whatever its mode is: that user could replace it.
func TestAnotherUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make files of another user")
	}
	const another = 65533
	for _, name := range []string{"", fileName} {
		dir := t.TempDir()
		shut(t, open(t, dir))
		path := filepath.Join(dir, name)
		if err := os.Chown(path, another, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(filepath.Join(dir, fileName)); err == nil || !strings.Contains(err.Error(), "chown -R root "+path) {
			t.Errorf("with %q of another user the error is %v, want one with chown -R root and the path", path, err)
		}
	}
}

func TestNewPermissions(t *testing.T) {
	skipOnWindows(t)
	dir := filepath.Join(t.TempDir(), "new")
	s := open(t, dir)
	for path, want := range map[string]os.FileMode{dir: 0o700, s.Path(): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %#o (%v), want %#o", path, info.Mode().Perm(), err, want)
		}
	}
}

func TestNotAFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, fileName), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(dir, fileName)); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("error is %v, want one that says it is not a regular file", err)
	}
	if _, err := Open(filepath.Join(dir+"\x00", fileName)); err == nil {
		t.Error("no error for a directory that cannot be made")
	}
}

// A file that is truncated while it is open is mapped memory that no longer exists.
func TestTruncatedWhileOpen(t *testing.T) {
	skipOnWindows(t)
	s := open(t, t.TempDir())
	save(t, s, "k", "before")
	if err := os.Truncate(s.Path(), 100); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Save("k", []byte("after")); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), s.Path()) {
			t.Errorf("error is %v, want ErrCorrupt and the path", err)
		}
	}
	want(t, s, map[string]string{"k": "before"})
	shut(t, s) // does not wait for a lock that the library may have left behind
}

// A save to a file without a name would be lost, and another instance could make a new file.
func TestRemovedWhileOpen(t *testing.T) {
	skipOnWindows(t)
	s := open(t, t.TempDir())
	save(t, s, "k", "1")
	aside := s.Path() + ".aside"
	if err := os.Rename(s.Path(), aside); err != nil {
		t.Fatal(err)
	}
	if err := s.Save("k", []byte("2")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want ErrNotExist", err)
	}
	if err := os.WriteFile(s.Path(), []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Save("k", []byte("2")); err == nil || !strings.Contains(err.Error(), "no longer the file that was opened") {
		t.Errorf("error is %v, want one that says that the file is another", err)
	}
	if err := os.Rename(aside, s.Path()); err != nil {
		t.Fatal(err)
	}
	save(t, s, "k", "2")
}

// If the last fsync fails, the new records may be on the disk or not. They are never taken as in force.
func TestUncertain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, "k", "before")
	var sum digest
	sum.toggle("k", []byte("after"))
	sum.toggle("new", []byte("after"))
	err := s.db.Update(func(tx *bbolt.Tx) error {
		return put(tx, map[string][]byte{"k": []byte("after"), "new": []byte("after")}, sum)
	})
	if err != nil {
		t.Fatal(err)
	}
	s.unsure["k"], s.unsure["new"] = struct{}{}, struct{}{} // as if SaveAll had got an error
	save(t, s, "k", "before")
	if n := s.Transactions(); n != 2 {
		t.Errorf("%d transactions, want 2: what is on the disk was not certain", n)
	}
	save(t, s, "k", "before")
	if n := s.Transactions(); n != 2 {
		t.Errorf("%d transactions, want 2: now it is certain", n)
	}
	shut(t, s)
	want(t, open(t, dir), map[string]string{"k": "before"})
}
