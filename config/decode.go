package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Limits of one file.
const (
	maxAliased  = 1 << 18  // values that aliases expand to; aliases can multiply a small file without end, and a value takes some 400 bytes
	maxFile     = 32 << 20 // bytes
	maxProblems = 1000     // a file with more is not a configuration
)

// A decoder reads a YAML tree into a value. It is strict, and it goes on after an error. Package yaml does not: there the
// first error of a type with its own UnmarshalYAML ends everything and has no line. A value that cannot be read stays zero.
type decoder struct {
	file           string
	problems       Errors
	lines          map[string]int      // path to line, of everything in the file
	unread         []string            // paths of what could not be read, so that no check takes it for absent
	active         map[*yaml.Node]bool // collections that are being read, to find one that contains itself
	aliases        int                 // how deep in aliases
	aliased        int                 // how many values came from aliases
	stopped        bool                // reading has ended early
	leftOutModules map[string]string   // modules that were left out, with their probers
}

// report adds a problem.
func (d *decoder) report(p place, format string, args ...any) {
	message := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' ' // a problem is one line
		}
		return r
	}, fmt.Sprintf(format, args...))
	d.problems = append(d.problems, Problem{File: d.file, Line: p.line, Path: p.path, Message: message})
}

// stop reports why reading ends here. The rest of the file is not reported on.
func (d *decoder) stop(p place, format string, args ...any) {
	if !d.stopped {
		d.stopped = true
		d.unread = append(d.unread, "")
		d.report(p, format, args...)
	}
}

// reject reports that the value at p could not be read.
func (d *decoder) reject(p place, format string, args ...any) {
	d.unread = append(d.unread, p.path)
	d.report(p, format, args...)
}

// at adds the line to a place that was made without the tree.
func (d *decoder) at(p place) place {
	if line, ok := d.lines[p.path]; ok {
		p.line = line
	}
	return p
}

// clean reports whether there are no problems at path or below it.
func (d *decoder) clean(path string) bool {
	return !slices.ContainsFunc(d.problems, func(p Problem) bool { return within(p.Path, path) })
}

// value reads n into v, which is settable.
func (d *decoder) value(p place, n *yaml.Node, v reflect.Value) {
	if _, ok := d.lines[p.path]; !ok {
		d.lines[p.path] = p.line
	}
	d.inside(p, n, func(n *yaml.Node) { d.kind(p, n, v) })
}

// inside calls f with the node that n stands for, unless reading it would never end.
func (d *decoder) inside(p place, n *yaml.Node, f func(n *yaml.Node)) {
	if n.Kind == yaml.AliasNode {
		d.aliases++
		defer func() { d.aliases-- }()
		n = n.Alias
	}
	if d.enter(p, n) {
		defer delete(d.active, n)
		f(n)
	}
}

// kind reads n into v by the kind of v.
func (d *decoder) kind(p place, n *yaml.Node, v reflect.Value) {
	switch t := v.Type(); {
	case n.ShortTag() == "!!null": // as if absent
	case n.Kind == yaml.ScalarNode && shorthand[t]:
		d.leaf(p, n, v)
	case v.Kind() == reflect.Pointer && mapped(t.Elem()):
		v.Set(reflect.New(t.Elem()))
		d.mapping(p, n, v.Elem())
	case mapped(t):
		d.mapping(p, n, v)
	case v.Kind() == reflect.Map && t.Elem().Kind() != reflect.Interface:
		d.mapping(p, n, v)
	case v.Kind() == reflect.Slice:
		d.list(p, n, v)
	default:
		d.leaf(p, n, v)
	}
}

// shorthand has the types whose UnmarshalYAML accepts a text instead of a mapping.
var shorthand = map[reflect.Type]bool{reflect.TypeFor[TargetFile](): true, reflect.TypeFor[Sentinel](): true}

// enter guards against trees that never end, or are as good as endless.
func (d *decoder) enter(p place, n *yaml.Node) bool {
	if d.aliases > 0 {
		d.aliased++
	}
	switch {
	case d.aliased > maxAliased:
		d.stop(p, "the aliases (*name) of the file expand to more than %d values", maxAliased)
	case len(d.problems) >= maxProblems:
		d.stop(p, "too many problems, the rest of the file was not read")
	case d.active[n]:
		d.reject(p, "contains itself through an alias (*name)")
		return false
	}
	d.active[n] = true
	return !d.stopped
}

