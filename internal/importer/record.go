package importer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A record is a mapping of another program's file. It remembers which keys were asked for, so that no key is lost silently, and
// which values had another type than was wanted.
type record struct {
	path   string // of the record, with a dot at its end, or empty
	values map[string]any
	asked  map[string]bool
	wrong  *[]string // shared by the records below
}

func newRecord(values map[string]any) *record {
	return &record{values: values, asked: map[string]bool{}, wrong: new([]string)}
}

// get returns a value and marks its key. A null is as good as absent.
func (r *record) get(key string) any {
	r.asked[key] = true
	return r.values[key]
}

func (r *record) has(key string) bool { return r.get(key) != nil }

// skip marks keys that say nothing about how a target is probed.
func (r *record) skip(keys ...string) {
	for _, key := range keys {
		r.asked[key] = true
	}
}

func (r *record) refuse(key, want string) {
	if why := fmt.Sprintf("%s%s: want %s", r.path, key, want); !slices.Contains(*r.wrong, why) {
		*r.wrong = append(*r.wrong, why)
	}
}

// text returns a text, or the text of a number or a bool.
func (r *record) text(key string) string {
	s, ok := scalarText(r.get(key))
	if !ok {
		r.refuse(key, "a text")
	}
	return s
}

// scalarText is the text of what is neither a list nor a mapping.
func scalarText(v any) (text string, ok bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	default:
		return "", false
	}
}

// number returns a number, or fallback if there is none.
func (r *record) number(key string, fallback float64) float64 {
	text := strings.TrimSpace(r.text(key))
	if text == "" {
		return fallback
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n != n || n < -maxNumber || n > maxNumber {
		r.refuse(key, "a number")
		return fallback
	}
	return n
}

// maxNumber bounds numbers, so that a number of seconds is a duration.
const maxNumber = 1e9

// yes reports whether a switch is on.
func (r *record) yes(key string) bool {
	switch strings.ToLower(r.text(key)) {
	case "", "0", "false", "no", "off":
		return false
	case "1", "true", "yes", "on":
		return true
	default:
		r.refuse(key, "true or false")
		return false
	}
}

func (r *record) list(key string) []any {
	switch v := r.get(key).(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		r.refuse(key, "a list")
		return nil
	}
}

// texts returns a list of texts.
func (r *record) texts(key string) []string {
	var all []string
	for _, v := range r.list(key) {
		s, ok := scalarText(v)
		if !ok {
			r.refuse(key, "a list of texts")
			return nil
		}
		all = append(all, s)
	}
	return all
}

// in returns the record below a key, which is empty if there is none.
func (r *record) in(key string) *record {
	values, ok := r.get(key).(map[string]any)
	if !ok && r.values[key] != nil {
		r.refuse(key, "a mapping")
	}
	return &record{path: r.path + key + ".", values: values, asked: map[string]bool{}, wrong: r.wrong}
}

// textMap returns a mapping of texts.
func (r *record) textMap(key string) map[string]string {
	below, all := r.in(key), map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(below.values)) { // so are the lines about them
		all[name] = below.text(name)
	}
	return all
}

// left returns the keys that nobody asked for and that have a value, sorted.
func (r *record) left() []string {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(r.values)) {
		if !r.asked[key] && !empty(r.values[key]) {
			keys = append(keys, r.path+key)
		}
	}
	return keys
}

// empty reports whether a value is what a key has that nobody has set.
func empty(v any) bool {
	switch v := v.(type) {
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	default:
		text, _ := scalarText(v)
		return slices.Contains([]string{"", "0", "false"}, text)
	}
}

// plain turns a tree without aliases into maps, lists and texts. Merged keys do not overwrite others.
func plain(n *yaml.Node) any {
	switch {
	case n.Kind == yaml.MappingNode:
		return plainMap(n)
	case n.Kind == yaml.SequenceNode:
		all := make([]any, len(n.Content))
		for i, item := range n.Content {
			all[i] = plain(item)
		}
		return all
	case n.ShortTag() == "!!null":
		return nil
	default:
		return n.Value
	}
}

func plainMap(n *yaml.Node) map[string]any {
	all := map[string]any{}
	var merged []*yaml.Node
	for key, v := range pairs(n) {
		switch {
		case key.ShortTag() != "!!merge":
			all[key.Value] = plain(v)
		case v.Kind == yaml.SequenceNode:
			merged = append(merged, v.Content...)
		default:
			merged = append(merged, v)
		}
	}
	for _, m := range merged {
		for key, v := range plainMap(m) {
			if _, ok := all[key]; !ok {
				all[key] = v
			}
		}
	}
	return all
}

// mapTexts returns a tree in which f has replaced every text.
func mapTexts(v any, f func(string) string) any {
	switch v := v.(type) {
	case string:
		return f(v)
	case []any:
		all := make([]any, len(v))
		for i, item := range v {
			all[i] = mapTexts(item, f)
		}
		return all
	case map[string]any:
		all := map[string]any{}
		for key, item := range v {
			all[key] = mapTexts(item, f)
		}
		return all
	default:
		return v
	}
}
