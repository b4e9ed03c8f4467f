//go:build unix

package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const guarded = `
modules: {http_2xx: {prober: http}}
restart:
  mode: observe
  receiver: {bearer_token_file: DIR/token}
  services: [{name: shop, checks: [{url: 'http://shop.test'}], command: {argv: [DIR/restart]}}]
`

// anybodys is a configuration in a directory that anybody can come to.
func anybodys(t *testing.T) (o Options, log *recorder, dir string) {
	t.Helper()
	dir = t.TempDir()
	chmod(t, filepath.Dir(dir), 0o755)
	chmod(t, dir, 0o755)
	log = &recorder{}
	o = options(log)
	o.ConfigFile = filepath.Join(dir, "healthcheck.yml")
	writeFile(t, o.ConfigFile, strings.ReplaceAll(guarded, "DIR", dir))
	writeFile(t, filepath.Join(dir, "token"), "s3cret")
	writeFile(t, filepath.Join(dir, "restart"), "#!/bin/sh\n")
	chmod(t, filepath.Join(dir, "restart"), 0o755)
	return o, log, dir
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// What anybody can change is refused at the start, and a reload leaves the old configuration in force.
func TestPermissionsRefused(t *testing.T) {
	for _, tt := range []struct {
		file string
		mode os.FileMode
		want string
	}{
		{"healthcheck.yml", 0o606, "chmod o-w DIR/healthcheck.yml"},
		{"token", 0o602, "chmod 600 DIR/token"},
		{"restart", 0o777, "chmod o-w DIR/restart"},
		{"web.yml", 0o666, "chmod o-w DIR/web.yml"},
		{"server.key", 0o666, "chmod 600 DIR/server.key"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			o, _, dir := anybodys(t)
			web := filepath.Join(dir, "web.yml")
			writeFile(t, web, "{}")
			writeFile(t, filepath.Join(dir, "server.key"), "")
			o.Web.WebConfigFile = &web
			a := build(t, o)
			before := a.current.Load()
			if tt.file == "server.key" { // the toolkit wants a certificate that is one; it is not asked again at a reload
				writeFile(t, web, "tls_server_config: {key_file: server.key}")
			}
			chmod(t, filepath.Join(dir, tt.file), tt.mode)
			err := a.Reload()
			if want := strings.ReplaceAll(tt.want, "DIR", dir); err == nil || !strings.HasPrefix(err.Error(), o.ConfigFile+": ") || !strings.Contains(err.Error(), want) {
				t.Errorf("Reload: %v, want an error with %q", err, want)
			}
			if a.current.Load() != before {
				t.Error("the configuration was replaced")
			}
			if tt.file == "server.key" {
				return
			}
			if _, err := New(o); err == nil {
				t.Error("New: no error")
			}
		})
	}
}

// What is only doubtful is said once, and again when it has changed.
func TestPermissionsWarned(t *testing.T) {
	o, log, dir := anybodys(t)
	token := filepath.Join(dir, "token")
	chmod(t, token, 0o644)
	a := build(t, o)
	const message = "A file has doubtful permissions"
	want := "restart.receiver.bearer_token_file: " + token + " has mode 0644: anybody on this machine can read the secret in it: chmod 600 " + token
	if got := log.attr(message, "reason"); got != want {
		t.Errorf("the warning is %q, want %q", got, want)
	}
	reload := func(want int) {
		t.Helper()
		if err := a.Reload(); err != nil {
			t.Error(err)
		}
		if got := log.count(message); got != want {
			t.Errorf("there are %d warnings, want %d", got, want)
		}
	}
	reload(1)
	chmod(t, token, 0o600)
	reload(1)
	chmod(t, token, 0o604)
	reload(2)
	if text := log.attr(message, "reason"); strings.Contains(text, "s3cret") {
		t.Errorf("the warning %q has the secret", text)
	}
}
