package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licenseFile matches the names of files that say what may be done with a module, and who made it.
var licenseFile = regexp.MustCompile(`(?i)^(licen[sc]e|copying|notice|patents|copyright)([.-].*)?$`)

// listed is where licenses reads the directories of modules, as lines of PATH DIRECTORY: "go list -m" knows them.
var listed io.Reader = os.Stdin

// licenses writes the licences of all modules in a binary. Most of them want to be in every copy. A text is there once, below the
// names of all files that have it.
func licenses(out io.Writer, binary string, _ about) error {
	all, _, err := modules(binary)
	if err != nil {
		return err
	}
	dirs := map[string]string{}
	lines := bufio.NewScanner(listed)
	for lines.Scan() {
		path, dir, _ := strings.Cut(lines.Text(), " ")
		dirs[path] = dir
	}
	if err := lines.Err(); err != nil {
		return err
	}
	var texts []string // in the order in which modules have them
	of := map[string][]string{}
	for _, m := range all {
		files, err := licensesIn(dirs[m.Path])
		if err != nil {
			return fmt.Errorf("module %s: %w", m.Path, err)
		}
		for _, f := range files {
			text, err := os.ReadFile(filepath.Join(dirs[m.Path], f))
			if err != nil {
				return err
			}
			t := strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n"))
			if of[t] == nil {
				texts = append(texts, t)
			}
			of[t] = append(of[t], fmt.Sprintf("%s %s: %s", m.Path, m.Version, f))
		}
	}
	fmt.Fprintln(out, "What is linked into healthcheck_exporter, and under which terms. std is the standard library of Go.")
	for _, t := range texts {
		rule := strings.Repeat("=", 80)
		if _, err := fmt.Fprintf(out, "\n%s\n%s\n%s\n\n%s\n", rule, strings.Join(of[t], "\n"), rule, t); err != nil {
			return err
		}
	}
	return nil
}

// licensesIn returns the names of the files about licences in a directory. That there is none is an error.
func licensesIn(dir string) ([]string, error) {
	if dir == "" {
		return nil, errors.New("its directory is not listed")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && licenseFile.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	if !slices.ContainsFunc(names, func(n string) bool { return !strings.HasPrefix(strings.ToLower(n), "notice") }) {
		return nil, fmt.Errorf("no licence in %s", dir)
	}
	return names, nil
}
