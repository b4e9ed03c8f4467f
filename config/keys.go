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

// closest returns the known key that an unknown key was probably meant to be, or "".
func (k structKeys) closest(unknown string) string {
	const near = 3 // one edit per this many letters, so that "tcp" is not taken for "http"
	best, bestDistance := "", len(unknown)/near+1
	for _, name := range k.names() {
		if d := editDistance(strings.ToLower(unknown), name); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}

// editDistance returns the number of bytes to insert, delete or replace to turn b into a (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
