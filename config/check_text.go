package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// longestText bounds names: they are in every series.
const longestText = 256

// text checks what becomes the value of a label.
func (c *checker) text(p place, s string) {
	if len(s) > longestText {
		c.fail(p, "has %d bytes, want %d at most", len(s), longestText)
		return
	}
	c.prints(p, s)
}

// prints checks what people see: a character that does not print may steer their terminal, or make one name look like
// another.
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
