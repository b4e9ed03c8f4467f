package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
)

// A FileUse says what a file is for, and so what it means that somebody else can read or change it.
type FileUse int

// The uses of files.
const (
	SecretFile   FileUse = iota // holds a secret, and nobody else should read it
	PublicFile                  // is trusted, such as a certificate, and anybody may read it
	ProgramFile                 // is run
	ArgumentFile                // is given to a program, which may run it
	ListFile                    // lists targets
)

// A NamedFile is a file that a configuration names.
type NamedFile struct {
	Place string // such as restart.receiver.bearer_token_file
	Path  string
	Use   FileUse
	// Home is a directory whose owner runs a ProgramFile. Empty: the exporter's own user does.
	Home string
}

// publicFiles are the keys of files that hold no secret. All others may hold one, those of the future too.
var publicFiles = set("ca_file", "cert_file", "username_file")

// A runningBlock is a block of Backends that runs programs.
type runningBlock interface {
	// runs are the programs and their arguments; the places count from the block.
	runs() []NamedFile
}

// Named are the files that the configuration names, what it runs among them. They need not exist: an argument of a
// program may be anything.
func (c *Config) Named() []NamedFile {
	var all []NamedFile
	rewrite(reflect.ValueOf(*c), place{}, func(p place, s string) string {
		if s != "" && names(p) {
			use := SecretFile
			if publicFiles[p.name] {
				use = PublicFile
			}
			all = append(all, NamedFile{Place: p.path, Path: s, Use: use})
		}
		return s
	})
	all = append(all, c.targetLists()...)
	if c.Restart == nil {
		return all
	}
	for i := range c.Restart.Services {
		for _, b := range c.Restart.Services[i].blocks() {
			if r, ok := b.block.(runningBlock); ok && b.set {
				for _, f := range r.runs() {
					f.Place = fmt.Sprintf("restart.services[%d].%s.%s", i, b.key, f.Place)
					all = append(all, f)
				}
			}
		}
	}
	return all
}

// targetLists are the files that target_files matches now.
func (c *Config) targetLists() []NamedFile {
	var all []NamedFile
	for i, file := range c.TargetFiles {
		matches, err := filepath.Glob(file.Path)
		if err != nil {
			continue // a pattern that is wrong is refused elsewhere
		}
		for _, path := range matches {
			all = append(all, NamedFile{Place: fmt.Sprintf("target_files[%d]", i), Path: path, Use: ListFile})
		}
	}
	return all
}

func (cmd *Command) runs() []NamedFile {
	all := make([]NamedFile, len(cmd.Argv))
	for i, arg := range cmd.Argv {
		all[i] = NamedFile{Place: fmt.Sprintf("argv[%d]", i), Path: arg, Use: ArgumentFile}
		if i == 0 {
			all[i].Use = ProgramFile
		}
		if !filepath.IsAbs(arg) {
			all[i].Path = filepath.Join(cmp.Or(cmd.Dir, "/"), arg)
		}
	}
	return all
}

func (b *PM2) runs() []NamedFile {
	all := []NamedFile{{Place: "program", Path: b.Program, Use: ProgramFile, Home: b.Home}}
	if b.Node != "" {
		all = append(all, NamedFile{Place: "node", Path: b.Node, Use: ProgramFile, Home: b.Home})
	}
	return all
}

// inlineSecrets are the keys whose texts are secrets by themselves. Others, such as a body, may be one; what they are
// nobody can know.
var inlineSecrets = set("bearer_token", "password", "credentials", "client_secret", "client_certificate_key", "key", "secrets")

// HoldsSecret reports whether a secret stands in the configuration itself, and not in a file of its own.
func (c *Config) HoldsSecret() bool {
	found := false
	rewrite(reflect.ValueOf(*c), place{}, func(p place, s string) string {
		key := p.pattern[strings.LastIndexByte(p.pattern, '.')+1:]
		found = found || s != "" && inlineSecrets[key] || p.pattern == "restart.services.http.url" && s != ""
		return s
	})
	return found
}
