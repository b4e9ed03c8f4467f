package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// What node runs has to be JavaScript, whatever its name: anything else would fail with a syntax error during an incident.
func TestPM2ProgramForNode(t *testing.T) {
	const cli = "require('../lib/binaries/CLI.js');\n"
	for _, tc := range []struct{ name, file, text, want string }{
		{"as npm installs it", "pm2", "#!/usr/bin/env node\n" + cli, ""},
		{"with options for node", "pm2", "#!/usr/bin/env -S node --no-warnings\n" + cli, ""},
		{"by its path", "pm2", "#!/opt/node-v22/bin/node\n" + cli, ""},
		{"by Debian's name", "pm2", "#! /usr/bin/nodejs\n" + cli, ""},
		{"for bun", "pm2", "#!/usr/bin/env bun\n" + cli, ""},
		{"from Windows", "pm2", "\ufeff#!/usr/bin/env node\r\n" + cli, ""},
		{"no first line", "pm2", cli, ""},
		{"no first line, ending", "pm2.cjs", "exec = 1; '\"$@\"'\n", ""},
		{"two languages", "pm2", "#!/bin/sh\n':' //; exec \"$(command -v nodejs || command -v node)\" \"$0\" \"$@\"\n" + cli, ""},
		{"two languages, another way", "pm2", "#!/bin/sh\n\":\" //# comment; exec /usr/bin/env node \"$0\" \"$@\"\n" + cli, ""},
		{"as pnpm installs it", "pm2", "#!/bin/sh\nbasedir=$(dirname \"$0\")\nexec node \"$basedir/../pm2/bin/pm2\" \"$@\"\n", "a script for sh"},
		{"as asdf installs it", "pm2", "#!/usr/bin/env bash\nexec asdf exec pm2 \"$@\"\n", "a script for bash"},
		{"env with a variable", "pm2", "#!/usr/bin/env -S NODE_ENV=production bash -e\n", "a script for bash"},
		{"ending of JavaScript", "pm2.js", "#!/bin/sh\nexec node x\n", "a script for sh"},
		{"Python", "pm2", "#!/usr/bin/python3 -u\nimport os\n", "a script for python3"},
		{"shell without a first line", "pm2", "\n# wrapper\nexport PM2_HOME=/x\nexec node /x/pm2 \"$@\"\n", "a shell script"},
		{"Volta, nexe", "pm2", "\x7fELF\x02\x01\x01\x00", "a binary"},
		{"empty", "pm2", "", "an empty file"},
		{"blank", "pm2", "\n\n", "an empty file"},
		{"first line without end", "pm2", "#!/bin/" + strings.Repeat("x", 10000), "a script for xxx"},
		{"first line of a terminal's", "pm2", "#!/bin/\x1b[31msh\n", "a script for \ufffd[31msh"},
	} {
		for _, linked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/linked %t", tc.name, linked), func(t *testing.T) {
				dir := t.TempDir()
				program := filepath.Join(dir, tc.file)
				if err := os.WriteFile(program, []byte(tc.text), 0o700); err != nil { //nolint:gosec // a program
					t.Fatal(err)
				}
				if linked {
					link := filepath.Join(dir, "bin")
					if err := os.Symlink(tc.file, link); err != nil {
						t.Fatal(err)
					}
					program = link
				}
				for node, want := range map[string]string{"": "", "node: /bin/true": tc.want} {
					c, err := config.Parse("test.yml", fmt.Appendf(nil, `
modules: {http_2xx: {prober: http}}
restart:
  mode: observe
  receiver: {insecure: true}
  services:
    - name: a
      checks: [{url: 'http://a.test'}]
      pm2: {app: web, home: /, program: %q, %s}
`, program, node))
					switch got := fmt.Sprint(err); {
					case want == "" && strings.Contains(got, "JavaScript"):
						t.Errorf("with %q the error is %v, want none about JavaScript", node, err)
					case want == "" && err == nil:
						if text, err := c.YAML(); err != nil || !strings.Contains(string(text), node) {
							t.Errorf("%q is not shown, %v", node, err)
						}
					case want == "": // for a script without node, on a machine without node
					case !strings.Contains(got, "pm2.program: ") || !strings.Contains(got, want) || !strings.Contains(got, "leave node out"):
						t.Errorf("with %q the error is %v, want one with %q and what to do", node, err, want)
					case len(got) > 1000:
						t.Errorf("the error has %d bytes", len(got))
					}
				}
			})
		}
	}
}
