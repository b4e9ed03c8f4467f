package importer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/golden"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// takers are the formats with monitors.
func takers(im *Importer) map[string]func(name string, data []byte) error {
	return map[string]func(name string, data []byte) error{"gatus": im.Gatus, "kuma": im.UptimeKuma, "upptime": im.Upptime}
}

// secrets are the environment of the tests.
func secrets(name string) (string, bool) {
	return "hunter2", strings.HasPrefix(name, "API_")
}

// What people may have comes over as the golden files say: what comes out, and what is told of it.
func TestMonitorExamples(t *testing.T) {
	for format, file := range map[string]string{"gatus": "gatus.yaml", "kuma": "uptime-kuma.json", "upptime": "upptimerc.yml"} {
		t.Run(format, func(t *testing.T) {
			im := New(Options{Mask: prober.MaskURL, Env: secrets})
			text, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(takers(im)[format](file, text), im.DefaultModules()); err != nil {
				t.Fatal(err)
			}
			out, err := im.YAML()
			if err != nil {
				t.Fatal(err)
			}
			if c, err := config.Parse("imported.yml", out); err != nil || c.Status.SelfProbe != config.SelfProbeWhenStale {
				t.Errorf("%v; who probes: %q, want the exporter itself where nobody asks", err, c.Status.SelfProbe)
			}
			told := "dropped: " + strings.Join(im.Dropped(), "\ndropped: ") + "\nchanged: " + strings.Join(im.Changed(), "\nchanged: ") + "\n"
			if strings.Contains(told, "hunter2") {
				t.Error("a secret is shown")
			}
			golden.Compare(t, "testdata/"+format+".imported.yml", string(out))
			golden.Compare(t, "testdata/"+format+".told.txt", told)
		})
	}
}

