// Package durable makes changes of a directory survive a power cut.
package durable

import (
	"errors"
	"os"
	"runtime"
)

// SyncDir writes the names in a directory to the disk: those that were made, changed or removed before the call.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" { // directories cannot be synced there
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
