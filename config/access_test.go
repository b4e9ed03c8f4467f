package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func TestStrandedUsers(t *testing.T) {
	const users = `
access:
  users:
    - {name: alice, role: edit}
    - {name: bob, role: operate}
    - {name: ci, role: edit, bearer_token: 6d1f0a93c27be85440f9b3d7a1e6c852}
`
	for _, tc := range []struct {
		name, text string
		passwords  map[string]string
		want       []string // who is stranded
	}{
		{"without a section", "modules: {a: {prober: http}}", nil, nil},
		{"no passwords", users, nil, []string{"alice", "bob"}},
		{"one password", users, map[string]string{"alice": "x"}, []string{"bob"}},
		{"another's password", users, map[string]string{"Alice": "x", "ci": "x"}, []string{"alice", "bob"}},
		{"nobody at all", "access: {anonymous: none}", nil, []string{"none"}},
		{"nobody but those with a password", "access: {anonymous: none}", map[string]string{"prometheus": "x"}, nil},
		{"a proxy", users + "  proxy: {user_header: Remote-User, trusted: [127.0.0.1]}", nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := config.Parse("x.yml", []byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, line := range c.Access.StrandedUsers(tc.passwords) {
				got = append(got, strings.Split(line, `"`)[1])
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("stranded (-want +got):\n%s", diff)
			}
		})
	}
}

// A token is read anew, and what it is stands in no error.
func TestUserToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	u := config.User{BearerTokenFile: file}
	if _, err := u.Token(); err == nil {
		t.Error("a file that is not there has a token")
	}
	for _, token := range []string{"6d1f0a93c27be85440f9b3d7a1e6c852", "another"} {
		if err := os.WriteFile(file, []byte(" "+token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := u.Token(); got != token || err != nil {
			t.Errorf("the token is %q, %v, want %q", got, err, token)
		}
	}
	for token, good := range map[string]bool{
		strings.Repeat("x", 31): false, strings.Repeat("x", 32): true, strings.Repeat("x", 31) + " ": false,
		strings.Repeat("x", 31) + "\x00": false, strings.Repeat("ü", 32): false, strings.Repeat("x", 40) + "\nx": false, "": false,
	} {
		err := config.CheckToken(token)
		if (err == nil) != good || err != nil && token != "" && strings.Contains(err.Error(), token) {
			t.Errorf("checking %q: %v", token, err)
		}
	}
}
