package config

import (
	"errors"
	"fmt"
	"iter"
	"reflect"

	commonconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"
)

// pairsOf returns the keys and values of a mapping.
func pairsOf(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// keyName returns the text of a mapping's key.
func keyName(n *yaml.Node) (string, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind != yaml.ScalarNode:
		return "", fmt.Errorf("got %s as a key, want a name", kind(n))
	case n.ShortTag() == "!!null":
		return "", errors.New("a key is empty")
	default:
		return n.Value, nil
	}
}

// duplicates reports keys that a mapping has twice, everywhere below n.
func (d *decoder) duplicates(p place, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		for i, item := range n.Content {
			d.duplicates(p.item(i), item)
		}
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	first := map[string]int{}
	for key, value := range pairsOf(n) {
		name, err := keyName(key)
		if err != nil {
			continue // the decoder reports it
		}
		at := p.field(name)
		at.line = key.Line
		if line, ok := first[name]; ok {
			d.report(at, "key %q is already set on line %d", name, line)
			continue
		}
		first[name] = key.Line
		d.duplicates(at, value)
	}
}

// scalar returns the text of a node that must be neither a list nor a mapping.
func scalar(n *yaml.Node, want string) (string, error) {
	if n.Kind != yaml.ScalarNode {
		return "", fmt.Errorf("got %s, want %s", kind(n), want)
	}
	return n.Value, nil
}

// kind names what a node is, without its content.
func kind(n *yaml.Node) string {
	if n.Kind == yaml.SequenceNode {
		return "a list"
	}
	if n.Kind == yaml.MappingNode {
		return "a mapping"
	}
	return "a single value"
}

// want names what the type of a value reads.
func want(t reflect.Type) string {
	switch kind := t.Kind(); {
	case t == urlType:
		return "a valid URL"
	case t == reflect.TypeFor[commonconfig.TLSVersion]():
		return "TLS10, TLS11, TLS12 or TLS13"
	case kind == reflect.Pointer:
		return want(t.Elem())
	case kind == reflect.Bool:
		return "true or false"
	case kind == reflect.Int:
		return "an integer"
	case kind == reflect.String:
		return "a string"
	default:
		return "a mapping"
	}
}

// explains reports whether the errors of a type's own UnmarshalYAML are written for people, as those of this package are.
func explains(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return reflect.PointerTo(t).Implements(reflect.TypeFor[yaml.Unmarshaler]())
}

// hasUnmarshaler reports whether a type reads itself, by either of the two interfaces that package yaml knows.
func hasUnmarshaler(v reflect.Value) bool {
	switch v.Addr().Interface().(type) {
	case yaml.Unmarshaler, interface{ UnmarshalYAML(func(any) error) error }:
		return true
	}
	return false
}
