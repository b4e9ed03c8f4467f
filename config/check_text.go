package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// Bounds of texts in bytes. Every series has the names and the labels; URLs and headers are kept several times.
const (
	longestText   = 256
	longestURL    = 4 << 10
	longestHeader = 8 << 10
)

// length checks that a text is not too long.
func (c *checker) length(p place, s string, most int) bool {
	if len(s) > most {
		c.fail(p, "has %d bytes, want %d at most", len(s), most)
	}
	return len(s) <= most
}

// text checks what becomes the value of a label.
func (c *checker) text(p place, s string) {
	if c.length(p, s, longestText) {
		c.prints(p, s)
	}
}

// prints checks a text that people see: a character that does not print could control their terminal, or make one name
// look like another.
func (c *checker) prints(p place, s string) {
	if printable.Is(s) {
		return
	}
	for i, r := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch char := s[i : i+size]; {
		case r == utf8.RuneError && size == 1:
			c.fail(p, "has the byte %s, which is not UTF-8", fmt.Sprintf(`\x%02x`, char))
			return
		case !printable.Is(char):
			c.fail(p, "has the character %s, which does not print", strings.Trim(strconv.QuoteToASCII(char), `"`))
			return
		}
	}
}