// mapping reads a struct or a map.
func (d *decoder) mapping(p place, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.reject(p, "got %s, want a mapping", kind(n))
		return
	}
	into := entries{value: v}
	if v.Kind() == reflect.Struct {
		into.keys = keysOf(v.Type())
	}
	d.pairs(p, n, into, map[string]bool{})
	if hasUnmarshaler(v) && d.clean(p.path) {
		// The type has the last word on its mapping as a whole, such as a certificate without its key.
		d.whole(p, n, v)
	}
}

// whole reads a mapping once more, by the UnmarshalYAML of its type.
func (d *decoder) whole(p place, n *yaml.Node, v reflect.Value) {
	fresh := reflect.New(v.Type())
	err := n.Decode(fresh.Interface())
	switch wrongType := (*yaml.TypeError)(nil); {
	case err == nil:
		v.Set(fresh.Elem())
	case errors.As(err, &wrongType):
		d.reject(p, "is not a valid %s", v.Type().Name()) // the error may quote a secret
	default:
		d.report(p, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
}

// pairs reads the keys of n, and then those that it merges, which do not overwrite them: seen are the keys that are set.
func (d *decoder) pairs(p place, n *yaml.Node, into entries, seen map[string]bool) {
	var merged []*yaml.Node
	for key, value := range pairsOf(n) {
		at := p
		at.line = key.Line
		name, err := keyName(key)
		switch {
		case key.ShortTag() == "!!merge":
			merged = append(merged, value)
		case err != nil:
			d.reject(at, "%v", err)
		case !seen[name]:
			seen[name] = true
			d.pair(at, name, value, into)
		}
	}
	for _, m := range merged {
		d.merge(p, m, into, seen)
	}
}

// merge reads the value of a "<<" key: a mapping or a list of mappings.
func (d *decoder) merge(p place, n *yaml.Node, into entries, seen map[string]bool) {
	d.inside(p, n, func(n *yaml.Node) {
		if n.Kind == yaml.MappingNode {
			d.pairs(p, n, into, seen)
			return
		}
		if n.Kind != yaml.SequenceNode {
			p.line = n.Line
			d.reject(p, "got %s after \"<<\", want a mapping", kind(n))
		}
		for _, item := range n.Content {
			d.merge(p, item, into, seen)
		}
	})
}

// entries is where the keys of a mapping go: into the fields of a struct or the entries of a map.
type entries struct {
	value reflect.Value
	keys  structKeys // empty for a map
}

// pair reads the value of one key.
func (d *decoder) pair(p place, key string, n *yaml.Node, into entries) {
	if index, ok := into.keys.fields[key]; ok {
		d.value(p.field(key), n, into.value.FieldByIndex(index))
		return
	}
	m := into.value
	if m.Kind() == reflect.Struct {
		if into.keys.rest == nil {
			d.unknown(p, key, into.keys)
			return
		}
		m = m.FieldByIndex(into.keys.rest)
	}
	if m.IsNil() {
		m.Set(reflect.MakeMap(m.Type()))
	}
	value := reflect.New(m.Type().Elem()).Elem()
	d.value(p.entry(key), n, value)
	m.SetMapIndex(reflect.ValueOf(key).Convert(m.Type().Key()), value)
}

func (d *decoder) unknown(p place, key string, known structKeys) {
	hint := ""
	if name := known.closest(key); name != "" {
		hint = fmt.Sprintf(", did you mean %q?", name)
	}
	d.reject(p.field(key), "unknown key %q%s", key, hint)
}

// list reads a sequence. An item that cannot be read keeps its index, so that the others do, too.
func (d *decoder) list(p place, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.reject(p, "got %s, want a list", kind(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		at := p.item(i)
		at.line = item.Line
		if item.ShortTag() == "!!null" {
			d.reject(at, "the list item is empty") // package yaml would drop it: a check that never checks
			continue
		}
		d.value(at, item, v.Index(i))
	}
}

// leaf reads a value as a whole.
func (d *decoder) leaf(p place, n *yaml.Node, v reflect.Value) {
	err := n.Decode(v.Addr().Interface())
	if err == nil {
		return
	}
	v.SetZero()
	switch {
	case !d.clean(p.path): // such as a key that is there twice
		d.unread = append(d.unread, p.path)
	case explains(v.Type()):
		d.reject(p, "%v", err)
	case kind(n) == want(v.Type()): // with a key that is not a name, deep inside
		d.reject(p, "is not a valid mapping")
	case n.Kind != yaml.ScalarNode:
		d.reject(p, "got %s, want %s", kind(n), want(v.Type()))
	case private(p, v):
		d.reject(p, "is not %s", want(v.Type()))
	default:
		d.reject(p, "got %q, want %s", n.Value, want(v.Type()))
	}
}
