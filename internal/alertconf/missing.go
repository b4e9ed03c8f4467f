package alertconf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A MissingError says what a configuration names and does not have. Alertmanager would load it, and fail when it sends a message.
type MissingError struct{ Missing []string }

// Error implements error.
func (e *MissingError) Error() string { return strings.Join(e.Missing, "; ") }

func isMissing(err error) bool {
	_, ok := errors.AsType[*MissingError](err)
	return ok
}

// Check returns a MissingError of what Alertmanager would miss only when it sends a message: files of secrets, templates. What is not
// below the Place cannot be seen from here, unless both see it at the same path. Coming are the secrets of channels that are written
// before it is loaded.
func (p *Place) Check(config []byte, coming map[string]string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(config, &doc); err != nil {
		return err
	}
	c := inspection{place: p, said: map[string]bool{}, defined: map[string]bool{}, coming: map[string]bool{}}
	for channel, secret := range coming {
		c.coming[p.Secrets()+"/"+SecretFile(channel)] = secret != ""
	}
	eachScalar(&doc, c.file)
	if !c.unseen && (c.read || !c.named) { // if none of those that are named was read, that was said
		eachScalar(&doc, c.templates)
	}
	if len(c.missing) > 0 {
		return &MissingError{c.missing}
	}
	return nil
}

// An inspection is what is known while a configuration is looked at.
type inspection struct {
	place   *Place
	coming  map[string]bool // files that will be there
	missing []string
	said    map[string]bool // what is in missing, without its line: each channel has what the base has for all
	defined map[string]bool // templates, by name
	named   bool            // templates are named
	read    bool            // a file of them was read
	unseen  bool            // there may be others that cannot be seen from here
}

func (c *inspection) fail(n *yaml.Node, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !c.said[text] {
		c.said[text] = true
		c.missing = append(c.missing, fmt.Sprintf("line %d: %s", n.Line, text))
	}
}

func (c *inspection) file(s scalar) {
	switch {
	case s.key == "templates" && s.depth == 1:
		c.templateFiles(s)
	case strings.HasSuffix(s.key, "_file") && s.node.Value != "":
		path, ok := c.place.seenHere(s.node.Value, s.inHTTP)
		if !ok || c.coming[s.node.Value] {
			return
		}
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
			todo := ""
			if strings.HasPrefix(s.node.Value, c.place.Secrets()+"/") {
				todo = "; type the secret of the channel again, or copy " + secretsDir + " from where alertmanager.dir was before"
			}
			c.fail(s.node, "%s %q is missing or empty: messages would fail%s", s.key, s.node.Value, todo)
		}
	}
}

// maxTemplates is how much of a file of templates is read, in bytes.
const maxTemplates = 1 << 20

var definition = regexp.MustCompile("\\{\\{-?\\s*(?:define|block)\\s+(?:\"([^\"]+)\"|`([^`]+)`)")

func (c *inspection) templateFiles(s scalar) {
	c.named = true
	pattern, ok := c.place.seenHere(s.node.Value, true)
	if !ok {
		c.unseen = true
		return
	}
	found, err := filepath.Glob(pattern)
	switch {
	case err == nil && len(found) == 0 && private(pattern):
		c.unseen = true
	case err != nil || len(found) == 0:
		c.fail(s.node, "no file matches the template %q: messages would fail", pattern)
	}
	for _, file := range found {
		info, err := os.Stat(file)
		if err != nil || info.Size() > maxTemplates {
			c.unseen = true
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			c.unseen = true
			continue
		}
		c.read = true
		for _, m := range definition.FindAllSubmatch(text, -1) {
			c.defined[string(m[1])+string(m[2])] = true
		}
	}
}

// private reports whether the files of a pattern may be in a directory that the exporter may not look into, which filepath.Glob does
// not say.
func private(pattern string) bool {
	_, err := os.Lstat(pattern)
	if err != nil && strings.ContainsAny(filepath.Base(pattern), `*?[`) {
		_, err = os.ReadDir(filepath.Dir(pattern))
	}
	return errors.Is(err, fs.ErrPermission)
}

var use = regexp.MustCompile(`\{\{-?\s*template\s+"([^"]+)"`)

// templates looks whether those are defined that a text uses. Of the rest Alertmanager brings its own.
func (c *inspection) templates(s scalar) {
	for _, m := range use.FindAllStringSubmatch(s.node.Value, -1) {
		switch name := m[1]; {
		case !strings.HasPrefix(name, "healthcheck.") || c.defined[name]:
		case !c.named:
			c.fail(s.node, "there are no templates, and messages would fail: want templates: [healthcheck.tmpl]")
		default:
			c.fail(s.node, "no file under templates defines %q: messages would fail", name)
		}
	}
}

// seenHere is where a file is that Alertmanager sees at a path. It looks for templates and the files of an http_config from the
// directory of its configuration, and for others from its working directory, which is not known here. Not ok: that is not known.
func (p *Place) seenHere(path string, fromConfig bool) (here string, ok bool) {
	switch rest, below := strings.CutPrefix(path, p.seenAs()+"/"); {
	case below:
		return filepath.Join(p.Dir, rest), true
	case filepath.IsAbs(path) || strings.HasPrefix(path, "/"):
		return path, p.SeenAs == "" || p.SeenAs == p.Dir
	default:
		return filepath.Join(p.Dir, path), fromConfig
	}
}

// A scalar is a text somewhere in a configuration.
type scalar struct {
	node   *yaml.Node
	key    string // of the mapping around it, or around the list in which it is
	depth  int    // of mappings
	inHTTP bool   // it is below a http_config
}

// eachScalar calls f with all values that are scalars. What is an alias is looked at where it is.
func eachScalar(n *yaml.Node, f func(scalar)) { scalar{node: n}.each(f) }

func (s scalar) each(f func(scalar)) {
	n := s.node
	switch n.Kind {
	case yaml.DocumentNode, yaml.SequenceNode:
		for _, item := range n.Content {
			below := s
			below.node = item
			below.each(f)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := resolved(n.Content[i]).Value
			scalar{n.Content[i+1], key, s.depth + 1, s.inHTTP || key == "http_config"}.each(f)
		}
	case yaml.ScalarNode:
		f(s)
	case yaml.AliasNode:
	}
}
