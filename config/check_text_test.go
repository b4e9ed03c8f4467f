package config_test

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// TestNamesPrint puts a character that does not print into every text that people see. The error names the place, shows the
// character escaped, and is printable itself.
func TestNamesPrint(t *testing.T) {
	const (
		targets  = "targets: [{name: shop, url: 'http://a.example/', %s}]"
		services = "restart: {mode: observe, receiver: {insecure: true}, services: [{checks: [{url: 'http://127.0.0.1/', module: http_2xx}], %s}]}"
	)
	pm2 := func(more string) string {
		return fmt.Sprintf(services, "name: shop, pm2: {app: shop, home: /a, program: /a}, "+more)
	}
	for place, text := range map[string]string{
		`modules["a%s"]`:                         `modules: {"a%s": {prober: http}}`,
		"targets[0].name":                        `targets: [{name: "a%s", url: 'http://a.example/'}]`,
		"targets[0].environment":                 fmt.Sprintf(targets, `environment: "a%s"`),
		"targets[0].labels.team":                 fmt.Sprintf(targets, `labels: {team: "a%s"}`),
		"targets[0].depends_on[0]":               fmt.Sprintf(targets, `depends_on: ["a%s"]`),
		"targets[0].runbook_url":                 fmt.Sprintf(targets, `runbook_url: "http://a.example/%s"`),
		"target_files[0]":                        `target_files: ["a%s"]`,
		"target_apis[0].name":                    `target_apis: [{name: "a%s", url: "http://a.example/", format: targets}]`,
		"restart.services[0].name":               fmt.Sprintf(services, `name: "a%s", pm2: {app: shop, home: /a, program: /a}`),
		"restart.services[0].environment":        pm2(`environment: "a%s"`),
		"restart.services[0].group":              pm2(`group: "a%s"`),
		"restart.services[0].match.team":         pm2(`match: {team: "a%s"}`),
		`restart.services[0].match["a%s"]`:       pm2(`match: {"a%s": x}`),
		"restart.services[0].pm2":                fmt.Sprintf(services, `name: shop, pm2: {app: "a%s", home: /a, program: /a}`),
		"restart.services[0].docker.label":       fmt.Sprintf(services, `name: shop, docker: {label: "a=%s"}`),
		"restart.services[0].docker":             fmt.Sprintf(services, `name: shop, docker: {container: "a%s"}`),
		"restart.services[0].systemd":            fmt.Sprintf(services, `name: shop, systemd: {unit: "a%s.service"}`),
		"restart.services[0].checks[0].target":   `restart: {mode: observe, receiver: {insecure: true}, services: [{name: shop, checks: [{target: "a%s"}], pm2: {app: shop, home: /a, program: /a}}]}`,
		"restart.services[0].depends_on[0]":      pm2(`depends_on: ["a%s"]`),
		`targets[0].labels["a%s"]`:               fmt.Sprintf(targets, `labels: {"a%s": x}`),
		"modules.m.http.valid_http_versions[0]":  `modules: {m: {prober: http, http: {valid_http_versions: ["a%s"]}}}`,
		"modules.m.prober":                       `modules: {m: {prober: "a%s"}}`,
		"restart.services[0].notification_a%s__": `targets: [{name: shop, url: 'http://a.example/', "a%s": x}]`,
	} {
		for char, shown := range map[string]string{
			`\x1b`: `\x1b`, `\u202e`: `\u202e`, `\u200b`: `\u200b`, `\u0085`: `\u0085`, `\n`: `\n`, `\u2028`: `\u2028`, `\U000E0041`: `\U000e0041`,
		} {
			t.Run(place+" with "+char, func(t *testing.T) {
				_, err := config.Parse("a.yml", []byte(strings.ReplaceAll(text, "%s", char)))
				if err == nil {
					t.Fatal("it loads")
				}
				for line := range strings.SplitSeq(err.Error(), "\n") {
					if !printable.Is(line) {
						t.Errorf("the error does not print: %q", line)
					}
				}
				if !strings.Contains(err.Error(), shown) {
					t.Errorf("error is %s, want one that shows %s", err, shown)
				}
				at, _, _ := strings.Cut(place, "%s")
				if !strings.HasSuffix(place, "__") && !strings.Contains(err.Error(), at) {
					t.Errorf("error is %s, want one at %s", err, place)
				}
			})
		}
	}
}

// TestTargetOfASourceMustPrint reads targets one by one. If a name does not print the target is refused; a label is dropped.
func TestTargetOfASourceMustPrint(t *testing.T) {
	r := config.TargetReader{File: "api:a", Modules: config.Default().Modules}
	for text, want := range map[string]struct{ wrong, dropped string }{
		`{name: "a\u202e", url: "http://a.example/"}`:                      {`name: has the character \u202e, which does not print`, ""},
		`{name: a, url: "http://a.example/", environment: "\x1b[2J"}`:      {`environment: has the character \x1b, which does not print`, ""},
		`{name: a, url: "http://a.example/", labels: {team: "b\u200bc"}}`:  {"", `labels.team: has the character \u200b, which does not print`},
		`{name: a, url: "http://a.example/", labels: {team: "서버 ✖ é"}}`:    {"", ""},
		`{name: a, url: "http://a.example/", depends_on: ["b\u2066"]}`:     {`depends_on[0]: has the character \u2066, which does not print`, ""},
		`{name: a, url: "http://a.example/", runbook_url: "http://a/\e["}`: {`runbook_url: `, ""},
	} {
		t.Run(text, func(t *testing.T) {
			var n yaml.Node
			if err := yaml.Unmarshal([]byte(text), &n); err != nil {
				t.Fatal(err)
			}
			_, wrong, dropped := r.Read(n.Content[0])
			if got := wrong.Error(); !strings.Contains(got, want.wrong) || (got == "") != (want.wrong == "") {
				t.Errorf("wrong is %q, want %q", got, want.wrong)
			}
			if got := dropped.Error(); !strings.Contains(got, want.dropped) || (got == "") != (want.dropped == "") {
				t.Errorf("dropped is %q, want %q", got, want.dropped)
			}
		})
	}
}
