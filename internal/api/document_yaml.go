package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
)

// maxDepth is how deep lists and mappings of a document may be nested. Those of a target are at most 7 deep.
const maxDepth = 20

var errExpansion = errors.New("its aliases expand to too much")

// jsonOfYAML returns a YAML document as JSON. Numbers keep their text: a label may look like one.
func jsonOfYAML(text []byte) ([]byte, error) {
	root, err := inventory.ParseYAML(text)
	if err != nil {
		return nil, err
	}
	c := converter{left: int(document.most)}
	if err := c.value(root, 0); err != nil {
		return nil, err
	}
	return c.out.Bytes(), nil
}

// A converter writes YAML as JSON.
type converter struct {
	out  bytes.Buffer
	left int // bytes
}

func (c *converter) write(text string) error {
	if c.left -= len(text); c.left < 0 {
		return errExpansion
	}
	c.out.WriteString(text)
	return nil
}

func (c *converter) value(n *yaml.Node, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("line %d: it is nested deeper than %d", n.Line, maxDepth)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.value(n.Alias, depth+1) // those of one that contains itself end by their depth
	case yaml.MappingNode:
		return c.mapping(n, depth)
	case yaml.SequenceNode:
		return c.sequence(n, depth)
	default:
		return c.scalar(n)
	}
}

func (c *converter) sequence(n *yaml.Node, depth int) error {
	separator := "["
	for _, item := range n.Content {
		if err := errors.Join(c.write(separator), c.value(item, depth+1)); err != nil {
			return err
		}
		separator = ","
	}
	if len(n.Content) == 0 {
		return c.write("[]")
	}
	return c.write("]")
}

func (c *converter) mapping(n *yaml.Node, depth int) error {
	separator, seen := "{", map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			return fmt.Errorf("line %d: a key has to be a text", key.Line)
		case seen[key.Value]:
			return fmt.Errorf("line %d: the key %.100q is there twice", key.Line, key.Value)
		}
		seen[key.Value] = true
		if err := errors.Join(c.write(separator), c.write(string(encoded(key.Value))), c.write(":"), c.value(n.Content[i+1], depth+1)); err != nil {
			return err
		}
		separator = ","
	}
	if len(n.Content) == 0 {
		return c.write("{}")
	}
	return c.write("}")
}

func (c *converter) scalar(n *yaml.Node) error {
	switch n.ShortTag() {
	case "!!null":
		return c.write("null")
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			return c.write(string(encoded(b)))
		}
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return c.write(n.Value)
		}
	}
	return c.write(string(encoded(n.Value)))
}

// plain is a text that no reader of YAML takes for something else.
var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)

// words are such texts that some take for something else, in lower case.
var words = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan"}

// yamlOfJSON returns JSON as a YAML document for people: in blocks, names first, and with quotes where they are needed.
func yamlOfJSON(text []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	inBlocks(&doc)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(&doc), e.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func inBlocks(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		if plain.MatchString(n.Value) && !slices.Contains(words, string(bytes.ToLower([]byte(n.Value)))) {
			n.Style = 0
		}
		return
	}
	if len(n.Content) > 0 { // an empty one has no block
		n.Style = 0
	}
	for _, c := range n.Content {
		inBlocks(c)
	}
}
