package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// formatYAML is an output format.
const formatYAML = "yaml"

type rawJSON = json.RawMessage

// A writtenTarget is a target in a file.
type writtenTarget struct {
	Name string
	JSON rawJSON
	File string
	Line int
}

// place is where the target is, for people.
func (t *writtenTarget) place() string {
	return fmt.Sprintf("%s:%d: target %q", t.File, t.Line, t.Name)
}

// readDocuments reads the targets of all files. The error has everything that is wrong, a line each.
func readDocuments(files []string) ([]writtenTarget, error) {
	var all []writtenTarget
	var errs []error
	first := map[string]*writtenTarget{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		targets, wrong := parseDocument(file, data)
		errs = append(errs, wrong...)
		for i := range targets {
			t := &targets[i]
			if other := first[t.Name]; other != nil {
				errs = append(errs, fmt.Errorf("%s is in %s:%d already", t.place(), other.File, other.Line))
				continue
			}
			first[t.Name] = t
		}
		all = append(all, targets...)
	}
	return all, errors.Join(errs...)
}

// parseDocument reads the targets of a file: a list below the key targets, or the bare list.
func parseDocument(file string, data []byte) (targets []writtenTarget, errs []error) {
	fail := func(line int, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s:%d: %s", file, line, fmt.Sprintf(format, args...)))
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(asYAML(data)))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		fail(1, "it is empty, want targets: [...]; write targets: [] for none")
		return nil, errs
	case err != nil:
		return nil, []error{fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))}
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		fail(1, "it has more than one document, want one")
		return nil, errs
	}
	list := doc.Content[0]
	if list.Kind == yaml.MappingNode {
		if other := notTargets(list); other != "" {
			fail(list.Line, "got %s, want targets alone, with a list", other)
			return nil, errs
		}
		list = list.Content[1]
	}
	if list.Kind != yaml.SequenceNode {
		fail(max(list.Line, 1), "want a list of targets; write targets: [] for none")
		return nil, errs
	}
	for _, n := range list.Content {
		t, err := parseTarget(n)
		if err != nil {
			fail(n.Line, "%v", err)
			continue
		}
		t.File, t.Line = file, n.Line
		targets = append(targets, t)
	}
	return targets, errs
}

// notTargets is what a mapping has that is not the key targets alone, for people, or "".
func notTargets(m *yaml.Node) string {
	for i := 0; i < len(m.Content); i += 2 {
		if key := m.Content[i].Value; key != "targets" {
			return fmt.Sprintf("the key %q", printable.Text(key, printable.MaxLog))
		}
	}
	switch len(m.Content) {
	case 0:
		return "no key"
	case 2:
		return ""
	}
	return "the key \"targets\" twice"
}

// jsonEscapes are those of JSON that YAML does not have, and the one before which none of them begins.
var jsonEscapes = regexp.MustCompile(`\\/|\\\\|\\u[dD][89abAB][[:xdigit:]]{2}\\u[dD][c-fC-F][[:xdigit:]]{2}`)

// asYAML is a document of JSON or YAML as YAML, with the same lines.
func asYAML(data []byte) []byte {
	if !json.Valid(data) {
		return data
	}
	return jsonEscapes.ReplaceAllFunc(data, func(escape []byte) []byte {
		if string(escape) == `\\` {
			return escape
		}
		var s string
		_ = json.Unmarshal(slices.Concat([]byte(`"`), escape, []byte(`"`)), &s) // it is valid
		return []byte(s)
	})
}

func parseTarget(n *yaml.Node) (t writtenTarget, err error) {
	if t.JSON, err = toJSON(n); err != nil {
		return t, err
	}
	var named struct{ Name string }
	if err := json.Unmarshal(t.JSON, &named); err != nil || named.Name == "" {
		return t, errors.New("want a target with a name")
	}
	t.Name = named.Name
	return t, nil
}

// toJSON is a target of YAML as JSON. Texts stay what they are, even if they look like a date; so do the values of labels and
// headers, even if they look like a number.
func toJSON(n *yaml.Node) (rawJSON, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return nil, errors.New("want a target with name, url and so on")
	}
	asTexts(n, false)
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch n.Content[i].Value {
		case "name", "labels", "headers":
			v := n.Content[i+1]
			if v.Kind == yaml.AliasNode {
				v = v.Alias
			}
			asTexts(v, true)
		}
	}
	var v map[string]any
	if err := n.Decode(&v); err != nil {
		return nil, errors.New(strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "yaml: ")), " "))
	}
	return json.Marshal(v)
}

// asTexts has those scalars read as texts that JSON has no other type for, and keys; or all.
func asTexts(n *yaml.Node, all bool) {
	if n.Kind == yaml.ScalarNode {
		switch tag := n.ShortTag(); tag {
		case "!!null", "!!merge":
		case "!!timestamp", "!!binary":
			n.Tag = "!!str"
		default:
			if all {
				n.Tag = "!!str"
			}
		}
	}
	for i, c := range n.Content {
		key := n.Kind == yaml.MappingNode && i%2 == 0
		asTexts(c, all || key)
	}
}

// firstKeys are those of a target that people want to see first. The others follow by name.
var firstKeys = []string{"name", "url", "environment"}

// writeDocument writes targets as YAML.
func writeDocument(out io.Writer, d managed.Document) error {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, text := range d.Targets {
		n, err := fromJSON(text)
		if err != nil {
			return err
		}
		list.Content = append(list.Content, n)
	}
	if len(list.Content) == 0 {
		list.Style = yaml.FlowStyle
	}
	e := yaml.NewEncoder(yamlWriter{out})
	e.SetIndent(2)
	if err := e.Encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "targets"}, list}}); err != nil {
		return err
	}
	return e.Close()
}

// fromJSON is a target of JSON as YAML, with its first keys first.
func fromJSON(text rawJSON) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	n := doc.Content[0]
	plain(n)
	pairs := slices.Collect(slices.Chunk(n.Content, 2))
	rank := func(key string) int {
		if i := slices.Index(firstKeys, key); i >= 0 {
			return i
		}
		return len(firstKeys)
	}
	slices.SortStableFunc(pairs, func(a, b []*yaml.Node) int { return rank(a[0].Value) - rank(b[0].Value) })
	n.Content = slices.Concat(pairs...)
	return n, nil
}

// plain writes YAML without the brackets and quotes of JSON, where it means the same. What does not print stays in quotes, in
// which a yamlWriter can escape it.
func plain(n *yaml.Node) {
	text := n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str"
	n.Style = 0
	if len(n.Content) == 0 && n.Kind != yaml.ScalarNode {
		n.Style = yaml.FlowStyle
	}
	if text {
		_ = n.Encode(n.Value) // quotes what YAML 1.1 takes for something else, such as yes
		if !printable.Is(n.Value) {
			n.Style = yaml.DoubleQuotedStyle
		}
	}
	for _, c := range n.Content {
		plain(c)
	}
}

// A yamlWriter writes YAML and escapes the characters that do not print. They must be in double quotes. Every Write must
// consist of whole characters.
type yamlWriter struct{ out io.Writer }

// Write implements io.Writer.
func (w yamlWriter) Write(b []byte) (int, error) {
	var text strings.Builder
	for _, r := range string(b) {
		if r == '\n' || printable.Is(string(r)) {
			text.WriteRune(r)
		} else {
			fmt.Fprintf(&text, `\U%08x`, r)
		}
	}
	if _, err := io.WriteString(w.out, text.String()); err != nil {
		return 0, err
	}
	return len(b), nil
}
