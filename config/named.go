package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
)

// A FileUse says what a file is for, and so how bad it is that somebody else can read or change it.
type FileUse int

// The uses of files.
const (
	SecretFile   FileUse = iota // holds a secret, and nobody else should read it
	PublicFile                  // is trusted, such as a certificate; anybody may read it
	ProgramFile                 // is run
	ArgumentFile                // is given to a program, which may run it
	ListFile                    // lists targets
)

// A NamedFile is a file that a configuration names.
type NamedFile struct {
	Place string // such as restart.receiver.bearer_token_file
	Path  string
	Use   FileUse
	// Home is a directory whose owner runs a ProgramFile. Empty: the user of the exporter runs it.
	Home string
}

// publicFiles are the keys of files without secrets. All other files may hold secrets, including those of keys to come.
var publicFiles = set("ca_file", "cert_file", "username_file", "base")

// A runningBlock is a block of Backends that runs programs.
type runningBlock interface {
	// runs returns the programs and their arguments. Their places begin at the block.
	runs() []NamedFile
}

// Named returns the files that the configuration names, including the programs that it runs. They need not exist: an argument
// of a program may be anything.
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

// targetLists returns the files that target_files matches now.
func (c *Config) targetLists() []NamedFile {
	var all []NamedFile
	for i, file := range c.TargetFiles {
		matches, err := filepath.Glob(file.Path)
		if err != nil {
			continue // a wrong pattern is reported elsewhere
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

// inlineSecrets are the keys whose texts are always secrets. Others, such as a body, may be secret or not.
var inlineSecrets = set("bearer_token", "password", "credentials", "client_secret", "client_certificate_key", "key", "secrets")

// HoldsSecret reports whether the configuration itself holds a secret, instead of naming a file.
func (c *Config) HoldsSecret() bool {
	found := false
	rewrite(reflect.ValueOf(*c), place{}, func(p place, s string) string {
		key := p.pattern[strings.LastIndexByte(p.pattern, '.')+1:]
		found = found || s != "" && inlineSecrets[key] || p.pattern == "restart.services.http.url" && s != ""
		return s
	})
	return found
}
