// Package examples reads the files of the directory examples with the code of the programs that they are for. It is a module
// of its own because that code is large.
package examples

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/timeinterval"
	"go.yaml.in/yaml/v3"
)

// in is a file of the examples.
func in(elem ...string) string {
	return filepath.Join(append([]string{"..", "..", "examples"}, elem...)...)
}

func read(t *testing.T, elem ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(in(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestTimeIntervals asks Alertmanager's own code whether an interval is open, on both sides of each end, in winter (CET is an hour
// ahead of UTC) and in summer (CEST, two), and in the night in which the clock is set.
func TestTimeIntervals(t *testing.T) {
	tests := []struct {
		interval, at string // UTC
		open         bool
	}{
		{"free-tier-night", "2026-01-14T01:54:59Z", false},
		{"free-tier-night", "2026-01-14T01:55:00Z", true}, // 02:55 in Berlin
		{"free-tier-night", "2026-01-14T08:04:59Z", true},
		{"free-tier-night", "2026-01-14T08:05:00Z", false}, // 09:05
		{"free-tier-night", "2026-07-14T00:54:59Z", false},
		{"free-tier-night", "2026-07-14T00:55:00Z", true},
		{"free-tier-night", "2026-07-14T07:04:59Z", true},
		{"free-tier-night", "2026-07-14T07:05:00Z", false},
		{"free-tier-night", "2026-07-14T08:00:00Z", false}, // it would be open in winter
		{"free-tier-night", "2026-03-29T01:30:00Z", true},  // 03:30: 02:00 became 03:00 half an hour ago
		{"free-tier-night", "2026-10-25T01:30:00Z", false}, // 02:30, for the second time
		{"free-tier-night", "2026-10-25T01:55:00Z", true},

		{"office-hours", "2026-01-14T06:59:59Z", false}, // a Wednesday
		{"office-hours", "2026-01-14T07:00:00Z", true},
		{"office-hours", "2026-01-14T17:59:59Z", true},
		{"office-hours", "2026-01-14T18:00:00Z", false},
		{"office-hours", "2026-07-15T05:59:59Z", false},
		{"office-hours", "2026-07-15T06:00:00Z", true},
		{"office-hours", "2026-07-15T17:00:00Z", false},
		{"office-hours", "2026-07-17T12:00:00Z", true},  // a Friday
		{"office-hours", "2026-07-18T12:00:00Z", false}, // a Saturday
		{"office-hours", "2026-07-19T12:00:00Z", false},
		{"office-hours", "2026-07-19T22:30:00Z", false}, // Monday in Berlin, but night
	}
	for _, file := range []string{"alertmanager.yml", "alertmanager-bot.yml"} {
		var c struct {
			TimeIntervals []struct {
				Name          string                      `yaml:"name"`
				TimeIntervals []timeinterval.TimeInterval `yaml:"time_intervals"`
			} `yaml:"time_intervals"`
		}
		if err := yaml.Unmarshal(read(t, "alertmanager", file), &c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		intervals := map[string][]timeinterval.TimeInterval{}
		for _, i := range c.TimeIntervals {
			intervals[i.Name] = i.TimeIntervals
		}
		asked := timeinterval.NewIntervener(intervals)
		tested := map[string]bool{}
		for _, tt := range tests {
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			open, _, err := asked.Mutes([]string{tt.interval}, at)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if open != tt.open {
				t.Errorf("%s: %s at %s: open is %t, want %t", file, tt.interval, tt.at, open, tt.open)
			}
			tested[tt.interval] = true
		}
		for name := range intervals {
			if !tested[name] {
				t.Errorf("%s: no time of the interval %s is tested", file, name)
			}
		}
	}
}
