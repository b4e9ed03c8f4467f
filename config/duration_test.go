package config_test

import (
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func TestDuration(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
		back string
	}{
		{"0", 0, "0s"},
		{"0s", 0, "0s"},
		{"5s", 5 * time.Second, "5s"},
		{"1m30s", 90 * time.Second, "1m30s"},
		{"90s", 90 * time.Second, "1m30s"},
		{"1d", 24 * time.Hour, "1d"},
		{"1d12h", 36 * time.Hour, "1d12h"},
		{"1w", 7 * 24 * time.Hour, "1w"},
		{"250ms", 250 * time.Millisecond, "250ms"},
		{"1.5s", 1500 * time.Millisecond, "1.5s"},
		{"1s500ms", 1500 * time.Millisecond, "1.5s"},
		{"10us", 10 * time.Microsecond, "10µs"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			var d config.Duration
			if err := yaml.Unmarshal([]byte(tt.text), &d); err != nil {
				t.Fatal(err)
			}
			if time.Duration(d) != tt.want || d.String() != tt.back {
				t.Errorf("got %s (%s), want %s (%s)", time.Duration(d), d, tt.want, tt.back)
			}
			if again, err := config.ParseDuration(d.String()); err != nil || again != d {
				t.Errorf("read back: got %s, %v, want %s", again, err, d)
			}
		})
	}
	for _, text := range []string{"5", "-5s", "-0.5s", "''", "soon", "[5s]", "300y", "9999999999h", "1s1m"} {
		t.Run("bad "+text, func(t *testing.T) {
			var d config.Duration
			if err := yaml.Unmarshal([]byte(text), &d); (err == nil) != (text == "1s1m") { // Go has no order
				t.Errorf("got %s, %v", d, err)
			}
		})
	}
}
