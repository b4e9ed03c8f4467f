// Package importer makes a configuration from what people already have: modules of blackbox_exporter, scrape jobs that
// go through it, and lists of servers. What cannot be taken over is not an error, but is reported.
package importer

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// An Importer collects what it is given. Modules come first: a target without its module is dropped. The zero value is
// not ready; use [New].
type Importer struct {
	options     Options
	modules     map[string]module
	order       []string        // the names of modules, in the order in which they came
	lost        map[string]bool // the names of modules that could not be taken over: no other module may have them
	targets     []*yaml.Node
	files       []config.TargetFile
	gatus       map[*yaml.Node]bool // those of targets that come from Gatus
	maintenance []window            // of all of those
	selfProbe   bool                // whether targets come from a program that probes by itself
	reader      config.TargetReader
	names       map[string]taken  // of targets
	shared      map[string]shared // modules that were made, by their text
	kept        map[string]string // secret to the file that has it
	numbers     map[string]int    // of names that are taken, to the last number that was tried

	dropped, changed []string
	told             map[string]bool // the lines in either of them
}

// Options are what an [Importer] needs.
type Options struct {
	// Mask returns a URL as people may see it.
	Mask func(*url.URL) string
	// Read reads the files that a pattern in the file from names, in the order of their paths. If it is nil, no file
	// can be read.
	Read func(from, pattern string) ([][]byte, error)
	// Env looks up an environment variable that a file refers to. If it is nil, none is set.
	Env func(name string) (string, bool)
	// Keep puts a secret into a file of its own, whose name begins with name, and returns the path. If it is nil, secrets stand in the
	// configuration.
	Keep func(name, secret string) (path string, err error)
}

// taken is where a name comes from, and what it stands for.
type taken struct{ where, url, module string }

// New returns an empty Importer.
func New(o Options) *Importer {
	return &Importer{
		options: o,
		modules: map[string]module{}, lost: map[string]bool{},
		reader: config.TargetReader{Modules: map[string]config.Module{}, Offset: config.DefaultTimeoutOffset},
		names:  map[string]taken{}, told: map[string]bool{},
		gatus: map[*yaml.Node]bool{}, shared: map[string]shared{}, kept: map[string]string{}, numbers: map[string]int{},
	}
}

// Dropped is what could not be taken over, one line for each.
func (im *Importer) Dropped() []string { return im.dropped }

// Changed is what was taken over in another form, one line for each.
func (im *Importer) Changed() []string { return im.changed }

// Empty reports whether nothing was taken over.
func (im *Importer) Empty() bool {
	return len(im.targets) == 0 && len(im.files) == 0 &&
		!slices.ContainsFunc(im.order, func(name string) bool {
			return !slices.Contains([]string{ownModules, madeModules}, im.modules[name].from)
		})
}

// drop reports what could not be taken over.
func (im *Importer) drop(format string, args ...any) { im.tell(&im.dropped, format, args...) }

// change reports what was taken over in another form.
func (im *Importer) change(format string, args ...any) { im.tell(&im.changed, format, args...) }

// tell adds a line to notes, unless it is there already, in a form that a terminal can show.
func (im *Importer) tell(notes *[]string, format string, args ...any) {
	line := printable.Clean(fmt.Sprintf(format, args...))
	if !im.told[line] {
		im.told[line] = true
		*notes = append(*notes, line)
	}
}

// check loads a configuration from a tree.
func check(name string, root *yaml.Node) (*config.Config, error) {
	text, err := render(root)
	if err != nil {
		return nil, err
	}
	return config.Parse(name, text)
}

// add takes a target, given by its keys in the configuration. If another target has its name, it gets a name that
// begins with one of instead, or is dropped if there is none. It returns the name, or nothing if the target was dropped.
func (im *Importer) add(where string, fields map[string]any, instead ...string) (name string) {
	var n yaml.Node
	if err := n.Encode(fields); err != nil {
		im.drop("%s: %v", where, err)
		return ""
	}
	t, wrong, labels := im.reader.Read(&n)
	from := where
	if t.Name != "" {
		where += fmt.Sprintf(": target %q", t.Name)
	}
	for _, p := range wrong {
		im.drop("%s: %s: %s", where, p.Path, p.Message)
	}
	if len(wrong) > 0 {
		return ""
	}
	if first, ok := im.names[t.Name]; ok {
		if len(instead) == 0 || first.url == t.URL && first.module == t.Module {
			im.drop("%s: a target of that name already comes from %s", where, first.where)
			return ""
		}
		fields["name"] = im.free(instead)
		return im.add(from, fields)
	}
	im.names[t.Name] = taken{where, t.URL, t.Module}
	for _, p := range labels {
		im.drop("%s: only the label: %s: %s", where, p.Path, p.Message)
	}
	if len(labels) > 0 {
		fields["labels"] = t.Labels
	}
	im.targets = append(im.targets, ordered(fields))
	return t.Name
}

