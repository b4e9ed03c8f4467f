package managed

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// The limits of a document of YAML with its aliases expanded.
const (
	maxValues   = 1_000_000
	maxExpanded = 2 * maxDocument // bytes of texts
)

// parseYAML reads a document as JSON that means the same.
func parseYAML(data []byte) (d Document, problems []Problem) {
	root, err := config.ParseYAML(data)
	if err != nil {
		return d, []Problem{{"", printable.Text(err.Error(), printable.MaxError)}}
	}
	y := &yamlReader{}
	if root.Kind != yaml.MappingNode {
		return d, []Problem{{"", `want a mapping with the key "targets" or "channels"`}}
	}
	for i := 0; i+1 < len(root.Content) && len(y.problems) <= maxProblems; i += 2 {
		key, value := root.Content[i].Value, resolve(root.Content[i+1])
		list, most := d.list(key)
		switch {
		case list == nil:
			y.problems = append(y.problems, unknownKey(key))
		case *list != nil:
			y.problems = append(y.problems, Problem{"/" + key, "is there twice"})
		case value.Kind != yaml.SequenceNode:
			y.problems = append(y.problems, Problem{"/" + key, noList(key)})
		case len(value.Content) > most:
			y.problems = append(y.problems, Problem{"/" + key, fmt.Sprintf("has %d %s, want %d at most", len(value.Content), key, most)})
		default:
			*list = make([]json.RawMessage, 0, len(value.Content))
			for i, item := range value.Content {
				*list = append(*list, Encode(y.value("/"+key+"/"+strconv.Itoa(i), item, 0)))
			}
		}
	}
	if len(y.problems) == 0 {
		y.problems = d.missing()
	}
	return d, y.problems
}

// A yamlReader makes of YAML what JSON can say.
type yamlReader struct {
	problems []Problem
	values   int
	bytes    int
	stopped  bool // there is too much
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (y *yamlReader) problem(at string, n *yaml.Node, text string) {
	if len(y.problems) <= maxProblems {
		y.problems = append(y.problems, Problem{printable.Text(at, printable.MaxError), fmt.Sprintf("line %d: %s", n.Line, text)})
	}
}

// value is a node as package json decodes it.
func (y *yamlReader) value(at string, n *yaml.Node, depth int) any {
	n = resolve(n)
	y.values++
	y.bytes += len(n.Value)
	switch {
	case y.stopped:
		return nil
	case y.values > maxValues || y.bytes > maxExpanded:
		y.stopped = true
		y.problem("", n, fmt.Sprintf("aliases (*name) expanded there is too much, want %d values and %d bytes at most", maxValues, maxExpanded))
		return nil
	case depth > maxDepth:
		y.problem(at, n, fmt.Sprintf("is nested too deeply, want %d levels of lists and mappings at most", maxDepth))
		return nil
	}
	switch n.Kind { //nolint:exhaustive // all others are scalars
	case yaml.MappingNode:
		object := map[string]any{}
		y.mapping(at, n, depth, object, false)
		return object
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = y.value(at+"/"+strconv.Itoa(i), item, depth+1)
		}
		return list
	default:
		return scalar(n)
	}
}

// mapping reads the pairs of a mapping, and then those that it merges (<<), which do not overwrite them.
func (y *yamlReader) mapping(at string, n *yaml.Node, depth int, into map[string]any, merged bool) {
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), n.Content[i+1]
		_, there := into[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode:
			y.problem(at, n.Content[i], "has a key that is not a text")
		case key.ShortTag() == "!!merge":
			merges = append(merges, resolve(value))
		case there && merged: // what is written itself goes before
		case there:
			y.problem(at+"/"+Escape(key.Value), key, "is there twice")
		default:
			into[key.Value] = y.value(at+"/"+Escape(key.Value), value, depth+1)
		}
	}
	for _, m := range merges {
		from := []*yaml.Node{m}
		if m.Kind == yaml.SequenceNode {
			from = m.Content
		}
		for _, m := range from {
			if m = resolve(m); m.Kind != yaml.MappingNode || depth > maxDepth {
				y.problem(at, m, "merges (<<) what is not a mapping")
				continue
			}
			y.mapping(at, m, depth+1, into, true)
		}
	}
}

// wholeNumber is one that is the same text as a number. A version such as 1.10 is not.
var wholeNumber = regexp.MustCompile(`^-?(0|[1-9]\d{0,17})$`)

// scalar is a value as JSON has it. All that is not a whole number of JSON, such as a date, 012 or 1.10, is the text that was written,
// as in a file of targets.
func scalar(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		if n.Value == "true" || n.Value == "false" {
			return n.Value == "true"
		}
	case "!!int":
		if wholeNumber.MatchString(n.Value) {
			return json.Number(n.Value)
		}
	}
	return n.Value
}
