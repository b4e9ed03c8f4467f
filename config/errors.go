package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a configuration file.
type Problem struct {
	// File is the name that was given to Parse.
	File string
	// Line counts from 1. 0: not known.
	Line int
	// Path is the way to the key, such as "modules.http_2xx.http.method". Empty: the file as a whole.
	Path string
	// Message says what is wrong, in one line and without the value of a secret.
	Message string
}

// String is the problem in one line, in the form that editors and terminals can jump to.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Path != "" {
		b.WriteString(": " + p.Path)
	}
	return b.String() + ": " + p.Message
}

// Errors are all problems of a configuration file, sorted by line. Parse and Load return them for a file that could be
// read.
type Errors []Problem

// Error lists the problems, a line each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Path, b.Path), strings.Compare(a.Message, b.Message))
	})
}
