package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A place is where something is in a file, or would be if the file had it.
type place struct {
	path    string // for people: modules.http_2xx.http.headers.Accept
	pattern string // the same for tables: modules.*.http.headers.*
	name    string // the last key as the user wrote it: Accept
	line    int    // of the key or list item; if the file does not have it, of the nearest one above
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// field returns the place of a key of a struct.
func (p place) field(key string) place {
	return place{joinPath(p.path, key), joinPath(p.pattern, key), key, p.line}
}

// entry returns the place of a key that the user chose.
func (p place) entry(key string) place {
	return place{joinPath(p.path, key), joinPath(p.pattern, "*"), key, p.line}
}

// item returns the place of an item of a list. A list and its items share a pattern.
func (p place) item(i int) place {
	return place{p.path + "[" + strconv.Itoa(i) + "]", p.pattern, p.name, p.line}
}

func joinPath(path, key string) string {
	switch {
	case key != "*" && !plainKey.MatchString(key):
		return fmt.Sprintf("%s[%q]", path, key)
	case path == "":
		return key
	default:
		return path + "." + key
	}
}

// within reports whether path is outer, or below it.
func within(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}
