//go:build packages

package packaging

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// shells are scripts that print what a shell offers for the words in $line, the last of which is being typed. Each uses the file
// that the package has installed.
var shells = map[string]string{
	"bash": `
		. /usr/share/bash-completion/completions/healthcheck_exporter
		f=$(complete -p healthcheck_exporter | sed -E 's/.*-F ([^ ]+).*/\1/')
		COMP_WORDS=($line)
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		$f healthcheck_exporter
		printf '%s\n' "${COMPREPLY[@]}"`,
	// What zsh would do with the candidates, which works only on a terminal.
	"zsh": `
		autoload -Uz compinit && compinit -u -d /tmp/zcompdump
		compadd() { local name=$@[-1]; print -l -- ${(M)${(P)name}:#$words[CURRENT]*} }
		_files() { }
		words=(${=line})
		CURRENT=$#words
		$_comps[healthcheck_exporter]`,
	"fish": `complete -C $line | string replace -r '\t.*' ''`,
}

var completions = []struct{ line, want string }{
	{"che", "check"},
	{"mai", "maintenance"},
	{"restarts pa", "pause"},
	{"maintenance st", "start"},
	{"--log.l", "--log.level"},
	{"serve --web.page", "--web.page.viewers"},
	{"check --web.", "--web.config.file"},
	{"restarts pause --du", "--duration"},
	{"probe --mod", "--module"},
}

func completion(t *testing.T, r *root) {
	for shell, script := range shells {
		t.Run(shell, func(t *testing.T) {
			need(t, shell)
			r.put("/tmp/complete", script+"\n")
			// Shells offer the files of their directory, too: what this machine has in / is not to be among them.
			empty := r.sh("mktemp -d")
			for _, c := range completions {
				got := strings.Fields(r.sh(fmt.Sprintf("cd %s; line='healthcheck_exporter %s' %s /tmp/complete", empty, c.line, shell)))
				slices.Sort(got)
				if got = slices.Compact(got); !slices.Equal(got, []string{c.want}) {
					t.Errorf("%s: %q is completed to %q, want %s", shell, c.line, got, c.want)
				}
			}
		})
	}
}

// need skips the test where a program is not installed, except in CI.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed", program)
		}
		t.Skipf("NOT CHECKED: %s is not installed", program)
	}
}

// pages checks that the installed pages of the manual have no mistake that mandoc knows.
func pages(t *testing.T, r *root) {
	t.Run("man", func(t *testing.T) {
		need(t, "mandoc")
		for _, page := range []string{"man1/healthcheck_exporter.1", "man5/healthcheck.yml.5"} {
			want(t, "what mandoc says of "+page, "", r.sh("zcat /usr/share/man/"+page+".gz | mandoc -T lint -W warning"))
		}
	})
}
