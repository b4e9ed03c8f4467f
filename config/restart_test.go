package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

const restartYAML = `
modules: {http_2xx: {prober: http}}
targets: [{name: till, url: 'http://127.0.0.1:8/'}]
restart:
  mode: observe
  receiver: {basic_auth: {username: am, password: CANARY}}
  defaults: {cooldown: 1m, budget_day: 4, restart_on: [404]}
  services:
    - name: shop
      mode: enforce
      cooldown: 2m
      checks: [{url: 'http://user:CANARY@127.0.0.1:1/health?token=CANARY'}]
      command: {argv: [/bin/true, shop], env: {TOKEN: CANARY}}
    - name: plain
      checks: [{url: 'http://127.0.0.1:2/', module: http_2xx}, {target: till}]
      command: {argv: [/bin/true, plain]}
    - name: web
      checks: [{url: 'http://127.0.0.1:3/'}]
      pm2: {app: web, home: /, program: /bin/true, action: reload}
    - name: unit
      checks: [{url: 'http://127.0.0.1:5/'}]
      systemd: {unit: shop.service, bus: user}
    - name: process
      checks: [{url: 'http://127.0.0.1:6/'}]
      supervisord: {process: 'shop:web', url: 'unix:///run/s.sock', basic_auth: {username: hc, password: CANARY}}
    - name: container
      checks: [{url: 'http://127.0.0.1:7/'}]
      docker: {host: 'unix:///run/d.sock', label: 'role=web'}
    - name: site
      checks: [{url: 'http://127.0.0.1:4/'}]
      http:
        method: PUT
        url: 'https://hook.test/CANARY?CANARY'
        headers: {Accept: text/plain, X-Token: CANARY}
        http_headers: {X-Key: {secrets: [CANARY]}}
        body: CANARY
        valid_status_codes: [202]
        authorization: {credentials: CANARY}
        proxy_url: 'http://user:CANARY@proxy.test'
`

func TestRestart(t *testing.T) {
	c, err := config.Parse("test.yml", []byte(restartYAML))
	if err != nil {
		t.Fatal(err)
	}
	shop, plain := &c.Restart.Services[0], &c.Restart.Services[1]
	if got := c.Restart.ModeOf(shop); got != "enforce" {
		t.Errorf("mode of shop is %q, want its own", got)
	}
	if got := c.Restart.ModeOf(plain); got != "observe" {
		t.Errorf("mode of plain is %q, want that of the section", got)
	}
	if shop.Checks[0].Module != config.DefaultModule {
		t.Errorf("module is %q, want the default", shop.Checks[0].Module)
	}
	got := c.Restart.LimitsOf(shop)
	if got.Cooldown != config.Duration(2*time.Minute) || got.BudgetDay != 4 || got.BudgetHour != 3 || got.RestartOn[0] != "404" {
		t.Errorf("limits are %+v, want those of the service, then the section, then the defaults", got)
	}

	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "CANARY") {
		t.Errorf("a secret is shown:\n%s", text)
	}
	for _, want := range []string{
		"mode: enforce", "name: shop", "/bin/true", "TOKEN: <secret>", "target: till", "127.0.0.1:1/health?token=<secret>",
		"app: web", "home: /", "program: /bin/true", "action: reload",
		"unit: shop.service", "bus: user", "process: shop:web", "url: unix:///run/s.sock", "username: hc", "password: <secret>",
		"host: unix:///run/d.sock", "label: role=web",
		"method: PUT", "url: <secret>", "Accept: text/plain", "body: <secret>", "- 202", "http://<secret>@proxy.test",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
}

// Failures have the names that a probe gives them, except those that say nothing about the service.
func TestFailureReasons(t *testing.T) {
	var want []string
	for _, r := range prober.Reasons() {
		switch r.Reason { //nolint:exhaustive // all others
		case prober.ReasonNone, prober.ReasonTargetForbidden, prober.ReasonLocalResource, prober.ReasonInternal:
		default:
			want = append(want, string(r.Reason))
		}
	}
	if diff := cmp.Diff(want, config.FailureReasons); diff != "" {
		t.Errorf("reasons (-prober +config):\n%s", diff)
	}
}

// yamlBlock matches a block of a page that is a configuration, or a list of its services, and a configuration that a block writes.
var yamlBlock = regexp.MustCompile("(?s)(?:```yaml|cat >healthcheck\\.yml <<'END')\n(.*?\n)(?:```|END\n)")

// The configurations on the pages of the back-ends load, if the files that they name exist.
func TestPagesOfBackendsLoad(t *testing.T) {
	pages, err := filepath.Glob("../docs/restart/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("there are no pages: %v", err)
	}
	for _, page := range append(pages, "../docs/restart.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := yamlBlock.FindAllStringSubmatch(string(text), -1)
		if len(blocks) == 0 {
			t.Errorf("%s shows no configuration", page)
		}
		for _, block := range blocks {
			snippet := here(t, block[1])
			const section = "restart:\n  mode: enforce\n  receiver: {insecure: true}\n"
			switch {
			case strings.HasPrefix(snippet, "    - name:"):
				snippet = section + "  services:\n" + snippet
			case !strings.Contains(snippet, "services:"): // a part of the section
				snippet = strings.Replace(snippet, "restart:\n", section, 1) +
					"  services: [{name: a, checks: [{url: 'http://a.test'}], command: {argv: [/bin/true]}}]\n"
			}
			if _, err := config.Parse("test.yml", []byte(snippet+"\nmodules: {http_2xx: {prober: http}}\n")); err != nil {
				t.Errorf("%s: %v\n%s", page, err, snippet)
			}
		}
	}
}

// here makes the files and directories that a configuration names, and replaces their paths.
func here(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	text = regexp.MustCompile(`/usr/(local/)?bin/[\w-]+`).ReplaceAllString(text, "/bin/sh")
	text = regexp.MustCompile(`/(home|srv)/[\w./-]+`).ReplaceAllString(text, dir)
	return regexp.MustCompile(`/etc/healthcheck_exporter/[\w/-]+|\brestart_token\b`).ReplaceAllStringFunc(text, func(file string) string {
		file = filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(file, []byte("https://hook.test/"), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	})
}
