package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func TestUsageError(t *testing.T) {
	commands := []string{"serve", "check"}
	for _, tc := range []struct {
		name, err string
		args      []string
		want      string
	}{
		{"flag", "unknown long flag '--x'", []string{"--x"}, "unknown long flag '--x'"},
		{"word", "unexpected chekc", []string{"chekc"}, `unexpected argument "chekc", want a command: serve, check; to probe a target: exporter probe URL`},
		{"target", "unexpected http://a:b@c/", []string{"http://a:b@c/"}, "unexpected argument, want a command: serve, check; to probe a target: exporter probe URL"},
		{"one too many", "unexpected two", []string{"--x", "serve", "two"}, `unexpected argument "two"`},
		{"one too many that is a target", "unexpected http://a:b@c/", []string{"serve", "http://a:b@c/"}, "unexpected argument"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := UsageError(errors.New(tc.err), "exporter", tc.args, commands); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"good.yml": "modules: {a: {prober: http}, b: {prober: http}}",
		"full.yml": "modules: {http_2xx: {prober: http}}\ntargets: [{name: a, url: 'http://127.0.0.1/'}, {name: b, url: 'http://127.0.0.1/b'}]\ntarget_files: [more.yml]\n" +
			"restart: {mode: off, receiver: {insecure: true}, services: [{name: a, checks: [{target: a}], http: {url: 'http://127.0.0.1/'}}]}\n",
		"more.yml":    "- {name: c, url: 'http://127.0.0.1/c'}\n",
		"list.yml":    "modules: {http_2xx: {prober: http}}\ntarget_files: [none.yml]\n",
		"bad.yml":     "modules:\n  a: {prober: x}\n  b: {prober: y}\n",
		"unbuilt.yml": "modules:\n  a: {prober: http, http: &h {tls_config: {ca_file: garbage.pem}}}\n  b: {prober: http, http: *h}\n",
		"garbage.pem": "no certificate",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name   string
		files  []string
		status int
		out    string
		err    []string // the beginning of each line
	}{
		{"good", []string{"good.yml"}, ExitSuccess, "good.yml: ok, modules: 2\n", nil},
		{"of everything", []string{"full.yml"}, ExitSuccess, "full.yml: ok, modules: 1, targets: 2, targets in files: 1, services to restart: 1\n", nil},
		{"a file of targets that is missing", []string{"list.yml"}, ExitUsage, "", []string{"reading "}},
		{"bad", []string{"bad.yml"}, ExitUsage, "", []string{"bad.yml:2: modules.a.prober: ", "bad.yml:3: modules.b.prober: "}},
		{"missing", []string{"none.yml"}, ExitUsage, "", []string{"reading configuration: open none.yml: "}},
		{"cannot be built", []string{"unbuilt.yml"}, ExitUsage, "", []string{"unbuilt.yml", "unbuilt.yml"}},
		{"bad before good", []string{"bad.yml", "good.yml"}, ExitUsage, "good.yml: ok, modules: 2\n", []string{"bad.yml:2: ", "bad.yml:3: "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			if got := Check(t.Context(), &out, &errOut, config.Options{}, tc.files); got != tc.status {
				t.Errorf("exit status %d, want %d", got, tc.status)
			}
			if diff := cmp.Diff(tc.out, out.String()); diff != "" {
				t.Errorf("stdout (-want +got):\n%s", diff)
			}
			var lines []string
			for line := range strings.Lines(errOut.String()) {
				lines = append(lines, line)
			}
			if len(lines) != len(tc.err) {
				t.Fatalf("stderr has %d lines, want %d:\n%s", len(lines), len(tc.err), &errOut)
			}
			for i, want := range tc.err {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("line %d of stderr is %q, want %q at its beginning", i+1, lines[i], want)
				}
			}
		})
	}
}
