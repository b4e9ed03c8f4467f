package config

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"

	"go.yaml.in/yaml/v3"
)

// Regexp is a regular expression (RE2) that was compiled when the configuration was loaded. The zero value has no expression;
// it stands for an absent key.
type Regexp struct {
	*regexp.Regexp
}

// NewRegexp compiles s, which must not be empty: the empty expression matches everything.
func NewRegexp(s string) (Regexp, error) {
	if s == "" {
		return Regexp{}, errors.New("must not be empty: it would match everything")
	}
	re, err := regexp.Compile(s)
	if bad := (*syntax.Error)(nil); errors.As(err, &bad) {
		return Regexp{}, fmt.Errorf("compiling %q: %s: %q", s, bad.Code, bad.Expr)
	}
	if err != nil {
		return Regexp{}, fmt.Errorf("compiling %q: %w", s, err)
	}
	return Regexp{re}, nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *Regexp) UnmarshalYAML(n *yaml.Node) error {
	s, err := scalar(n, "a regular expression")
	if err != nil {
		return err
	}
	v, err := NewRegexp(s)
	if err != nil {
		return err
	}
	*r = v
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (r Regexp) MarshalYAML() (any, error) {
	if r.Regexp == nil {
		return nil, nil
	}
	return r.String(), nil
}
