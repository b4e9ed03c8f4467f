package config_test

import (
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// Two loads of a text are the same, and with any change in the text they differ.
func TestSame(t *testing.T) {
	const text = `
modules:
  a:
    prober: http
    http:
      fail_if_body_json_matches_cel: body.a
      fail_if_body_matches_regexp: [x]
      headers: {A: b}
      proxy_url: http://u:p@h/
      basic_auth: {username: u, password: p}
      valid_status_codes: [200, 3xx]
  b:
    prober: websocket
    timeout: 5s
    websocket:
      query_response: [{expect: x, send: y}, {expect_json: body.b}]
target_apis:
  - {name: x, url: 'http://h/', oauth2: {client_id: i, client_secret: s, token_url: 'http://t/'}, map: {name: item.n, url: item.u, labels: {l: item.l}}}
`
	load := func(text string) *config.Config {
		t.Helper()
		c, err := config.Parse("test.yml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first, again := load(text), load(text)
	if !config.Same(first.Modules, again.Modules) || !config.Same(first.TargetAPIs, again.TargetAPIs) {
		t.Error("the same file differs the second time")
	}
	for _, change := range []struct{ old, changed string }{
		{"body.a", "body.c"},
		{"[x]", "[y]"},
		{"[x]", "[x, x]"},
		{"A: b", "A: c"},
		{"A: b", "B: b"},
		{"http://u:p@h/", "http://u:q@h/"},
		{"password: p", "password: q"},
		{"200", "201"},
		{"5s", "6s"},
		{"expect: x", "expect: z"},
		{"send: y", "send: z"},
		{"body.b", "body.c"},
		{"  b:", "  c:"},
		{"name: x", "name: y"},
		{"client_secret: s", "client_secret: t"},
		{"item.u", "item.v"},
		{"l: item.l", "l: item.m"},
		{"l: item.l", "m: item.l"},
	} {
		changed := load(strings.Replace(text, change.old, change.changed, 1))
		if config.Same(first.Modules, changed.Modules) && config.Same(first.TargetAPIs, changed.TargetAPIs) {
			t.Errorf("%q became %q, and nothing has changed", change.old, change.changed)
		}
	}
}
