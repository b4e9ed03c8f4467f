package config_test

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func TestSize(t *testing.T) {
	tests := []struct {
		text string
		want int64
		back string // as YAML
	}{
		{"0", 0, "0"},
		{"0B", 0, "0"},
		{"1023", 1023, "1023"},
		{"'1024'", 1024, "1KiB"},
		{"0x10", 16, "16"},
		{"1_000", 1000, "1000"},
		{"1500B", 1500, "1500"},
		{"64KB", 64 << 10, "64KiB"},
		{"10MB", 10 << 20, "10MiB"},
		{"1GiB", 1 << 30, "1GiB"},
		{"1.5KB", 1536, "1536"},
		{"1MB512KB", 1536 << 10, "1536KiB"},
		{"7EiB", 7 << 60, "7EiB"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			var s config.Size
			if err := yaml.Unmarshal([]byte(tt.text), &s); err != nil {
				t.Fatal(err)
			}
			out, err := yaml.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(string(out)); int64(s) != tt.want || got != tt.back {
				t.Errorf("got %d (%s), want %d (%s)", s, got, tt.want, tt.back)
			}
			if again, err := config.ParseSize(s.String()); err != nil || again != s {
				t.Errorf("read back: got %d, %v, want %d", again, err, s)
			}
		})
	}
	for _, text := range []string{"-1", "-1KB", "8EB", "8EiB", "99EB", "9223372036854775807", "9223372036854775808", "1e3", "10 MB", "10XB", "''", "[1]", "true"} {
		t.Run("bad "+text, func(t *testing.T) {
			var s config.Size
			if err := yaml.Unmarshal([]byte(text), &s); err == nil {
				t.Errorf("got %d, want an error", s)
			}
		})
	}
}
