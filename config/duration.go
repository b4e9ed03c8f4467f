package config

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// Duration is a time.Duration that reads Prometheus durations (5s, 1m30s, 1d) and those of Go (1.5s). It is never
// negative.
type Duration time.Duration

// ParseDuration reads a Prometheus or a Go duration.
func ParseDuration(s string) (Duration, error) {
	if d, err := model.ParseDuration(s); err == nil {
		return Duration(d), nil
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return 0, fmt.Errorf("got %q, want a duration such as 5s, 1m30s or 1.5s", s)
	case d < 0:
		return 0, fmt.Errorf("got %q, want a duration that is not negative", s)
	default:
		return Duration(d), nil
	}
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	s, err := scalar(n, "a duration such as 5s")
	if err != nil {
		return err
	}
	v, err := ParseDuration(s)
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }

// UnmarshalText implements encoding.TextUnmarshaler, for JSON.
func (d *Duration) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDuration(string(text))
	return err
}

// MarshalText implements encoding.TextMarshaler, for JSON.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String returns the text that ParseDuration reads back as the same value.
func (d Duration) String() string {
	if time.Duration(d)%time.Second != 0 {
		return time.Duration(d).String() // Prometheus has no fractions and nothing below a millisecond
	}
	return model.Duration(d).String()
}
