package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

const restartYAML = `
modules: {http_2xx: {prober: http}}
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
      checks: [{url: 'http://127.0.0.1:2/', module: http_2xx}]
      command: {argv: [/bin/true, plain]}
    - name: web
      checks: [{url: 'http://127.0.0.1:3/'}]
      pm2: {app: web, home: /, program: /bin/true, node: /bin/sh, action: reload}
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
	if got.Cooldown != config.Duration(2*time.Minute) || got.BudgetDay != 4 || got.BudgetHour != 3 || got.RestartOn[0] != 404 {
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
		"mode: enforce", "name: shop", "/bin/true", "TOKEN: <secret>", "127.0.0.1:1/health?token=<secret>",
		"app: web", "home: /", "program: /bin/true", "node: /bin/sh", "action: reload",
		"method: PUT", "url: <secret>", "Accept: text/plain", "body: <secret>", "- 202", "http://<secret>@proxy.test",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
}

// A limit without a default would be a guard that is off.
func TestDefaultLimits(t *testing.T) {
	v := reflect.ValueOf(config.DefaultLimits)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "RestartOn" {
			t.Errorf("%s has no default", name)
		}
	}
}