// What has no equivalent is told, and keeps out a monitor if without it another question would be asked.
func TestMonitorsThatDiffer(t *testing.T) {
	const status = `conditions: ["[STATUS] == 200"]`
	kuma := func(more string) string {
		return oneMonitor("http://a/", `"accepted_statuscodes": ["200-299"], `+more)
	}
	for _, tt := range []struct {
		name, format, text string
		taken              bool
		told               string // a part
	}{
		{"a condition in words", "gatus", oneEndpoint("http://a/", `conditions: ["it is fine"]`), true, `conditions[0]: it does not compare one placeholder with a text`},
		{"two placeholders", "gatus", oneEndpoint("http://a/", `conditions: ["[BODY].a == [BODY].b"]`), true, `conditions[0]: it does not compare`},
		{"a certificate", "gatus", oneEndpoint("http://a/", `conditions: ["[STATUS] == 200", "[CERTIFICATE_EXPIRATION] > 48h"]`), true, `conditions[1]: [CERTIFICATE_EXPIRATION] >: the alert HealthcheckCertificateExpiring`},
		{"an address", "gatus", oneEndpoint("http://a/", `conditions: ["[IP] == 127.0.0.1"]`), true, `conditions[0]: [IP] ==: no condition here is about the address`},
		{"a slow answer that is wanted", "gatus", oneEndpoint("http://a/", `conditions: ["[RESPONSE_TIME] > 5"]`), true, `conditions[0]: [RESPONSE_TIME] >: no condition here says the same`},
		{"the age of a value", "gatus", oneEndpoint("http://a/", `conditions: ["age([BODY].at) < 5m"]`), true, `conditions[0]: age([BODY].at) <: no condition`},
		{"a secret in a condition", "gatus", oneEndpoint("http://a/", `conditions: ["[BODY].a[*] == canary"]`), true, `conditions[0]: [BODY].a[*] ==: no condition`},
		{"not a pattern", "gatus", oneEndpoint("http://a/", `conditions: ["[BODY] == pat(*[z-a]canary*)"]`), true, "conditions[0]: [BODY] ==: its pattern is not valid"},
		{"not a pattern of a value", "gatus", oneEndpoint("http://a/", `conditions: ["[BODY].a == pat(*[z-a]canary*)"]`), true, "conditions[0]: [BODY].a ==: its pattern is not valid"},
		{"neither true nor false", "gatus", oneEndpoint("http://a/", `conditions: ["has([BODY].a) == 1"]`), true, "conditions[0]: has([BODY].a) ==: has() is true or false"},
		{"a list of values", "gatus", oneEndpoint("http://a/", `conditions: ["[BODY].a == [x y]"]`), true, "conditions[0]: [BODY].a ==: no condition"},
		{"an item by a query", "gatus", oneEndpoint("http://a/", "conditions: ['[BODY].a.#(name==\"x\") == 1']"), true, "conditions[0]: [BODY].a.#(name==\"x\" ==: no condition"},
		{"the length of a number", "gatus", oneEndpoint("http://a/", `conditions: ["len([BODY].a) > 0"]`), true, "len() is of texts and lists here"},
		{"no code is left", "gatus", oneEndpoint("http://a/", `conditions: ["[STATUS] == 200", "[STATUS] == 201"]`), false, "no answer can meet its conditions"},
		{"no answer is wanted", "gatus", oneEndpoint("http://a/", `conditions: ["[CONNECTED] == false"]`), false, "no answer can meet its conditions"},
		{"a body for HEAD", "gatus", oneEndpoint("http://a/", `method: HEAD, conditions: ["[BODY] == x"]`), false, "http.fail_if_body_not_matches_regexp"},
		{"a body that changes", "gatus", oneEndpoint("http://a/", `body: "[RANDOM_STRING_8]", `+status), false, "body: [RANDOM_STRING_8] is another text each time"},
		{"a tunnel", "gatus", oneEndpoint("http://a/", `client: {tunnel: x}, `+status), false, "client.tunnel: this exporter cannot do that"},
		{"a client certificate that is not there", "gatus", oneEndpoint("https://a/", `client: {tls: {certificate-file: /no/such, private-key-file: /no/such}}, `+status), false, "no such file"},
		{"a resolver", "gatus", oneEndpoint("http://a/", `client: {dns-resolver: 'tcp://192.0.2.1:53'}, `+status), true, "client.dns-resolver: names are resolved as the system does it"},
		{"a key of a newer Gatus", "gatus", oneEndpoint("http://a/", `client: {colour: red}, `+status), true, `"client.colour" has no equivalent here`},
		{"headers that HTTP/2 does not have", "gatus", oneEndpoint("http://a/", `headers: {Connection: Upgrade}, `+status), true, "User-Agent"},
		{"a value that may be missing", "gatus", oneEndpoint("http://a/", `conditions: ["[BODY].errors < 5"]`), true, "conditions on JSON: a body that is not JSON fails here"},
		{"a value that must not be there", "gatus", oneEndpoint("http://a/", `conditions: ["has([BODY].errors) == false"]`), true, "conditions on JSON: a body that is not JSON fails here"},
		{"not a header", "gatus", oneEndpoint("http://a/", `headers: {'a b': c}, `+status), false, `"a b" is not a header name`},
		{"a URL that people did not see", "gatus", oneEndpoint("http://a/", `ui: {hide-hostname: true}, `+status), true, "ui.hide-hostname: the page, the metrics and /sd show its URL"},
		{"another scheme", "gatus", oneEndpoint("starttls://a:25", status), false, "it is probed by starttls"},
		{"no URL", "gatus", oneEndpoint("", status), false, "url: want a URL with a scheme"},
		{"not a URL", "gatus", oneEndpoint("http://a b/?canary", status), false, "url: "},
		{"wrong types", "gatus", oneEndpoint("http://a/", `headers: [a], interval: {}, client: 5, `+status), false, "headers: want a mapping"},
		{"not an endpoint", "gatus", "endpoints: [5]", false, "endpoints[0]: want a mapping"},
		{"no endpoints", "gatus", "alerting: {}", false, "it has no list of endpoints"},
		{"a variable that is not set", "gatus", oneEndpoint("http://a/", `headers: {X-A: "${NO_SUCH}"}, `+status), false, "it needs the environment variables NO_SUCH"},
		{"a maintenance by a variable that is not set", "gatus", "maintenance: {start: $START, duration: 1h}\n" + oneEndpoint("http://a/", status), true, "gatus: maintenance: it needs the environment variables START"},
		{"external endpoints", "gatus", "external-endpoints: [{name: a}, {name: b}]\n" + oneEndpoint("http://a/", status), true, "external-endpoints (2 of them): they report by themselves"},

		{"upside down", "kuma", kuma(`"type": "http", "upsideDown": true`), false, "upsideDown: no target here is up"},
		{"retries", "kuma", kuma(`"type": "http", "maxretries": 2`), true, "maxretries, retryInterval: a target is down at its first failed probe here"},
		{"another type", "kuma", kuma(`"type": "real-browser"`), false, `its type is "real-browser"`},
		{"no type", "kuma", kuma(`"active": true`), false, `its type is ""`},
		{"NTLM", "kuma", kuma(`"type": "http", "authMethod": "ntlm", "basic_auth_pass": "canary"`), false, `authMethod: this exporter cannot do "ntlm"`},
		{"a body that is not JSON", "kuma", kuma(`"type": "http", "body": "canary"`), false, "body: it is not JSON"},
		{"headers that are not JSON", "kuma", kuma(`"type": "http", "headers": "canary"`), false, "headers: want a text that is a JSON object"},
		{"no accepted code", "kuma", oneMonitor("http://a/", `"type": "http", "accepted_statuscodes": []`), false, "accepted_statuscodes: no answer"},
		{"codes that are none", "kuma", oneMonitor("http://a/", `"type": "http", "accepted_statuscodes": ["2xx"]`), false, "accepted_statuscodes: want codes and ranges"},
		{"close codes", "kuma", oneMonitor("ws://a/", `"type": "websocket-upgrade", "accepted_statuscodes": ["1001"]`), false, "has the code 1000, which is not among them"},
		{"a handshake with a mistake", "kuma", oneMonitor("ws://a/", `"type": "websocket-upgrade", "accepted_statuscodes": ["1000"], "wsIgnoreSecWebsocketAcceptHeader": true`), true, "wsIgnoreSecWebsocketAcceptHeader"},
		{"JSONata", "kuma", kuma(`"type": "json-query", "jsonPath": "$sum(a)", "expectedValue": "1"`), false, "jsonPath: only a path of keys"},
		{"a token that is not there", "kuma", kuma(`"type": "http", "authMethod": "bearer", "bearer_token": ""`), false, "bearer_token: want a token"},
		{"a proxy that is not there", "kuma", kuma(`"type": "http", "proxyId": 5`), false, "proxyId: the backup does not have this proxy"},
		{"fewer redirects", "kuma", kuma(`"type": "http", "maxredirects": 2`), true, "maxredirects: up to 10 redirects are followed here"},
		{"in a group that is paused", "kuma", kuma(`"type": "http", "active": true, "forceInactive": true`), false, "it is paused"},
		{"a tag in the place of a group", "kuma", `[{"id": 1, "name": "g", "type": "group"}, {"id": 2, "name": "a", "type": "http", "url": "http://a/", "parent": 1, "tags": [{"name": "group", "value": "x"}]}]`, true, `target "a": the label group: the tag of that name has it`},
		{"a keyword that JSON may write in another way", "kuma", kuma(`"type": "keyword", "keyword": "정상"`), true, `keyword: it is looked for as it is`},
		{"a query of a body that may be a text", "kuma", kuma(`"type": "json-query", "jsonPath": "$", "expectedValue": "OK"`), true, "jsonPath: a body that is not JSON fails here"},
		{"who is told", "kuma", kuma(`"type": "http", "notificationIDList": {"1": true}`), true, "notificationIDList, resendInterval: Alertmanager decides who is told"},
		{"a certificate that ends", "kuma", kuma(`"type": "http", "expiryNotification": 1`), true, "expiryNotification: the alert HealthcheckCertificateExpiring"},
		{"a key of a newer Uptime Kuma", "kuma", kuma(`"type": "http", "colour": true`), true, `"colour" has no equivalent here`},
		{"a query that changes", "kuma", kuma(`"type": "http", "cacheBust": true`), true, "cacheBust: every request has the same URL here"},
		{"a domain that ends", "kuma", kuma(`"type": "http", "domainExpiryNotification": true`), true, "domainExpiryNotification: this exporter does not look up"},
		{"wrong types there", "kuma", kuma(`"type": "http", "interval": "canary", "tags": 5`), false, "interval: want a number"},
		{"a long interval", "kuma", kuma(`"type": "http", "interval": 3600`), true, "interval: got 1h, taken as 5m: a target without a sample for longer counts as gone"},
		{"an interval without end", "kuma", kuma(`"type": "http", "interval": 1e300`), false, "interval: want a number"},

		{"a site by TCP", "upptime", oneSite("a", "check: tcp-ping, port: 1"), false, `its check is "tcp-ping"`},
		{"a slow site", "upptime", oneSite("http://a/", "maxResponseTime: 500"), true, "maxResponseTime: a target is up or down, and never degraded"},
		{"a degraded site", "upptime", oneSite("http://a/", "__dangerous__body_degraded: x"), true, "__dangerous__body_degraded: a target is up or down"},
		{"half of the checks of a certificate", "upptime", oneSite("https://a/", "__dangerous__disable_verify_peer: true"), true, "insecure_skip_verify accepts any certificate and any name"},
		{"a secret", "upptime", oneSite("http://a/?k=$SECRET_KEY", "method: GET"), false, "it needs the secrets SECRET_KEY"},
		{"a secret that people see", "upptime", oneSite("http://u:$API_PASSWORD@a/$API_KEY?k=$API_TOKEN", "method: GET"), true, "its URL has the secret API_KEY outside of its query: the page, the metrics and /sd show it"},
		{"a secret that people see twice", "upptime", oneSite("http://a/$API_B/$API_A/$API_B#$API_C", "method: GET"), true, "its URL has the secrets API_A, API_B outside of its query: the page, the metrics and /sd show them"},
		{"a variable that people see", "gatus", oneEndpoint("http://u:${API_PASSWORD}@a/$API_KEY/$$API_NONE?k=$API_TOKEN", status), true, "its URL has the environment variable API_KEY outside of its query: the page, the metrics and /sd show it"},
		{"a URL that is a secret", "upptime", oneSite("$API_URL", "method: GET"), true, "its URL has the secret API_URL outside"},
		{"a header without a colon", "upptime", oneSite("http://a/", "headers: [canary]"), false, "headers[0]: want a name, a colon and a value"},
		{"another schedule", "upptime", "workflowSchedule: {uptime: '0 0 * * 1'}\n" + oneSite("http://a/", "method: GET"), true, "workflowSchedule.uptime: only */N * * * * is understood"},
		{"a dollar that begins no secret", "upptime", strings.Replace(oneSite("http://a/", "icon: $USD, tags: [$EUR], __dangerous__body_down: $GONE"), "name: a", "name: $PRICE", 1), true, `"icon" has no equivalent here`},
		{"how it is shown", "upptime", oneSite("http://a/", "icon: x, slug: y"), true, `"slug" has no equivalent here`},
		{"no sites of the right type", "upptime", "sites: [a]", false, "sites[0]: want a mapping"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			im := New(Options{Mask: masked, Env: secrets})
			importText(t, im, tt.format, tt.text)
			told := strings.Join(append(im.Dropped(), im.Changed()...), "\n")
			if !strings.Contains(told, tt.told) || strings.Contains(told, "canary") {
				t.Errorf("told\n%s\nwant %s", told, tt.told)
			}
			if taken := len(imported(t, im).Targets) == 1; taken != tt.taken {
				t.Errorf("taken over: %t, want %t; told\n%s", taken, tt.taken, told)
			}
		})
	}
}

