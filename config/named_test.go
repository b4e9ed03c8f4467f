package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func TestNamed(t *testing.T) {
	dir := t.TempDir()
	text := strings.ReplaceAll(`
modules:
  http_2xx:
    prober: http
    http:
      authorization: {credentials_file: DIR/credentials}
      http_headers: {X-Key: {files: [DIR/header]}}
      body_file: DIR/body
target_files: [DIR/*.list]
restart:
  mode: observe
  receiver: {basic_auth: {username_file: DIR/user, password_file: DIR/password}}
  services:
    - name: a
      checks: [{url: 'http://a.test'}]
      command: {argv: [/bin/sh, a.sh, /srv/b], dir: /srv}
    - name: b
      checks: [{url: 'http://b.test'}]
      pm2: {app: web, home: /, program: /bin/true}
`, "DIR", dir)
	for _, name := range []string{"credentials", "header", "body", "user", "password", "a.list", "b.list"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Parse("test.yml", []byte(strings.ReplaceAll(text, "dir: /srv", "dir: /")))
	if err != nil {
		t.Fatal(err)
	}
	// Files that need not be here, or would have to be real.
	c.Restart.Services[0].Command.Dir = "/srv"
	m := c.Modules["http_2xx"]
	tls := &m.HTTP.Client.TLSConfig
	tls.CAFile, tls.CertFile, tls.KeyFile = "ca", "cert", "key"
	c.Modules["http_2xx"] = m
	c.Restart.Services[1].PM2.Node = "/bin/false"
	got := map[string]config.NamedFile{}
	for _, f := range c.Named() {
		got[f.Place+" "+strings.TrimPrefix(f.Path, dir+"/")] = config.NamedFile{Use: f.Use, Home: f.Home}
	}
	want := map[string]config.NamedFile{
		"modules.http_2xx.http.authorization.credentials_file credentials": {Use: config.SecretFile},
		"modules.http_2xx.http.http_headers.X-Key.files[0] header":         {Use: config.SecretFile},
		"modules.http_2xx.http.tls_config.ca_file ca":                      {Use: config.PublicFile},
		"modules.http_2xx.http.tls_config.cert_file cert":                  {Use: config.PublicFile},
		"modules.http_2xx.http.tls_config.key_file key":                    {Use: config.SecretFile},
		"modules.http_2xx.http.body_file body":                             {Use: config.SecretFile},
		"target_files[0] a.list":                                           {Use: config.ListFile},
		"target_files[0] b.list":                                           {Use: config.ListFile},
		"restart.receiver.basic_auth.username_file user":                   {Use: config.PublicFile},
		"restart.receiver.basic_auth.password_file password":               {Use: config.SecretFile},
		"restart.services[0].command.argv[0] /bin/sh":                      {Use: config.ProgramFile},
		"restart.services[0].command.argv[1] /srv/a.sh":                    {Use: config.ArgumentFile},
		"restart.services[0].command.argv[2] /srv/b":                       {Use: config.ArgumentFile},
		"restart.services[1].pm2.program /bin/true":                        {Use: config.ProgramFile, Home: "/"},
		"restart.services[1].pm2.node /bin/false":                          {Use: config.ProgramFile, Home: "/"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("named files (-want +got):\n%s", diff)
	}
}

// Whether a text in the configuration is a secret depends on its key alone.
func TestHoldsSecret(t *testing.T) {
	const restart = "{restart: {mode: observe, receiver: {%}, services: [{name: a, checks: [{url: 'http://a.test'}], command: {argv: [/bin/true]}}]}}"
	const module = "{modules: {api: {prober: http, http: {%}}}}"
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"bearer token of the receiver", strings.Replace(restart, "%", "bearer_token: s3cret", 1), true},
		{"nobody's secret", strings.Replace(restart, "%", "insecure: true", 1), false},
		{"password", strings.Replace(module, "%", "basic_auth: {username: a, password: s3cret}", 1), true},
		{"credentials", strings.Replace(module, "%", "authorization: {credentials: s3cret}", 1), true},
		{"header", strings.Replace(module, "%", "http_headers: {X-Key: {secrets: [s3cret]}}", 1), true},
		{"key", strings.Replace(module, "%", "tls_config: {insecure_skip_verify: true}", 1), false},
		{"body", strings.Replace(module, "%", "method: POST, body: '{}'", 1), false},
	} {
		c, err := config.Parse("test.yml", []byte(tt.text))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if got := c.HoldsSecret(); got != tt.want {
			t.Errorf("%s: holds a secret: %t, want %t", tt.name, got, tt.want)
		}
	}
}
