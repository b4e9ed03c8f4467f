package importer

import (
	"fmt"
	"slices"
	"strings"
)

// codes are the status codes from 0 to 999 that count as healthy.
type codes [1000]bool

// anyCode are all status codes that there can be.
func anyCode() *codes {
	var c codes
	c.add(100, 999)
	return &c
}

func (c *codes) add(from, to int) {
	for code := max(from, 100); code <= min(to, 999); code++ {
		c[code] = true
	}
}

// keep removes the codes of which f is false.
func (c *codes) keep(f func(code int) bool) {
	for code, ok := range c {
		c[code] = ok && f(code)
	}
}

// list is what valid_status_codes has for them. It is nil for 2xx, which is the default, and empty if there are none.
func (c *codes) list() []any {
	list := []any{}
	for from := 0; from < len(c); from++ {
		if !c[from] {
			continue
		}
		to := from
		for to+1 < len(c) && c[to+1] {
			to++
		}
		switch {
		case from == to:
			list = append(list, from)
		case from%100 == 0 && to == from+99 && from <= 500:
			list = append(list, fmt.Sprintf("%dxx", from/100))
		default:
			list = append(list, fmt.Sprintf("%d-%d", from, to))
		}
		from = to
	}
	if slices.Equal(list, []any{"2xx"}) {
		return nil
	}
	return list
}

// codesName is a short name for a list of status codes, for the name of a module.
func codesName(list []any) string {
	const few = 2
	switch {
	case list == nil:
		return "2xx"
	case slices.Equal(list, []any{"100-999"}):
		return "any"
	case len(list) > few:
		return "codes"
	default:
		return strings.ReplaceAll(strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", "_"), "[]"), "-", "_")
	}
}
