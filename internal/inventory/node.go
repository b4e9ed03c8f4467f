package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

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
	root, err := config.ParseYAML(data)
	if errors.Is(err, config.ErrEmptyYAML) {
		return nil, fmt.Errorf("%w, want a list of targets; write [] for the empty list", err)
	}
	return root, err
}

// parseJSON checks one document of JSON.
func parseJSON(data []byte) (*config.Document, error) {
	d, err := config.ParseRecords(data)
	if err != nil {
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	return d, nil
}

// decodeJSON decodes a part of a document.
func decodeJSON(data []byte) (any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	return v, nil
}
