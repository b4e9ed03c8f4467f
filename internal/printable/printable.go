// Package printable makes text from outside fit for people: for a terminal, a page or a line of a log. It is the one
// place that says what may be printed and how long a text may be.
//
// Two kinds of characters are replaced, those of Unicode's categories Cc (control) and Cf (format): the first steer a
// terminal, and of the second some change the order in which the text around them is shown (Unicode Standard Annex #9)
// while others cannot be seen at all. So are the line and paragraph separators (Zl, Zp), and bytes that are not UTF-8.
package printable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Replacement stands for every character that is not printed.
const Replacement = unicode.ReplacementChar

// The lengths of texts in bytes, by what they are. A text may be longer by the mark that says how much was left out.
const (
	// MaxLog is how much of a value one line of a log has.
	MaxLog = 200
	// MaxURL is how much of a URL an event, an error or a page has.
	MaxURL = 500
	// MaxError is how much an error says in all.
	MaxError = 1000
)

// Text is s, cut to about limit bytes, without characters that do not print.
func Text(s string, limit int) string { return Clean(Cut(s, limit)) }

// Line is s as part of a line: each run of spaces, tabs and line breaks is one space.
func Line(s string, limit int) string { return Text(strings.Join(strings.Fields(s), " "), limit) }

// Cut is s where it has at most limit bytes, and otherwise its beginning and its end with a mark between them, such as
// "[…4711 bytes…]". A character is left out whole or not at all.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	head := runeStart(s, (limit+1)/2)
	tail := runeEnd(s, len(s)-limit/2)
	return fmt.Sprintf("%s[…%d bytes…]%s", s[:head], tail-head, s[tail:])
}

// runeStart is the last place at or before i where a character begins.
func runeStart(s string, i int) int {
	for j := i; j > i-utf8.UTFMax && j > 0; j-- {
		if utf8.RuneStart(s[j]) {
			return j
		}
	}
	return i // not UTF-8
}

// runeEnd is the first place at or after i where a character begins.
func runeEnd(s string, i int) int {
	for j := i; j < i+utf8.UTFMax && j < len(s); j++ {
		if utf8.RuneStart(s[j]) {
			return j
		}
	}
	return i // not UTF-8
}

// Clean is s with Replacement in place of what does not print; line breaks and tabs do not either. It returns s itself
// where there is nothing to replace.
func Clean(s string) string {
	if Is(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if !prints(r) {
			return Replacement
		}
		return r
	}, s)
}

// Is reports whether all of s prints, so that it may be a name that people see.
func Is(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f {
			return utf8.ValidString(s[i:]) && !strings.ContainsFunc(s[i:], func(r rune) bool { return !prints(r) })
		}
	}
	return true
}

// prints reports whether r is neither control, format nor separator of lines.
func prints(r rune) bool {
	return !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}
