// Package config reads healthcheck.yml: YAML in, checked values out. It reports everything that is wrong with a file at once,
// with the line of each problem, and never shows the value of a secret.
//
// Files that a configuration names are relative to the current working directory, as in blackbox_exporter.
package config

import (
	"bytes"
	_ "embed" // default.yml
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed default.yml
var defaultYAML []byte

// Default returns the configuration that is used without a file.
func Default() *Config {
	c, err := Parse("default.yml", defaultYAML)
	if err != nil {
		panic(err) // it is compiled in, and a test loads it
	}
	return c
}

// DefaultYAML returns the text of Default.
func DefaultYAML() []byte { return bytes.Clone(defaultYAML) }

// DefaultTimeoutOffset is the offset of Load and Parse, and the default of the command line.
const DefaultTimeoutOffset = 500 * time.Millisecond

// Options are what a configuration is checked against, besides itself.
type Options struct {
	// TimeoutOffset is how much of a scrape is not available to the probe, at most a tenth of the scrape. A target's timeout
	// and the offset must fit into its interval.
	TimeoutOffset time.Duration
	// IgnoreForeignModules leaves out the modules of the probers that only blackbox_exporter has, so that one file can serve
	// both. See Config.Foreign.
	IgnoreForeignModules bool
}

// Load reads and checks a configuration file. The error is of type Errors, unless the file could not be read.
func Load(path string) (*Config, error) {
	return Options{TimeoutOffset: DefaultTimeoutOffset}.Load(path)
}

// Load is like the function Load.
func (o Options) Load(path string) (*Config, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	return o.Read(path, file)
}

// Read is like Parse for the text that r returns.
func (o Options) Read(name string, r io.Reader) (*Config, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading configuration: %w", err)
	case len(data) > maxFile:
		return nil, fmt.Errorf("reading configuration: %q has more than %d MiB; list targets in target_files", name, maxFile>>20)
	}
	return o.Parse(name, data)
}

// Parse checks the text of a configuration file, and the files that it names. The name is shown in messages; usually it is
// the path. The error is of type Errors.
func Parse(name string, data []byte) (*Config, error) {
	return Options{TimeoutOffset: DefaultTimeoutOffset}.Parse(name, data)
}

// Parse is like the function Parse.
func (o Options) Parse(name string, data []byte) (*Config, error) {
	d := &decoder{file: name, lines: map[string]int{}, active: map[*yaml.Node]bool{}}
	c := &Config{}
	if root := d.document(data); root != nil {
		top := place{line: root.Line}
		d.duplicates(top, root)
		d.value(top, root, reflect.ValueOf(c).Elem())
		d.check(top, c, o)
	}
	if len(d.problems) > 0 {
		d.problems.sort()
		return nil, d.problems
	}
	return c, nil
}

// check checks what the types cannot check, and brings the values into their final form.
func (d *decoder) check(top place, c *Config, o Options) {
	modules := top.field("modules")
	switch named := d.lines[modules.path] != 0; {
	case len(c.Modules) > 0:
	case named || len(c.Targets) == 0 && !c.hasSources() && c.Restart == nil && c.Access == nil && c.Status == (Status{}):
		targets := top.field("targets")
		switch _, empty := d.lines[targets.path]; {
		case !d.clean(""): // a problem may be the reason why there are none
		case empty && !named:
			d.report(d.at(targets), "got no target, want at least one, or modules")
		default:
			d.report(d.at(modules), "got no module, want at least one")
		}
	default:
		c.Modules = Default().Modules
	}
	if o.IgnoreForeignModules {
		d.leaveOut(modules, c)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Modules)) {
		m := c.Modules[name]
		(&checker{d}).text(d.at(modules.entry(name)), name)
		(&checker{d}).module(d.at(modules.entry(name)), &m)
		c.Modules[name] = m
	}
	(&checker{d}).targetRules(d.at(top.field("probe")), &c.TargetRules)
	(&checker{d}).maintenance(d.at(top.field("maintenance")), c.Maintenance)
	(&checker{d}).targets(d.at(top.field("targets")), c, TargetReader{Modules: c.Modules, Foreign: c.foreign, Offset: o.TimeoutOffset})
	(&checker{d}).targetFiles(d.at(top.field("target_files")), c.TargetFiles, c.Modules)
	(&checker{d}).targetAPIs(d.at(top.field("target_apis")), c.TargetAPIs)
	(&checker{d}).status(d.at(top.field("status")), &c.Status)
	(&checker{d}).managed(d.at(top.field("managed")), c)
	if c.Access != nil {
		(&checker{d}).access(d.at(top.field("access")), c)
	}
	if c.Alertmanager != nil {
		(&checker{d}).alertmanager(d.at(top.field("alertmanager")), c)
	}
	if c.Restart != nil {
		(&checker{d}).restart(d.at(top.field("restart")), c)
	}
}

// document returns the root of the one document that data must hold, or nil after a problem.
func (d *decoder) document(data []byte) *yaml.Node {
	var first, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		d.report(place{}, "the file is empty, want at least modules, targets or a restart section")
		return nil
	case err != nil:
		d.syntax(data, err)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		d.syntax(data, err)
		return nil
	default:
		d.report(place{line: second.Line}, "a second document begins here, want one document")
	}
	return first.Content[0]
}

var (
	syntaxLine    = regexp.MustCompile(`^line (\d+): `)
	countsFrom0   = regexp.MustCompile(`^(did not find expected (',' or|node content|key|'-' indicator|<)|found undefined tag handle)`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// yamlWords are errors of the parser, worded for somebody who looks at the file.
var yamlWords = map[string]string{
	"found character that cannot start any token":    "got a tab, or one of @ ` %, at the beginning of a text; indent with spaces, and quote a text that begins with such a character",
	"mapping values are not allowed in this context": "got \": \" inside a text, or a line that is indented further than the one before; quote the text, or align the keys",
	"did not find expected key":                      "got a line that is indented differently from its neighbours; align the keys of a mapping",
}

// syntax reports an error of the YAML parser.
func (d *decoder) syntax(data []byte, err error) {
	text, p := strings.TrimPrefix(err.Error(), "yaml: "), place{}
	if m := syntaxLine.FindStringSubmatch(text); m != nil {
		p.line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
		if countsFrom0.MatchString(text) { // package yaml corrects the line of its scanner's errors, not of its parser's
			p.line++
		}
	}
	// The name must not be shown: it may be a password that begins with an asterisk and needs quotes.
	if m := unknownAnchor.FindStringSubmatch(text); m != nil {
		if before, _, ok := bytes.Cut(data, []byte("*"+m[1])); ok {
			p.line = bytes.Count(before, []byte("\n")) + 1
		}
		text = `an alias (*name) refers to nothing; quote a text that begins with "*"`
	}
	for cause, words := range yamlWords {
		if strings.HasPrefix(text, cause) {
			text = words
		}
	}
	d.report(p, "not valid YAML: %s", text)
}
