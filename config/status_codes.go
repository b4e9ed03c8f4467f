package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Status codes have three digits (RFC 9110 section 15). 6xx to 9xx are not defined, but some servers send them.
const (
	minStatus = 100
	maxStatus = 999
)

// StatusRange is a range of HTTP status codes, both ends included.
type StatusRange struct {
	From, To int
}

// StatusRanges are the status codes of a list. An empty list means 2xx.
type StatusRanges []StatusRange

// Contains reports whether code is in one of the ranges.
func (s StatusRanges) Contains(code int) bool {
	if len(s) == 0 {
		return 200 <= code && code <= 299
	}
	for _, r := range s {
		if r.From <= code && code <= r.To {
			return true
		}
	}
	return false
}

// String returns a text for messages, such as "2xx, 404".
func (s StatusRanges) String() string {
	if len(s) == 0 {
		return "2xx"
	}
	all := make([]string, len(s))
	for i, r := range s {
		all[i] = r.String()
	}
	return strings.Join(all, ", ")
}

var statusForm = regexp.MustCompile(`^(?:([1-5])[xX]{2}|(\d+)(?:-(\d+))?)$`)

// ParseStatusRange reads a code (200), a class (2xx) or a range (200-299).
func ParseStatusRange(s string) (StatusRange, error) {
	m := statusForm.FindStringSubmatch(s)
	if m == nil {
		return StatusRange{}, fmt.Errorf("got %q, want a status code (200), a class from 1xx to 5xx, or a range (200-299)", s)
	}
	if m[1] != "" {
		class := int(m[1][0]-'0') * 100
		return StatusRange{class, class + 99}, nil
	}
	from, err := statusCode(m[2])
	if err != nil {
		return StatusRange{}, err
	}
	to := from
	if m[3] != "" {
		if to, err = statusCode(m[3]); err != nil {
			return StatusRange{}, err
		}
	}
	if from > to {
		return StatusRange{}, fmt.Errorf("got %q, want the lower end of the range first", s)
	}
	return StatusRange{from, to}, nil
}

func statusCode(digits string) (int, error) {
	code, err := strconv.Atoi(digits)
	if err != nil || code < minStatus || code > maxStatus {
		return 0, fmt.Errorf("got status code %s, want %d to %d", digits, minStatus, maxStatus)
	}
	return code, nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *StatusRange) UnmarshalYAML(n *yaml.Node) error {
	s, err := scalar(n, "a status code, class or range")
	if err != nil {
		return err
	}
	v, err := ParseStatusRange(s)
	if err != nil {
		return err
	}
	*r = v
	return nil
}

// MarshalYAML implements yaml.Marshaler: a code is an integer, all else a string.
func (r StatusRange) MarshalYAML() (any, error) {
	if r.From == r.To {
		return r.From, nil
	}
	return r.String(), nil
}

// String returns what a person would write: 404, 2xx or 200-204.
func (r StatusRange) String() string {
	switch {
	case r.From == r.To:
		return strconv.Itoa(r.From)
	case r.From%100 == 0 && r.To == r.From+99 && r.To < 600:
		return strconv.Itoa(r.From/100) + "xx"
	default:
		return fmt.Sprintf("%d-%d", r.From, r.To)
	}
}
