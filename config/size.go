package config

import (
	"fmt"
	"math"
	"strconv"

	"github.com/alecthomas/units"
	"go.yaml.in/yaml/v3"
)

// Size is a number of bytes. It reads plain integers, and numbers with a unit (64KB, 10MB, 1GiB). All units are powers of
// 1024, as in blackbox_exporter. It is never negative.
type Size int64

// ParseSize reads a number of bytes, with or without a unit.
func ParseSize(s string) (Size, error) {
	n, err := strconv.ParseInt(s, 0, 64) // base 0, as YAML: 0x400 and 1_000 are integers
	if err != nil {
		var b units.Base2Bytes
		b, err = units.ParseBase2Bytes(s)
		n = int64(b)
	}
	switch {
	case err != nil:
		return 0, fmt.Errorf("got %q, want a size in bytes such as 1024, 64KB or 10MB", s)
	case n < 0 || n == math.MaxInt64: // units wraps or saturates at 8EB, depending on the processor
		return 0, fmt.Errorf("got %q, want a size from 0 to less than 8EB", s)
	default:
		return Size(n), nil
	}
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *Size) UnmarshalYAML(n *yaml.Node) error {
	text, err := scalar(n, "a size in bytes such as 10MB")
	if err != nil {
		return err
	}
	v, err := ParseSize(text)
	if err != nil {
		return err
	}
	*s = v
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (s Size) MarshalYAML() (any, error) {
	if s == 0 || s%1024 != 0 {
		return int64(s), nil
	}
	return s.String(), nil
}

// String returns the text that ParseSize reads back as the same value: a number with the largest unit that divides it.
func (s Size) String() string {
	n, unit := int64(s), 0
	names := []string{"", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	for n != 0 && n%1024 == 0 {
		n /= 1024
		unit++
	}
	return strconv.FormatInt(n, 10) + names[unit]
}
