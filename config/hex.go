package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Hex is a sequence of bytes, written as hexadecimal digits with or without white space between bytes. It keeps the
// text as it was written.
type Hex string

// ParseHex checks that s is a sequence of at least one byte.
func ParseHex(s string) (Hex, error) {
	b, err := decodeHex(s)
	switch {
	case err != nil:
		return "", errors.New("want bytes as hexadecimal digits, such as 10 0c 00 04")
	case len(b) == 0:
		return "", errors.New("must not be empty")
	default:
		return Hex(s), nil
	}
}

func decodeHex(s string) ([]byte, error) {
	return hex.DecodeString(strings.Join(strings.Fields(s), ""))
}

// Bytes returns the bytes of a checked Hex, as a copy.
func (h Hex) Bytes() []byte {
	b, err := decodeHex(string(h))
	if err != nil {
		panic(fmt.Sprintf("config: Hex that was not checked: %v", err)) // ParseHex checks it, unless it was made otherwise
	}
	return b
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (h *Hex) UnmarshalYAML(n *yaml.Node) error {
	s, err := scalar(n, "bytes as hexadecimal digits")
	if err != nil {
		return err
	}
	v, err := ParseHex(s)
	if err != nil {
		return err
	}
	*h = v
	return nil
}
