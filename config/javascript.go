package config

import (
	"bytes"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// maxScript is how much of a program is read to see what it is, in bytes. Wrappers are short.
const maxScript = 4 << 10

// A script is the beginning of a program that another program will run.
type script struct {
	head []byte // empty: an empty file
	file string // with all links resolved
}

// readScript reads the beginning of a program. It returns false if that cannot be read, and so cannot be judged.
func readScript(program string) (script, bool) {
	file, err := filepath.EvalSymlinks(program)
	if err != nil {
		return script{}, false
	}
	f, err := os.Open(file)
	if err != nil {
		return script{}, false
	}
	defer func() { _ = f.Close() }() // only read
	head, err := io.ReadAll(io.LimitReader(f, maxScript))
	return script{bytes.TrimPrefix(head, []byte("\ufeff")), file}, err == nil
}

// interpreter returns the name of the program that the first line asks for, such as "node" or "sh", and whether it is looked
// up in PATH. The name is empty if there is no such line.
func (s script) interpreter() (name string, inPath bool) {
	line, _, _ := bytes.Cut(s.head, []byte("\n"))
	asks, found := bytes.CutPrefix(line, []byte("#!"))
	words := strings.Fields(string(asks))
	if !found || len(words) == 0 {
		return "", false
	}
	name = path.Base(words[0])
	if name != "env" {
		return name, false
	}
	for _, word := range words[1:] {
		if !strings.HasPrefix(word, "-") && !strings.Contains(word, "=") {
			return path.Base(word), true
		}
	}
	return name, false
}

var (
	// Some scripts are in two languages: a shell runs the second line, which starts node, and for node that line is a string
	// and a comment.
	bilingual = regexp.MustCompile(`^#![^\n]*\n\s*(':'|":") *//`)
	// What a shell script without an interpreter line may have, and JavaScript does not.
	shell = regexp.MustCompile(`(?m)^\s*(exec|export|set -|\. /)|"\$@"|^@echo `)
)

// notJavaScript says what a program is instead of JavaScript. It is empty if node may be able to run it.
func notJavaScript(program string) string {
	s, ok := readScript(program)
	switch name, _ := s.interpreter(); {
	case !ok:
		return ""
	case len(bytes.TrimSpace(s.head)) == 0:
		return "an empty file"
	case bytes.IndexByte(s.head, 0) >= 0:
		return "a binary"
	case name == "node", name == "nodejs", name == "bun", name == "deno", bilingual.Match(s.head):
		return ""
	case name != "":
		return "a script for " + printable.Text(name, printable.MaxLog)
	case strings.HasSuffix(s.file, ".js"), strings.HasSuffix(s.file, ".cjs"), strings.HasSuffix(s.file, ".mjs"):
		return ""
	case shell.Match(s.head):
		return "a shell script"
	default:
		return ""
	}
}
