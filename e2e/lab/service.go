package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// A service is an app under PM2.
type service struct {
	name    string
	dir     string // of the files that tell it how to be
	address string // of the app
	url     string // where it is asked: that of the front, if there is one
}

func (s *service) write(file, text string) error {
	return os.WriteFile(filepath.Join(s.dir, file), []byte(text), 0o600)
}

func (s *service) remove(file string) error {
	if err := os.Remove(filepath.Join(s.dir, file)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil // a restart was faster
}

// kill ends the process of the app as a crash would.
func (s *service) kill() error {
	text, err := os.ReadFile(filepath.Join(s.dir, filePID))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}