// free is the first of the names, or one like the last of them, that no target has.
func (im *Importer) free(names []string) string {
	for _, name := range names {
		if _, ok := im.names[name]; !ok && name != "" {
			return name
		}
	}
	name := names[0]
	for {
		im.numbers["target "+name]++
		free := fmt.Sprint(name, " ", im.numbers["target "+name]+1)
		if _, ok := im.names[free]; !ok {
			return free
		}
	}
}

// order is the order in which people read the keys of a target. Others follow by name.
var order = []string{"name", "url", "module", "headers", "environment", "interval", "timeout", "notification", "maintenance", "labels"}

func ordered(fields map[string]any) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range order {
		v, ok := fields[key]
		if m, isMap := v.(map[string]string); !ok || isMap && len(m) == 0 {
			continue
		}
		var n yaml.Node
		if err := n.Encode(v); err != nil {
			continue // it was encoded before
		}
		out.Content = append(out.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &n)
	}
	return out
}

// A section is a key of the configuration with what it has.
type section struct {
	key   string
	value any
}

// YAML returns the configuration. It loads, and has the secrets as they were given.
func (im *Importer) YAML() ([]byte, error) {
	modules := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range im.order {
		m := im.modules[name]
		modules.Content = append(modules.Content, m.key, m.body)
	}
	root := mapping("modules", modules)
	targets, maintenance, err := im.maintained()
	if err != nil {
		return nil, err
	}
	if len(targets) > 0 {
		root.Content = append(root.Content, mapping("targets", &yaml.Node{Kind: yaml.SequenceNode, Content: targets}).Content...)
	}
	var sections []section
	if len(im.files) > 0 {
		sections = append(sections, section{"target_files", im.files})
	}
	if len(maintenance) > 0 {
		sections = append(sections, section{"maintenance", maintenance})
	}
	if im.selfProbe {
		sections = append(sections, section{"status", map[string]string{"self_probe": "when_stale"}})
	}
	for _, s := range sections {
		var n yaml.Node
		if err := n.Encode(s.value); err != nil {
			return nil, err
		}
		root.Content = append(root.Content, mapping(s.key, &n).Content...)
	}
	if _, err := check("imported", root); err != nil {
		return nil, fmt.Errorf("checking what was imported: %w", err)
	}
	return render(root)
}

// maxNodes bounds what the aliases of a file expand to.
const maxNodes = 1 << 18

// parse reads a YAML document and expands its aliases: what they refer to may be dropped.
func parse(name string, data []byte) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("reading %q: it is not valid YAML%s", name, syntax(data))
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("reading %q: want a mapping", name)
	}
	left := maxNodes
	root := expand(doc.Content[0], &left, map[*yaml.Node]bool{})
	if root == nil {
		return nil, fmt.Errorf("reading %q: its aliases refer to themselves, or expand to too much", name)
	}
	return root, nil
}

// syntax says where a document is not YAML, and why. The parser's own error may repeat a secret; that of the configuration does not.
func syntax(data []byte) string {
	_, err := config.Parse("", data)
	problems, ok := errors.AsType[config.Errors](err)
	if !ok || len(problems) == 0 || problems[0].Line == 0 {
		return ""
	}
	return fmt.Sprintf(": line %d: %s", problems[0].Line, strings.TrimPrefix(problems[0].Message, "not valid YAML: "))
}

// parseWith parses a document that has this key, which may be in a ConfigMap or Secret of Kubernetes.
func parseWith(name string, data []byte, key string) (*yaml.Node, error) {
	root, err := parse(name, data)
	if err != nil {
		return nil, err
	}
	kind := value(root, "kind")
	if kind == nil || kind.Value != "ConfigMap" && kind.Value != "Secret" {
		return root, nil
	}
	for _, block := range []string{"data", "stringData"} {
		for _, text := range pairs(value(root, block)) {
			if inner, err := parse(name, []byte(text.Value)); err == nil && value(inner, key) != nil {
				return inner, nil
			}
		}
	}
	return root, nil
}

// expand copies a tree without aliases. It returns nil if that is not possible.
func expand(n *yaml.Node, left *int, active map[*yaml.Node]bool) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	*left--
	if *left < 0 || active[n] {
		return nil
	}
	active[n] = true
	defer delete(active, n)
	out := *n
	out.Anchor, out.Alias, out.Content = "", nil, nil
	for _, c := range n.Content {
		e := expand(c, left, active)
		if e == nil {
			return nil
		}
		out.Content = append(out.Content, e)
	}
	return &out
}

func mapping(key string, v *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: key}, v}}
}

// value is what a mapping has for a key, or nil.
func value(mapping *yaml.Node, key string) *yaml.Node {
	for k, v := range pairs(mapping) {
		if k.Value == key {
			return v
		}
	}
	return nil
}

// pairs are the keys and values of a mapping, in their order. There are none if n is not a mapping.
func pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

func render(root *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(root), e.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
