package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A name that pm2 would not take for the name of an app is refused.
func TestPM2App(t *testing.T) {
	for app, ok := range map[string]bool{
		"web": true, "My App": true, "@org/api": true, "api-2": true, "web.js": true, "2nd": true, "всё": true,
		"all": false, "0": false, "-1": false, "1e3": false, "0x1f": false, "Infinity": false, " 1": false, "-f": false, "-": false,
		"/web/": false, "/srv/web": false, "web.json": false, "api.json.gz": false, "web.config.js": false, "a.yaml": false, "a\nb": false,
	} {
		text := fmt.Sprintf(`
modules: {http_2xx: {prober: http}}
restart:
  mode: observe
  receiver: {insecure: true}
  services: [{name: a, checks: [{url: 'http://a.test'}], pm2: {app: %q, home: /, program: /bin/true}}]
`, app)
		if _, err := config.Parse("test.yml", []byte(text)); (err == nil) != ok {
			t.Errorf("of the app %q the error is %v, want one: %t", app, err, !ok)
		}
	}
}

// A pm2 that cannot find node would fail only when it is needed.
func TestPM2Node(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "pm2")
	load := func() error {
		_, err := config.Parse("test.yml", fmt.Appendf(nil, `
modules: {http_2xx: {prober: http}}
restart:
  mode: observe
  receiver: {insecure: true}
  services: [{name: a, checks: [{url: 'http://a.test'}], pm2: {app: web, home: /, program: %q}}]
`, program))
		return err
	}
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	usual := slices.ContainsFunc([]string{"/usr/local/bin/node", "/usr/bin/node", "/bin/node"}, func(file string) bool {
		_, err := os.Stat(file)
		return err == nil
	})
	for _, line := range []string{"#!/usr/bin/env node", "#!/usr/bin/env -S node --no-warnings", "#! /bin/env node\r"} {
		write(program, line+"\nrequire('x');\n")
		if err := load(); (err == nil) != usual {
			t.Errorf("with %q the error is %v, with node in a usual place: %t", line, err, usual)
		}
	}
	write(filepath.Join(dir, "node"), "#!/bin/sh\n")
	if err := load(); err != nil {
		t.Errorf("with node beside pm2 the error is %v", err)
	}
}
