package app

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// apiEstate has what the examples of docs/api.md are about.
const apiEstate = `
modules: {http_2xx: {prober: http}}
managed: {targets: true}
access:
  users: [{name: ci, role: edit, bearer_token_file: 'DIR/ci_token'}]
alertmanager: {base: 'DIR/base.yml', dir: 'DIR/alertmanager', servers: [{name: am-1, url: 'MANAGER'}]}
targets:
  - {name: shop-db, url: 'URL', environment: LIVE, labels: {team: shop}}
  - {name: shop, url: 'URL', environment: LIVE, labels: {team: shop}, depends_on: [shop-db]}
  - {name: wiki, url: 'URL', environment: STAGE}
`

// apiRefusals are the examples that are about one.
var apiRefusals = map[string]string{"curl -s $hc/targets/shpo": "404"}

// TestAPIDocs runs the examples of docs/api.md one after the other, in a shell with the real curl: all succeed, but for those that show a
// refusal.
func TestAPIDocs(t *testing.T) {
	for _, program := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s", program)
		}
	}
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	target := probetest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "ci_token"), tokenOf("ci"))
	manager := apiAlertmanager(t, dir, target.URL)
	o := options(&recorder{})
	o.StoragePath = filepath.Join(dir, "data")
	o.ConfigFile = configFile(t, strings.NewReplacer("DIR", dir, "URL", target.URL, "MANAGER", manager.URL).Replace(apiEstate))
	a := started(t, o)

	shell := strings.NewReplacer("localhost:10115", a.Addr().String(), "https://cart.example.com", target.URL, "2026-12-01T08:00:00Z", time.Now().Add(48*time.Hour).UTC().Format(time.RFC3339))
	var script strings.Builder
	script.WriteString(`
check() { # STATUS CURL…: the answer has that status; 2 stands for 2xx. A script is faster than the changes that one may make.
  local want=$1 got; shift
  : >answer
  got=$("$@" -sS --retry 9 -o answer -w '%{http_code}')
  [[ $got == "$want"* ]] || { echo "$got, want $want: ${*:2}"; cat answer; echo; }
  cat answer
}
curl() { check "${want:-2}" command curl "$@"; }
`)
	n := 0
	for _, block := range regexp.MustCompile("(?s)\n```(\\w*)\n(.*?)\n```\n").FindAllStringSubmatch(string(text), -1) {
		if block[1] != "" && block[1] != "bash" { // how the exporter is started, or the body of something
			continue
		}
		for line := range strings.Lines(block[2]) {
			command, prompted := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "$ ")
			switch {
			case block[1] == "" && !prompted: // of an answer, or of the first block
				continue
			case strings.Contains(command, "curl"):
				n++
			}
			want := apiRefusals[command]
			if want == "" {
				want = "2"
			}
			script.WriteString("want=" + want + "\n" + shell.Replace(command) + "\n")
		}
	}
	if n < 30 {
		t.Errorf("docs/api.md has %d examples, want 30 at least", n)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-uo", "pipefail", "-c", script.String())
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil || regexp.MustCompile(`(?m)^\d{3}, want `).Match(out) {
		t.Errorf("%v\n%s\nof the script\n%s", err, out, script.String())
	}
}

// apiAlertmanager is the one that the channels of the examples are for, with a receiver named pager, which is at a URL. Its base file is in dir, and what it
// runs below that.
func apiAlertmanager(t *testing.T, dir, pager string) *probetest.Alertmanager {
	t.Helper()
	manager := probetest.NewAlertmanager(t)
	read := func(name string) string {
		text, err := os.ReadFile("../../examples/alertmanager/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	place := filepath.Join(dir, "alertmanager")
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "base.yml"), read("alertmanager-small.base.yml")+"\n  - name: pager\n    webhook_configs: [{url: '"+pager+"'}]\n")
	writeFile(t, filepath.Join(place, "healthcheck.tmpl"), read("healthcheck.tmpl"))
	manager.ReadFrom(filepath.Join(place, "alertmanager.yml"))
	return manager
}
