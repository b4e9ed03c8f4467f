package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// A structKeys is what a struct type reads from a mapping.
type structKeys struct {
	fields map[string][]int // key to the index for reflect.Value.FieldByIndex, through inlined structs
	rest   []int            // index of an inlined map, which takes all other keys; nil: the struct has none
}

var knownKeys sync.Map // reflect.Type to structKeys, which are needed many times

// keysOf reads the yaml tags of a struct type. A type without tags, such as a URL, is not read from a mapping and gets no
// keys. Fields without a tag do not count; the configuration has none.
func keysOf(t reflect.Type) structKeys {
	if known, ok := knownKeys.Load(t); ok {
		k, _ := known.(structKeys)
		return k
	}
	k := readKeys(t)
	knownKeys.Store(t, k)
	return k
}

func readKeys(t reflect.Type) structKeys {
	k := structKeys{fields: map[string][]int{}}
	for f := range t.Fields() {
		tag, ok := f.Tag.Lookup("yaml")
		if !ok {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case options != "inline":
			k.fields[name] = f.Index
		case f.Type.Kind() == reflect.Map:
			k.rest = f.Index
		default:
			for name, index := range keysOf(f.Type).fields {
				k.fields[name] = append(slices.Clone(f.Index), index...)
			}
		}
	}
	return k
}

// mapped reports whether t is a struct that is read from a mapping.
func mapped(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	k := keysOf(t)
	return len(k.fields) > 0 || k.rest != nil
}

func (k structKeys) names() []string { return slices.Sorted(maps.Keys(k.fields)) }

// closest is the known key that an unknown one was probably meant to be, or "".
func (k structKeys) closest(unknown string) string { return Closest(unknown, slices.Values(k.names())) }
