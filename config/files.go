package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
)

// Files returns the paths of all files that the configuration names, sorted and without duplicates. A change of one of them
// is a change of the configuration.
func (c *Config) Files() []string {
	all := map[string]bool{}
	rewrite(reflect.ValueOf(*c), place{}, func(p place, s string) string {
		if s != "" && names(p) {
			all[s] = true
		}
		return s
	})
	return slices.Sorted(maps.Keys(all))
}

// baseKey is the pattern of the base file of Alertmanager.
const baseKey = "alertmanager.base"

// names reports whether the text at p is the path of a file.
func names(p place) bool {
	return strings.HasSuffix(p.pattern, "_file") || p.pattern == baseKey || strings.HasSuffix(p.pattern, "headers.*.files")
}

// referenced checks every file that a part of the configuration names, and that it does not refer to a secret manager.
func (c *checker) referenced(p place, part reflect.Value) {
	rewrite(part, p, func(at place, s string) string {
		switch at = c.at(at); {
		case s == "":
		case names(at):
			if err := readable(s); err != nil {
				c.fail(at, "%v", err)
			}
		case strings.HasSuffix(at.pattern, "_ref"):
			c.fail(at, "needs a secret manager, which this exporter does not have; want the secret itself or a file")
		}
		return s
	})
}

// readable opens a file to see whether that is possible.
func readable(file string) error {
	info, err := os.Stat(file) // before opening: opening a named pipe could block for ever
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err == nil {
		var f *os.File
		if f, err = os.Open(file); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("opening %q: %w", file, withoutPath(err))
	}
	return nil
}

// withoutPath is an error of a file without the path, for a message that has it already.
func withoutPath(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}