// The monitors are a list, or an object by number, in a backup or by themselves: what the API of Uptime Kuma sends has no backup around it.
func TestMonitorListsOfUptimeKuma(t *testing.T) {
	const two, ten = `{"id": 2, "name": "two", "type": "http", "url": "http://a/"}`, `{"id": 10, "name": "ten", "type": "http", "url": "http://b/"}`
	for name, text := range map[string]string{
		"a backup":                `{"version": "1.23.16", "monitorList": [` + two + `, ` + ten + `]}`,
		"a backup by number":      `{"monitorList": {"10": ` + ten + `, "2": ` + two + `}}`,
		"a list":                  `[` + two + `, ` + ten + `]`,
		"what the API sends":      `{"10": ` + ten + `, "2": ` + two + `}`,
		"with a byte order mark ": "\ufeff[" + two + `, ` + ten + `]`,
	} {
		t.Run(name, func(t *testing.T) {
			im := New(Options{Mask: masked})
			importText(t, im, "kuma", text)
			var got []string
			for _, target := range imported(t, im).Targets {
				got = append(got, target.Name)
			}
			if diff := cmp.Diff([]string{"two", "ten"}, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

// A name keeps what is no secret in it.
func TestNamesOfMonitors(t *testing.T) {
	for name, want := range map[string]string{
		" Front  page ": "Front page",
		"":              "http://a/?k=***",
		"https://u:canary@b.example.com/x?k=canary": "https://b.example.com/x?k=***",
		"Shop https://b.example.com/":               "Shop https://b.example.com/",
		"Shop: https://u:canary@b.example.com/ (2)": "Shop: https://b.example.com/ (2)",
		"Shop (http://b/?canary)":                   "Shop (http://b/?***",
		"://u:canary@b":                             "not a URL",
	} {
		im := New(Options{Mask: prober.MaskURL})
		importText(t, im, "kuma", strings.Replace(oneMonitor("http://a/?k=canary", `"type": "http"`), `"name": "a"`, fmt.Sprintf(`"name": %q`, name), 1))
		if c := imported(t, im); len(c.Targets) != 1 || c.Targets[0].Name != want {
			t.Errorf("%q: got %+v, want the name %q; dropped %q", name, c.Targets, want, im.Dropped())
		}
	}
}

// A tag is the environment of a target however it is written.
func TestTagsOfUptimeKuma(t *testing.T) {
	im := New(Options{Mask: masked})
	importText(t, im, "kuma", oneMonitor("http://a/", `"type": "http", "path": ["a"], "tags": [{"name": "Environment", "value": "LIVE"}, {"name": "team name", "value": "web"}, {"name": "중요", "value": null}]`))
	c := imported(t, im)
	if len(c.Targets) != 1 || c.Targets[0].Environment != "LIVE" {
		t.Fatalf("targets %+v", c.Targets)
	}
	if diff := cmp.Diff(map[string]string{"team_name": "web", "tags": "중요"}, c.Targets[0].Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if told := im.Dropped(); len(told) > 0 {
		t.Errorf("dropped %q", told)
	}
}

// What cannot be read is an error without anything of the file.
func TestMonitorFilesThatCannotBeRead(t *testing.T) {
	deep := strings.Repeat("[", 20_000)
	for _, tt := range []struct{ name, format, text, want string }{
		{"not YAML", "gatus", "endpoints: *CANARY", `reading "gatus": it is not valid YAML: line 1: an alias`},
		{"not YAML further down", "gatus", "endpoints:\n  - name: a\n    url: 'http://canary/\n", `it is not valid YAML: line 3: `},
		{"not JSON further down", "kuma", "{\n\"monitorList\": [\n{CANARY}\n\n\n]}", `reading "kuma": it is not valid JSON: line 3`},
		{"not JSON after a BOM", "kuma", "\ufeff[\n\nCANARY\n]", `it is not valid JSON: line 3`},
		{"JSON with a line break too early", "kuma", "[\n{\"a\": \"x\n\"}]", `it is not valid JSON: line 2`},
		{"JSON that is cut", "kuma", "[\n{\"a\": 1},\n\n", `it is not valid JSON: line 2`},
		{"something else by number", "kuma", `{"1": 5, "a": {}}`, "it has no monitorList"},
		{"nothing by number", "kuma", `{}`, "it has no monitorList"},
		{"empty", "gatus", "", `reading "gatus": want a mapping`},
		{"a list", "gatus", "[1]", `reading "gatus": want a mapping`},
		{"deep", "gatus", "endpoints: " + deep, `reading "gatus": it is not valid YAML`},
		{"an alias of itself", "gatus", "endpoints: &a [*a]", "refer to themselves"},
		{"aliases of aliases", "gatus", laughs(), "expand to too much"},
		{"not JSON", "kuma", "{CANARY", `reading "kuma": it is not valid JSON`},
		{"empty", "kuma", "", `reading "kuma": it is not valid JSON`},
		{"a BOM alone", "kuma", "\ufeff", `reading "kuma": it is not valid JSON`},
		{"deep", "kuma", deep, `reading "kuma": it is not valid JSON`},
		{"two documents", "kuma", `{"monitorList": []} {}`, "there is something after the backup"},
		{"another file", "kuma", `{"version": "1", "monitorList": 5}`, "it has no monitorList"},
		{"no sites", "upptime", "owner: x", "it has no list of sites"},
		{"sites that are none", "upptime", "sites: {a: b}", "it has no list of sites"},
		{"aliases of aliases", "upptime", laughs(), "expand to too much"},
	} {
		t.Run(tt.format+" "+tt.name, func(t *testing.T) {
			im := New(Options{Mask: masked})
			err := takers(im)[tt.format](tt.format, []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "CANARY") {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// laughs are aliases that multiply without end.
func laughs() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	return b.String()
}

// Thousands of monitors of one name come over in reasonable time, each with a name of its own, and share a module.
func TestManyMonitors(t *testing.T) {
	const many = 2000
	var list []string
	for i := range many {
		list = append(list, fmt.Sprintf(`{"id": %d, "name": "web", "type": "http", "url": "http://a/%d", "maxretries": 1, "accepted_statuscodes": ["200-299"]}`, i, i))
	}
	im := New(Options{Mask: masked})
	importText(t, im, "kuma", `{"monitorList": [`+strings.Join(list, ",")+`]}`)
	c := imported(t, im)
	if len(c.Targets) != many || len(c.Modules) != 1 {
		t.Errorf("got %d targets and %d modules", len(c.Targets), len(c.Modules))
	}
	want := `kuma: 2000 targets ("web", "web", "web" and 1997 more): maxretries, retryInterval: `
	if !strings.Contains(strings.Join(im.Changed(), "\n"), want) {
		t.Errorf("changed %d lines, want %s", len(im.Changed()), want)
	}
}

// Equal settings share a module; others have a module of their own.
func TestMonitorsShareModules(t *testing.T) {
	im := New(Options{Mask: masked})
	if err := im.Blackbox("bb", []byte("modules: {http_201: {prober: http, timeout: 3s}}")); err != nil {
		t.Fatal(err)
	}
	importText(t, im, "gatus", `
endpoints:
- {name: a, url: 'http://a/', conditions: ['[STATUS] == 200']}
- {name: b, url: 'http://b/', interval: 10s, conditions: ['200 == [STATUS]', '[RESPONSE_TIME] < 50']}
- {name: c, url: 'http://c/', conditions: ['[STATUS] == 201']}
- {name: d, url: 'http://d/', conditions: ['[STATUS] == 200', '[BODY] == x']}
- {name: e, url: 'http://e/', conditions: ['[STATUS] == 200', '[BODY] == y']}
- {name: f, url: 'http://f/', conditions: ['[STATUS] == 200', '[BODY] == x']}
- {name: g, url: 'http://g/', method: post, conditions: ['[STATUS] == any(201, 202)']}
`)
	got := map[string]string{}
	for _, target := range imported(t, im).Targets {
		got[target.Name] = target.Module
	}
	want := map[string]string{
		"a": "http_200", "b": "http_200", "c": "http_201_2", "d": "http_200_body", "e": "http_200_body_2", "f": "http_200_body", "g": "http_post_201_202",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
}

// A module with the name that targets have by default does nothing else than everywhere.
func TestDefaultModuleIsPlain(t *testing.T) {
	im := New(Options{Mask: masked})
	importText(t, im, "kuma", oneMonitor("http://a/", `"type": "http", "accepted_statuscodes": ["200-299"], "ipFamily": "ipv6"`))
	if err := im.DefaultModules(); err != nil {
		t.Fatal(err)
	}
	c := imported(t, im)
	if !c.Modules[config.DefaultModule].HTTP.IPProtocolFallback {
		t.Errorf("module %s: it is for one family", config.DefaultModule)
	}
	if name := c.Targets[0].Module; c.Modules[name].HTTP.IPProtocolFallback {
		t.Errorf("module %s: it is for both families", name)
	}
}

// The same file has the same lines in the same order each time.
func TestLinesHaveAnOrder(t *testing.T) {
	want := ""
	for range 20 {
		im := New(Options{Mask: masked})
		importText(t, im, "gatus", oneEndpoint("http://a/", `headers: {a: [], b: [], c: [], d: [], e: []}, extra-labels: {f: [], g: [], h: []}, conditions: ["[STATUS] == 200"]`))
		got := strings.Join(im.Dropped(), "\n")
		if want == "" {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("dropped (-before +now):\n%s", diff)
		}
	}
}

// fuzzMonitors checks that whatever comes in, what comes out loads, and no line breaks.
func fuzzMonitors(t *testing.T, format, text string) {
	t.Helper()
	im := New(Options{Mask: prober.MaskURL, Env: secrets})
	if takers(im)[format](format, []byte(text)) != nil {
		return
	}
	if len(im.targets) == 0 {
		return
	}
	out, err := im.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Parse("imported.yml", out); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	for _, line := range append(im.Dropped(), im.Changed()...) {
		if strings.ContainsAny(line, "\r\n") {
			t.Errorf("%q has more than one line", line)
		}
	}
}

func FuzzGatus(f *testing.F) {
	f.Add(oneEndpoint("http://a/", `group: g, headers: {a: b}, client: {timeout: 1s}, conditions: ["[STATUS] == any(200, 2)", "[BODY].a[0] != pat(*[a-z]?)", "len([BODY].x) >= 1.5"]`))
	f.Add(oneEndpoint("wss://a/", `body: x, conditions: ["[BODY] == pat(*)", "[CONNECTED] == true", "has([BODY].a) == false"]`))
	f.Add("endpoints: [&a {name: a, <<: [*b, {c: d}]}]")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 1<<13 {
			fuzzMonitors(t, "gatus", text)
		}
	})
}

func FuzzUptimeKuma(f *testing.F) {
	f.Add(oneMonitor("http://a/", `"type": "json-query", "jsonPath": "$.a[0]", "jsonPathOperator": "<", "expectedValue": "-1.5", "accepted_statuscodes": ["1-999"], "tags": [{"name": "a b", "value": "c"}]`))
	f.Add(oneMonitor("ws://a/", `"type": "websocket-upgrade", "wsSubprotocol": "a,b", "headers": "{}", "accepted_statuscodes": ["1000"], "parent": 1`))
	f.Add(oneMonitor("http://a/", `"type": "keyword", "keyword": "\"{", "invertKeyword": 1, "timeout": 0.1, "maxredirects": 0`))
	f.Fuzz(func(t *testing.T, text string) { fuzzMonitors(t, "kuma", text) })
}

func FuzzUpptime(f *testing.F) {
	f.Add(oneSite("a", `headers: ["a: b"], expectedStatusCodes: [200, 999], maxRedirects: 0, tags: [a], __dangerous__body_down: "("`))
	f.Add("workflowSchedule: {uptime: '*/7 * * * *'}\nsites: [{url: 'ws://a', check: ws, body: '$API_KEY'}]")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 1<<13 {
			fuzzMonitors(t, "upptime", text)
		}
	})
}

// How a monitor was changed is of no interest if it is dropped all the same.
func TestDroppedMonitorIsNotChanged(t *testing.T) {
	im := New(Options{Mask: masked})
	importText(t, im, "gatus", oneEndpoint("http://a b/", `headers: {Authorization: Bearer x}, client: {timeout: 5m}, conditions: ["[STATUS] == 200"]`))
	importText(t, im, "kuma", oneMonitor("http://a/", `"type": "http", "authMethod": "basic", "basic_auth_pass": "x", "accepted_statuscodes": []`))
	importText(t, im, "upptime", oneSite("http://a b/", "__dangerous__disable_verify_peer: true"))
	if got := im.Changed(); len(got) > 0 || len(im.Dropped()) != 3 {
		t.Errorf("changed %q, want nothing; dropped %q, want 3 lines", got, im.Dropped())
	}
}

// Keys that a backup always has, at the values that nobody has set, need no line.
func TestDefaultsOfUptimeKuma(t *testing.T) {
	const monitor = `{"id": 1, "name": "a", "description": null, "pathName": "a", "parent": null, "childrenIDs": [], "url": "http://a/", "method": "GET", "hostname": null, "port": null,
	"maxretries": 0, "weight": 2000, "active": true, "forceInactive": false, "type": "http", "timeout": 48, "interval": 60, "retryInterval": 60, "resendInterval": 0, "keyword": null,
	"invertKeyword": false, "expiryNotification": false, "ignoreTls": false, "upsideDown": false, "packetSize": 56, "maxredirects": 10, "accepted_statuscodes": ["200-299"],
	"dns_resolve_type": "A", "dns_resolve_server": "1.1.1.1", "dns_last_result": null, "docker_container": "", "docker_host": null, "proxyId": null, "notificationIDList": {}, "tags": [],
	"maintenance": false, "mqttTopic": "", "mqttSuccessMessage": "", "databaseQuery": null, "authMethod": null, "grpcUrl": null, "grpcProtobuf": null, "grpcMethod": null,
	"grpcServiceName": null, "grpcEnableTls": false, "radiusCalledStationId": null, "radiusCallingStationId": null, "game": null, "gamedigGivenPortOnly": true, "httpBodyEncoding": "json",
	"jsonPath": null, "expectedValue": null, "kafkaProducerTopic": null, "kafkaProducerBrokers": [], "kafkaProducerSsl": false, "kafkaProducerAllowAutoTopicCreation": false,
	"kafkaProducerMessage": null, "screenshot": null, "headers": null, "body": null, "grpcBody": null, "grpcMetadata": null, "basic_auth_user": null, "basic_auth_pass": null,
	"oauth_client_id": null, "oauth_client_secret": null, "oauth_token_url": null, "oauth_scopes": null, "oauth_auth_method": "client_secret_basic", "pushToken": null,
	"databaseConnectionString": null, "radiusUsername": null, "radiusPassword": null, "radiusSecret": null, "mqttUsername": "", "mqttPassword": "", "authWorkstation": null,
	"authDomain": null, "tlsCa": null, "tlsCert": null, "tlsKey": null, "kafkaProducerSaslOptions": {"mechanism": "None"}, "includeSensitiveData": true}`
	im := New(Options{Mask: masked})
	importText(t, im, "kuma", `{"version": "1.23.16", "notificationList": [], "monitorList": [`+monitor+`]}`)
	if len(im.targets) != 1 || len(im.Dropped()) > 0 || len(im.Changed()) != 1 {
		t.Errorf("got %d targets; dropped %q, changed %q, want the line about all requests alone", len(im.targets), im.Dropped(), im.Changed())
	}
}
