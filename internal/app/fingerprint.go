package app

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

// A fingerprint says what was in files. Those that it names are the ones to watch.
type fingerprint map[string][sha256.Size]byte

// add takes the contents of files as they are now.
func (f fingerprint) add(files ...string) {
	for _, name := range files {
		f[name] = checksum(name)
	}
}

// changed reports whether the contents of a file are others now.
func (f fingerprint) changed() bool {
	for name, sum := range f {
		if checksum(name) != sum {
			return true
		}
	}
	return false
}

// checksum covers the contents of a file; one that cannot be read counts by its error. A pipe is not touched: what
// is read from it is gone, and the one who loads needs it.
func checksum(name string) [sha256.Size]byte {
	h := sha256.New()
	if err := copyFile(h, name); err != nil {
		fmt.Fprintf(h, "\x00%v", err)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func copyFile(w io.Writer, name string) error {
	info, err := os.Stat(name) // before opening, which could wait for ever at a pipe
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("reading %q: not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	_, err = io.Copy(w, f)
	return err
}
