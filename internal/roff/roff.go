// Package roff writes text for pages of the manual.
package roff

import "strings"

var escapes = strings.NewReplacer(`\`, `\e`, `-`, `\-`, "\n", " ")

// Escape returns one line that troff shows as s: no part of it is a request or an escape.
func Escape(s string) string {
	s = escapes.Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
