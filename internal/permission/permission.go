// Package permission says which files somebody else could read or change, and how to repair that.
//
// What others can write decides what the exporter runs, whom it believes and what it restarts, so that is refused. What
// they can only read is warned of: Kubernetes and Docker mount secrets readable by all into containers where nobody else
// is. What a group may do its administrator has decided: directories such as /usr/local/bin and volumes with an fsGroup
// are writable by a group as a rule.
package permission

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"runtime"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A severity is what follows from a finding.
type severity int

const (
	ignored severity = iota
	warned
	refused
)

// A Use is what a file is for.
type Use int

// The uses of files and directories.
const (
	Program  Use = iota // is run
	Argument            // is given to a program that is run, and may be a script
	Secret              // holds a secret
	Trusted             // is believed, but no secret
	Config              // says what is probed
	Powerful            // is a Config that also says what is restarted
	Inline              // is a Config or Powerful that holds a secret itself
	Access              // says who is let in
	Targets             // lists targets
	Outbox              // is a directory with secrets for another program
	Storage             // is a directory or file that the exporter writes itself
)

// The rules say for each use what follows from a finding.
var rules = map[Use]struct {
	written  severity // anybody can write to the file
	replaced severity // anybody can write to a directory above it, and so put another file in its place
	owned    severity // it, or a directory above it, belongs to somebody who is neither root nor the exporter's user
	asRoot   severity // the same where the exporter runs as root, whose rights that user could get
	read     severity // anybody can read it
	entered  severity // anybody can enter it
}{
	Program:  {written: refused, replaced: refused, owned: warned, asRoot: warned},
	Argument: {written: warned, replaced: warned, asRoot: warned},
	Secret:   {written: refused, replaced: warned, read: warned},
	Trusted:  {written: refused, replaced: warned},
	Config:   {written: warned, replaced: warned, asRoot: warned},
	Powerful: {written: refused, replaced: warned, asRoot: warned},
	Inline:   {read: warned},
	Access:   {written: refused, replaced: warned},
	Targets:  {written: warned, replaced: warned},
	Outbox:   {written: refused, replaced: warned, entered: refused},
	Storage:  {written: refused, owned: refused, asRoot: refused},
}

// A File is what is to be looked at.
type File struct {
	// Place is where it is named, and stands before what is wrong. Empty: nothing stands there.
	Place string
	Path  string
	Use   Use
	// Info is what is known of a file of use Storage. nil: it is looked at.
	Info fs.FileInfo
	// Home is a directory whose owner is as good as the exporter's own user. Empty: there is none.
	Home string
}

// A Finding is one thing that is wrong with a file, and the command that repairs it.
type Finding struct {
	Text    string
	Refused bool // false: it is a warning
}

// Check looks at files. What does not exist, or cannot be looked at, has no permissions: whoever needs it will complain.
func Check(files ...File) []Finding {
	if runtime.GOOS == "windows" { // which has other permissions
		return nil
	}
	var all []Finding
	for _, f := range files {
		all = append(all, check(f)...)
	}
	return all
}

// Err is an error of what is refused, one line for each, which begins with prefix; nil: nothing is.
func Err(prefix string, findings []Finding) error {
	var errs []error
	for _, f := range findings {
		if f.Refused {
			errs = append(errs, errors.New(prefix+f.Text))
		}
	}
	return errors.Join(errs...)
}

// Warnings are the texts of what is not refused.
func Warnings(findings []Finding) []string {
	var all []string
	for _, f := range findings {
		if !f.Refused {
			all = append(all, f.Text)
		}
	}
	return all
}

// An inspection is what is known while one file is looked at.
type inspection struct {
	use Use
	who identity
}

// check says at most one thing of each directory on the way to f, and of f itself: the worst.
func check(f File) []Finding {
	way, err := f.way()
	if err != nil || f.Use == Argument && !way[len(way)-1].info.Mode().IsRegular() { // most arguments are no files
		return nil
	}
	in := inspection{f.Use, currentUser(f.Home)}
	var all []Finding
	for i, s := range way {
		severity, text := in.look(s, i == len(way)-1)
		if severity == ignored {
			continue
		}
		if f.Place != "" {
			text = f.Place + ": " + text
		}
		all = append(all, Finding{Text: printable.Clean(text), Refused: severity == refused})
	}
	if len(all) > 0 && mountedReadOnly(way) {
		return nil
	}
	return all
}

// look looks at the file itself, or at a directory above it.
func (in inspection) look(s step, itself bool) (severity, string) {
	rule, mode, path := rules[in.use], s.info.Mode(), Quote(s.path)
	written, owned := rule.replaced, rule.owned
	if itself {
		written = rule.written
	}
	if in.who.root() {
		owned = rule.asRoot
	}
	writable := s.open && mode&0o002 != 0 && (itself || mode&fs.ModeSticky == 0)
	owner, strange := in.who.stranger(s.info)
	switch {
	case writable && written != ignored:
		repair := "chmod o-w " + path
		if itself && in.use == Secret {
			repair = in.who.keepPrivate(s)
		}
		return written, fmt.Sprintf("%s has mode %s: anybody could %s: %s", path, octal(mode), harm(in.use, itself), repair)
	case strange && owned != ignored:
		command := "chown"
		if in.use == Storage {
			command = "chown -R"
		}
		return owned, fmt.Sprintf("%s belongs to the user %s, who could %s: %s %s %s", path, owner, harm(in.use, itself), command, in.who.name(), path)
	case itself && s.open && mode&0o004 != 0 && rule.read != ignored:
		return rule.read, fmt.Sprintf("%s has mode %s: anybody on this machine can read the secret in it: %s", path, octal(mode), in.who.keepPrivate(s))
	case itself && s.open && mode&0o005 != 0 && rule.entered != ignored:
		return rule.entered, fmt.Sprintf("%s has mode %s: anybody on this machine could enter it, and secrets are written there: chmod o-rwx %s", path, octal(mode), path)
	default:
		return ignored, ""
	}
}

// harm is what somebody could do with a file of this use, or with a directory above it.
func harm(use Use, itself bool) string {
	what := map[Use]string{
		Program: "change what is run", Argument: "change what the program reads or runs", Secret: "change the secret",
		Trusted: "change what is trusted", Config: "change what is probed", Powerful: "change what is restarted and how",
		Targets: "change what is probed", Access: "change who is let in", Storage: "replace what is kept of restarts",
		Outbox: "change what Alertmanager does",
	}[use]
	if !itself {
		what = "put another file in its place and " + what
	}
	return what
}

func octal(mode fs.FileMode) string {
	bits := uint32(mode.Perm())
	if mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return fmt.Sprintf("%04o", bits)
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_/.,:@%+=-]+$`)

// Quote makes a path one word of a shell.
func Quote(path string) string {
	if plain.MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
