package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxMarks is how many places in a YAML document may begin a value: the parser takes 200 bytes for one.
const MaxMarks = 500_000

// ErrEmptyYAML is returned by ParseYAML for a document without a value.
var ErrEmptyYAML = errors.New("it is empty")

// ParseYAML reads one document of YAML that somebody else has written. Its errors quote nothing of it.
func ParseYAML(data []byte) (*yaml.Node, error) {
	if n := marks(data); n > MaxMarks {
		return nil, fmt.Errorf("it has %d places where a value may begin, want %d at most", n, MaxMarks)
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, ErrEmptyYAML
	case err != nil:
		return nil, errors.New("not valid YAML or JSON: " + yamlSyntax(err))
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has more than one document, want one")
	}
	return doc.Content[0], nil
}

// yamlSyntax returns the text of a parser's error. Some of these quote what was read, which may be a secret.
func yamlSyntax(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if before, _, quotes := strings.Cut(text, "'"); quotes {
		return strings.TrimSpace(before)
	}
	return text
}

// marks returns an upper bound of the number of places in a YAML document where a value of a list or mapping begins.
func marks(data []byte) int {
	n := 0
	for _, mark := range []string{"- ", "-\n", "-\t", "-\r", ": ", ":\n", ":\t", ":\r", "? ", "?\n", ",", "[", "{"} {
		n += bytes.Count(data, []byte(mark))
	}
	return n
}

// ValueNode returns a value of JSON or of an expression as a YAML node, such as TargetReader reads. Unlike yaml.Node.Encode it
// does not write and read text.
func ValueNode(v any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch v := v.(type) {
	case nil:
		n.Tag, n.Value = "!!null", "null"
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v)
	case int64:
		n.Tag, n.Value = "!!int", strconv.FormatInt(v, 10)
	case uint64:
		n.Tag, n.Value = "!!int", strconv.FormatUint(v, 10)
	case float64:
		n.Tag, n.Value = "!!float", strconv.FormatFloat(v, 'g', -1, 64)
	case json.Number:
		return ValueNode(number(v))
	case []any:
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		for _, item := range v {
			n.Content = append(n.Content, ValueNode(item))
		}
	case map[string]any:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		for _, key := range slices.Sorted(maps.Keys(v)) {
			n.Content = append(n.Content, ValueNode(key), ValueNode(v[key]))
		}
	default:
		n.Tag, n.Value = "!!str", fmt.Sprint(v) // a text: there is nothing else
	}
	return n
}

// number is an int64, or a float64 if it is not whole, or a text if it is too large for both.
func number(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	if f, err := n.Float64(); err == nil {
		return f
	}
	return n.String()
}
