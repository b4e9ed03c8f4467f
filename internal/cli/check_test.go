package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Who can never log in is warned of, and a token that cannot arrive is an error.
func TestCheckUsers(t *testing.T) {
	t.Chdir(t.TempDir())
	const token = "6d1f0a93c27be85440f9b3d7a1e6c852"
	for name, text := range map[string]string{
		"users.yml": "access: {users: [{name: alice, role: edit}, {name: bob, role: read}]}\n",
		"token.yml": "access: {users: [{name: ci, role: edit, bearer_token: " + token + "}]}\n",
		"proxy.yml": "access: {users: [{name: alice, role: edit}], proxy: {user_header: Remote-User, trusted: [127.0.0.1]}}\n",
		"web.yml":   "basic_auth_users: {alice: $2a$04$x}\n",
		"odd.yml":   "\t" + token,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		file, web string
		status    int
		err       []string // parts of each line
	}{
		{"users.yml", "", ExitSuccess, []string{`warning: access.users[0]: "alice" can never log in`, `warning: access.users[1]: "bob" can never log in`}},
		{"users.yml", "web.yml", ExitSuccess, []string{`warning: access.users[1]: "bob" can never log in`}},
		{"token.yml", "", ExitSuccess, nil},
		{"token.yml", "web.yml", ExitUsage, []string{"token.yml: access.users[0]: a bearer token cannot be used with basic_auth_users"}},
		{"proxy.yml", "web.yml", ExitSuccess, nil},
		{"users.yml", "odd.yml", ExitUsage, []string{`reading the web configuration "odd.yml": it is not valid YAML`}},
		{"users.yml", "none.yml", ExitUsage, []string{"reading the web configuration: open none.yml"}},
	} {
		var out, errOut bytes.Buffer
		status := check(t.Context(), &out, &errOut, checkOptions{Files: []string{tc.file}, Web: tc.web})
		var lines []string
		for line := range strings.Lines(errOut.String()) {
			if !strings.Contains(line, "anybody on this machine") {
				lines = append(lines, line)
			}
		}
		if status != tc.status || len(lines) != len(tc.err) {
			t.Errorf("%s with %q: status %d with %d lines, want %d with %d:\n%s", tc.file, tc.web, status, len(lines), tc.status, len(tc.err), &errOut)
			continue
		}
		for i, want := range tc.err {
			if !strings.Contains(lines[i], want) || strings.Contains(lines[i], token) {
				t.Errorf("%s with %q: line %d is %q, want %q", tc.file, tc.web, i, lines[i], want)
			}
		}
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
			if got := check(t.Context(), &out, &errOut, checkOptions{Files: tc.files}); got != tc.status {
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

// A module with another prober gives one line. The last line names the command that takes the other modules over.
func TestCheckOfForeignProbers(t *testing.T) {
	file := configFile(t, "modules:\n  a: {prober: tcp, tcp: {query_response: []}}\n  b: {prober: icmp}\n  c: {prober: dns, dns: {query_name: x}}\n  web: {prober: http}\n")
	var out, errOut bytes.Buffer
	if got := check(t.Context(), &out, &errOut, checkOptions{Files: []string{file}}); got != ExitUsage {
		t.Errorf("exit status %d, want %d", got, ExitUsage)
	}
	lines := strings.Split(strings.TrimSpace(errOut.String()), "\n")
	if len(lines) != 4 || !strings.HasSuffix(lines[3], "--config.ignore-foreign-modules reads the file without them") || strings.Contains(errOut.String(), "unknown key") {
		t.Errorf("check says\n%s\nwant a line for each of three modules, and one that names import", &errOut)
	}
}

// The command check warns of a body that would not be decompressed.
func TestCheckUndecoded(t *testing.T) {
	for block, want := range map[string]bool{
		"headers: {Accept-Encoding: gzip}":                              true,
		"headers: {accept-encoding: 'br, *;q=0.1'}":                     true,
		"headers: {Accept-Encoding: identity}":                          false,
		"headers: {Accept-Encoding: gzip}, compression: gzip":           false,
		"headers: {Accept: text/html}":                                  false,
		"compression: gzip":                                             false,
		"headers: {Accept-Encoding: 'gzip;q=0, identity'}":              false,
		"headers: {Accept-Encoding: zstd}, valid_status_codes: ['2xx']": true,
	} {
		file := configFile(t, "modules: {m: {prober: http, http: {"+block+"}}}\n")
		var out, errOut bytes.Buffer
		status := check(t.Context(), &out, &errOut, checkOptions{Files: []string{file}})
		if got := strings.Contains(errOut.String(), "warning: modules.m: the header Accept-Encoding"); got != want || status != ExitSuccess {
			t.Errorf("%s: warned %t with status %d, want %t: %s", block, got, status, want, errOut.String())
		}
	}
}
