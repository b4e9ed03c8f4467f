// Command generate writes files of a release that are made of others: the page of the configuration file, and what is known of the
// modules in a binary. They go to standard output.
package main

import (
	"debug/buildinfo"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// commands are what generate writes, by the name of it. Each gets the file or directory that it is made of.
var commands = map[string]func(out io.Writer, file string, about about) error{
	"manual":   manual,
	"sbom":     sbom,
	"licenses": licenses,
	"zip":      pack,
}

// about is what the files say of the release.
type about struct {
	Version string
	Time    time.Time // of the commit
}

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "generate: %v\n", err)
		os.Exit(2)
	}
}

func run(out io.Writer, args []string) error {
	flags := flag.NewFlagSet("generate", flag.ContinueOnError)
	version := flags.String("version", "", "version of the release")
	epoch := flags.Int64("epoch", 0, "time of its commit, in seconds since 1970")
	if err := flags.Parse(args); err != nil {
		return err
	}
	command := commands[flags.Arg(0)]
	if command == nil || flags.NArg() != 2 {
		return errors.New("want manual REFERENCE.yml, sbom BINARY, licenses BINARY or zip DIRECTORY")
	}
	return command(out, flags.Arg(1), about{Version: *version, Time: time.Unix(*epoch, 0).UTC()})
}

// A module is one that is in a binary, or the standard library.
type module struct {
	Path, Version string
	Sum           string   // as in go.sum; the standard library has none
	Texts         []text   // about its licences
	Licenses      []string // by their names of SPDX
}

// modules returns what a binary was made of, as "go version -m" does, with the licences that are listed for each. The standard
// library comes first.
func modules(binary string) ([]module, *buildinfo.BuildInfo, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %q: %w", binary, err)
	}
	all := []module{{Path: "std", Version: info.GoVersion}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		all = append(all, module{Path: m.Path, Version: m.Version, Sum: m.Sum})
	}
	dirs, err := directories()
	if err != nil {
		return nil, nil, err
	}
	for i, m := range all {
		if all[i].Texts, all[i].Licenses, err = textsIn(dirs[m.Path]); err != nil {
			return nil, nil, fmt.Errorf("module %s: %w", m.Path, err)
		}
	}
	return all, info, nil
}
