package config

import (
	"errors"
	"strings"
)

// celReasons are how errors of an evaluation begin, with what is said instead. The rest of such an error has keys and values
// of the document, which may be secret, and goes to logs and terminals.
var celReasons = []struct{ begins, says string }{
	{"no such key", "a key is missing"},
	{"no such attribute", "a key is missing"},
	{"no such overload", "a value is of another type"},
	{"unsupported index", "an index is not a whole number"},
	{"index ", "an index is out of range"},
	{"division by zero", "it divides by zero"},
	{"modulus by zero", "it divides by zero"},
	{"integer overflow", "a number is too large"},
	{"unsigned integer overflow", "a number is too large"},
	{"duration overflow", "a duration is too long"},
	{"timestamp overflow", "a time is too far away"},
	{"a number is too large", "a number is too large"},
	{"the expression makes lists", "it makes lists of too many values"},
	{"NaN values", "a number cannot be compared"},
	{"type conversion error", "a value cannot be converted"},
	{"strconv.", "a text is not a number"},
	{"invalid RFC 3339 timestamp", "a text is not a time"},
	{"time: ", "a text is not a duration"},
	{"timezone offset", "a text is not a time zone"},
	{"unknown time zone", "a text is not a time zone"},
	{"error parsing regexp", "a text is not a regular expression"},
	{"regex program size", "a regular expression is too large"},
}

// celError is an error of an evaluation without anything of the document.
func celError(err error) error {
	text := err.Error()
	for _, r := range celReasons {
		if strings.HasPrefix(text, r.begins) {
			return errors.New(r.says)
		}
	}
	return errors.New("the reason is not shown, since it may quote the document")
}
