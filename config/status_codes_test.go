package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func TestStatusRanges(t *testing.T) {
	tests := []struct {
		text    string
		want    config.StatusRanges
		message string
		in, out []int
	}{
		{"[]", config.StatusRanges{}, "2xx", []int{200, 299}, []int{199, 300, 404}},
		{"[404]", config.StatusRanges{{404, 404}}, "404", []int{404}, []int{200, 403, 405}},
		{"[2xx, 404]", config.StatusRanges{{200, 299}, {404, 404}}, "2xx, 404", []int{200, 299, 404}, []int{199, 300}},
		{"[2XX]", config.StatusRanges{{200, 299}}, "2xx", []int{200}, nil},
		{"[200-299]", config.StatusRanges{{200, 299}}, "2xx", []int{200}, nil},
		{"['200-204', 900-999]", config.StatusRanges{{200, 204}, {900, 999}}, "200-204, 900-999", []int{200, 204, 999}, []int{205, 899}},
		{"[100-599]", config.StatusRanges{{100, 599}}, "100-599", []int{100, 599}, []int{600}},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			var s config.StatusRanges
			if err := yaml.Unmarshal([]byte(tt.text), &s); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, s); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if s.String() != tt.message {
				t.Errorf("got %q, want %q", s.String(), tt.message)
			}
			for _, code := range tt.in {
				if !s.Contains(code) {
					t.Errorf("%d is not contained", code)
				}
			}
			for _, code := range tt.out {
				if s.Contains(code) {
					t.Errorf("%d is contained", code)
				}
			}
			text, err := yaml.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var again config.StatusRanges
			if err := yaml.Unmarshal(text, &again); err != nil || !cmp.Equal(s, again) {
				t.Errorf("read back: got %v, %v from %q, want %v", again, err, text, s)
			}
		})
	}
	for _, text := range []string{"99", "1000", "99999", "0xx", "xxx", "2x", "299-200", "200-", "-200", "200-1000", "200 - 299", "", "2xx-3xx", "99999999999999999999"} {
		t.Run("bad "+text, func(t *testing.T) {
			if r, err := config.ParseStatusRange(text); err == nil {
				t.Errorf("got %v, want an error", r)
			}
		})
	}
}

func TestStatusRangeYAML(t *testing.T) {
	got, err := yaml.Marshal(config.StatusRanges{{200, 200}, {200, 299}, {200, 204}})
	if want := "- 200\n- 2xx\n- 200-204\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}
