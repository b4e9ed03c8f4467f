package inventory

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

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func setLine(n *yaml.Node, line int) {
	n.Line = line
	for _, c := range n.Content {
		setLine(c, line)
	}
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// value returns the value of a key of a mapping, or nil if there is no such key.
func value(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// parseYAML reads one YAML document. An empty one is an error: more likely it is half written than meant.
func parseYAML(data []byte) (*yaml.Node, error) {
	if err := limit("places where a value may begin", marks(data), maxMarks); err != nil {
		return nil, err
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("it is empty, want a list of targets; write [] for the empty list")
	case err != nil:
		return nil, errors.New("not valid YAML or JSON: " + syntax(err))
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has more than one document, want one")
	}
	return doc.Content[0], nil
}

// syntax returns the text of a parser's error. Some of these quote what was read, which may be a secret.
func syntax(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if before, _, quotes := strings.Cut(text, "'"); quotes {
		return strings.TrimSpace(before)
	}
	return text
}

// parseJSON checks one document of JSON.
func parseJSON(data []byte) (*config.Document, error) {
	d, err := config.ParseRecords(data)
	if err != nil {
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	return d, nil
}

// decodeJSON decodes a part of a document. Numbers become int64, or float64 if they are not whole.
func decodeJSON(data []byte) (any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	return numbers(v), nil
}

func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = numbers(v[key])
		}
	}
	return v
}

// toNode returns a value of JSON or of an expression as a YAML node. Unlike yaml.Node.Encode it does not write and read text.
func toNode(v any) *yaml.Node {
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
	case []any:
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		for _, item := range v {
			n.Content = append(n.Content, toNode(item))
		}
	case map[string]any:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		for _, key := range slices.Sorted(maps.Keys(v)) {
			n.Content = append(n.Content, toNode(key), toNode(v[key]))
		}
	default:
		n.Tag, n.Value = "!!str", fmt.Sprint(v) // a text: there is nothing else
	}
	return n
}
