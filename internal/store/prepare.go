package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"go.etcd.io/bbolt"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/durable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/permission"
)

// prepare makes the file and its directory if they do not exist, and checks their permissions.
func prepare(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the directory of the database: %w", err)
	}
	if err := keptByUs(dir, nil); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return fmt.Errorf("making %q: %w", path, err)
		}
		info, err = os.Lstat(path)
	}
	if err != nil {
		return fmt.Errorf("looking at the database: %w", err)
	}
	if err := checkFile(path, info); err != nil {
		return err
	}
	return keptByUs(path, info)
}

// keptByUs refuses a file or directory that another user could change. Other permissions beyond 0700 are the administrator's choice:
// systemd makes 0755, and a volume of Kubernetes is often writable by a group.
func keptByUs(path string, info fs.FileInfo) error {
	return permission.Err("database: ", permission.Check(permission.File{Path: path, Use: permission.Storage, Info: info}))
}

// checkFile refuses a file that anybody may have written, and takes away the permissions that others do not need.
func checkFile(path string, info fs.FileInfo) error {
	mode := info.Mode()
	switch {
	case !mode.IsRegular():
		return fmt.Errorf("%q is not a regular file: move it away", path)
	case info.Size() == 0: // the library would take it for new
		return describe(path, corrupt("it is empty"))
	case runtime.GOOS == "windows" || mode.Perm()&0o077 == 0:
		return nil
	case mode.Perm()&0o002 != 0:
		return fmt.Errorf("%q has mode %#o, anybody could have written it: check it, then chmod 600 %[1]q", path, mode.Perm())
	}
	if err := os.Chmod(path, mode.Perm()&^0o077); err != nil {
		return fmt.Errorf("%q has mode %#o, want 0600: %w: chmod 600 it as its owner", path, mode.Perm(), err)
	}
	return nil
}

// create makes a file without records. It is complete before it gets its name, so a crash leaves a whole file or none.
func create(path string) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	name := f.Name()
	defer func() { _ = os.Remove(name) }() // one that is left does no harm
	if err := f.Close(); err != nil {
		return err
	}
	err = guard(func() error {
		db, err := bbolt.Open(name, 0o600, &bbolt.Options{Timeout: lockTimeout, NoStatistics: true})
		if err != nil {
			return err
		}
		err = db.Update(func(tx *bbolt.Tx) error { return put(tx, nil, digest{}) })
		return errors.Join(err, db.Close())
	})
	if err != nil {
		return err
	}
	// Unlike a rename, a link never replaces a file that another instance has made meanwhile.
	if err := os.Link(name, path); err != nil && !errors.Is(err, fs.ErrExist) {
		if _, missing := os.Lstat(path); !errors.Is(missing, fs.ErrNotExist) {
			return err
		}
		if err := os.Rename(name, path); err != nil { // not every file system has links
			return err
		}
	}
	return durable.SyncDir(dir)
}
