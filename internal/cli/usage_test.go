package cli

import (
	"errors"
	"testing"
)

func TestUsageError(t *testing.T) {
	commands := []string{"serve", "check"}
	for _, tc := range []struct {
		name, err string
		args      []string
		want      string
	}{
		{"flag", "unknown long flag '--x'", []string{"--x"}, "unknown long flag '--x'"},
		{"word", "unexpected chekc", []string{"chekc"}, `unexpected argument "chekc", want a command: serve, check; to probe a target: healthcheck_exporter probe URL`},
		{"target", "unexpected http://a:b@c/", []string{"http://a:b@c/"}, "unexpected argument, want a command: serve, check; to probe a target: healthcheck_exporter probe URL"},
		{"one too many", "unexpected two", []string{"--x", "serve", "two"}, `unexpected argument "two"`},
		{"one too many that is a target", "unexpected http://a:b@c/", []string{"serve", "http://a:b@c/"}, "unexpected argument"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := usageError(errors.New(tc.err), tc.args, commands).Error(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
