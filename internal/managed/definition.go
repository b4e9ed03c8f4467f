package managed

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// The limits of a target that are not config's.
const (
	maxName    = 100 // characters of a new name
	maxHeaders = 64  // of its own
)

// settings are what a configuration says about edits.
type settings struct {
	reader   config.TargetReader
	rules    config.TargetRules
	max      int  // targets
	writable bool // targets may be changed
	wanted   bool // somebody may change something
}

func newSettings(c *config.Config, offset time.Duration) *settings {
	return &settings{
		reader:   config.TargetReader{File: Source, Modules: c.Modules, Foreign: c.Foreign(), Offset: offset},
		rules:    c.TargetRules,
		max:      c.Managed.MaxTargetsOr(),
		writable: c.Managed.Targets,
		wanted:   c.Managed.Targets || c.Access != nil && len(c.Access.Users) > 0,
	}
}

// A definition is what was written of a target, checked.
type definition struct {
	text        json.RawMessage // without the name, compact and sorted
	environment string
	warnings    []string
}

// define checks what was written of the target of a name, all of it. It may change fields.
func (s *settings) define(name string, fields map[string]any) (definition, []Problem) {
	problems := checkName(name)
	if written, ok := fields["name"]; ok && written != name {
		problems = append(problems, Problem{"/name", fmt.Sprintf("got %s, want %q, as in the path, or no name: a target is renamed by making another",
			printable.Text(string(Encode(written)), printable.MaxLog), printable.Text(name, printable.MaxLog))})
	}
	fields = without(fields, "name")
	problems = append(problems, credentials(fields)...)
	if headers, _ := fields["headers"].(map[string]any); len(headers) > maxHeaders {
		problems = append(problems, Problem{"/headers", fmt.Sprintf("has %d headers, want %d at most", len(headers), maxHeaders)})
	}
	d := definition{text: Encode(fields)}
	if len(d.text) > maxDefinition {
		problems = append(problems, Problem{"", fmt.Sprintf("has %d bytes, want %d at most", len(d.text), maxDefinition)})
	}
	t, wrong, dropped := s.read(name, fields)
	said := map[string]bool{}
	for _, p := range problems {
		said[p.Pointer] = true
	}
	for _, p := range append(wrong, dropped...) {
		at := pointer(p.Path)
		if at == "/name" && said[at] {
			continue
		}
		problems = append(problems, Problem{at, printable.Text(p.Message, printable.MaxError)})
	}
	if len(problems) > 0 {
		return definition{}, problems
	}
	d.environment = t.Environment
	d.warnings = s.warnings(&t)
	return d, nil
}

// read reads a target as a source of the inventory does. It does not change fields.
func (s *settings) read(name string, fields map[string]any) (config.Target, config.Errors, config.Errors) {
	return read(s.reader, name, fields)
}

func read(reader config.TargetReader, name string, fields map[string]any) (t config.Target, wrong, dropped config.Errors) {
	named := maps.Clone(fields)
	named["name"] = name
	return reader.Read(config.ValueNode(named))
}

// environmentOf is the environment of a definition that was checked once, even if it cannot be read any more.
func environmentOf(fields map[string]any) string {
	var environment string
	if err := config.ValueNode(fields["environment"]).Decode(&environment); err != nil || environment == "" {
		return config.DefaultEnvironment
	}
	return environment
}

// checkName returns why a target cannot have a new name.
func checkName(name string) []Problem {
	wrong := func(format string, args ...any) []Problem {
		return []Problem{{"/name", fmt.Sprintf(format, args...)}}
	}
	switch n := utf8.RuneCountInString(name); {
	case !utf8.ValidString(name):
		return wrong("is not valid UTF-8")
	case n < 1 || n > maxName:
		return wrong("has %d characters, want 1 to %d", n, maxName)
	case name == "." || name == "..":
		return wrong("got %q, want a name that is not a step in a path", name)
	case strings.TrimSpace(name) != name:
		return wrong("begins or ends with a blank")
	case !printable.Is(name):
		return wrong("has a character that does not print")
	}
	return nil
}

// warnings are what is accepted and may not be meant.
func (s *settings) warnings(t *config.Target) []string {
	u, err := config.ParseTargetURL(t.URL)
	if err != nil {
		return nil
	}
	port, _ := strconv.ParseUint(u.Port(), 10, 16)
	if u.Port() == "" {
		port = 80
		if u.Scheme == "https" || u.Scheme == "wss" {
			port = 443
		}
	}
	rules := s.rules
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil { // what the name leads to is not known here
		rules = byNames(rules)
	}
	if err := rules.Check(config.Destination{Host: u.Hostname(), Addr: addr, Port: uint16(port)}); err != nil {
		return []string{"it cannot be probed: " + printable.Text(err.Error(), printable.MaxError)}
	}
	return nil
}

// byNames leaves the rules that decide by a name alone.
func byNames(rules config.TargetRules) config.TargetRules {
	out := config.TargetRules{Allow: rules.Allow}
	for _, rule := range rules.Allow {
		if rule.CIDR != nil {
			out.Allow = nil
		}
	}
	for _, rule := range rules.Deny {
		if rule.CIDR == nil {
			out.Deny = append(out.Deny, rule)
		}
	}
	return out
}

// Invalid is an InvalidError of problems, as many as are told; nil if there are none.
func Invalid(what string, problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	if more := len(problems) - maxProblems; more > 0 {
		problems = append(problems[:maxProblems:maxProblems], Problem{"", fmt.Sprintf("and %d more problems", more)})
	}
	return &InvalidError{What: what, Problems: problems}
}
