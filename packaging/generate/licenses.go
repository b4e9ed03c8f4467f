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

// noticeFile and licenseFile match the names of files that say who made a module, and what may be done with it.
var (
	licenseFile = regexp.MustCompile(`(?i)^(licen[sc]e|copying)([.-].*)?$`)
	noticeFile  = regexp.MustCompile(`(?i)^(notice|patents|copyright)([.-].*)?$`)
)

// A license is one that a module may have, by a name of SPDX, https://spdx.org/licenses/.
type license struct {
	id       string
	has, not string // words that its text has, and words by which it is another one
}

// known are the licences that some module has. A module with none of them is an error, so that a person reads it.
var known = []license{
	{"Apache-2.0", "apache license, version 2.0", ""},
	{"BSD-2-Clause", "redistributions of source code must retain", "endorse or promote"},
	{"BSD-3-Clause", "endorse or promote", ""},
	{"MIT", "permission is hereby granted, free of charge, to any person obtaining", ""},
}

// A text is a file about licences.
type text struct{ file, content string }

// listed is where the directories of modules are read: packaging/modules.sh prints them.
var listed io.Reader = os.Stdin

// directories returns the directories of the modules that the program may be made of, and of the standard library.
func directories() (map[string]string, error) {
	dirs := map[string]string{}
	lines := bufio.NewScanner(listed)
	for lines.Scan() {
		path, dir, _ := strings.Cut(lines.Text(), " ")
		dirs[path] = dir
	}
	return dirs, lines.Err()
}

// licenses writes the licences of all modules in a binary. Most of them want to be in every copy. A text is there once, below the
// names of all files that have it.
func licenses(out io.Writer, binary string, _ about) error {
	all, _, err := modules(binary)
	if err != nil {
		return err
	}
	var contents []string // in the order in which modules have them
	of := map[string][]string{}
	for _, m := range all {
		for _, t := range m.Texts {
			if of[t.content] == nil {
				contents = append(contents, t.content)
			}
			of[t.content] = append(of[t.content], fmt.Sprintf("%s %s: %s", m.Path, m.Version, t.file))
		}
	}
	fmt.Fprintln(out, "What is linked into healthcheck_exporter, and under which terms. std is the standard library of Go.")
	for _, c := range contents {
		rule := strings.Repeat("=", 80)
		if _, err := fmt.Fprintf(out, "\n%s\n%s\n%s\n\n%s\n", rule, strings.Join(of[c], "\n"), rule, c); err != nil {
			return err
		}
	}
	return nil
}

// textsIn reads the files about licences in the directory of a module, and names the licences. Both none and one that is not known
// are an error.
func textsIn(dir string) (texts []text, ids []string, err error) {
	if dir == "" {
		return nil, nil, errors.New("its directory is not listed")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		isLicense := licenseFile.MatchString(e.Name())
		if e.IsDir() || !isLicense && !noticeFile.MatchString(e.Name()) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, nil, err
		}
		texts = append(texts, text{e.Name(), strings.TrimSpace(strings.ReplaceAll(string(content), "\r\n", "\n"))})
		if !isLicense {
			continue
		}
		found := identify(string(content))
		if found == nil {
			return nil, nil, fmt.Errorf("no licence that is known in %s: read it, and add it to packaging/generate", filepath.Join(dir, e.Name()))
		}
		ids = append(ids, found...)
	}
	if ids == nil {
		return nil, nil, fmt.Errorf("no licence in %s", dir)
	}
	slices.Sort(ids)
	return texts, slices.Compact(ids), nil
}

// identify names the licences in a text.
func identify(content string) (ids []string) {
	words := strings.Join(strings.Fields(strings.ToLower(content)), " ")
	words = strings.ReplaceAll(words, "license version 2.0", "license, version 2.0") // its own head has no comma
	for _, l := range known {
		if strings.Contains(words, l.has) && (l.not == "" || !strings.Contains(words, l.not)) {
			ids = append(ids, l.id)
		}
	}
	return ids
}
