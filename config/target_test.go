package config_test

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	commonconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func TestTimeInterval(t *testing.T) {
	for _, tt := range []struct {
		name, interval string
		at             string
		want           bool
	}{
		{"start is in", "times: [{start_time: '09:00', end_time: '17:00'}]", "2026-11-21T09:00:00Z", true},
		{"end is out", "times: [{start_time: '09:00', end_time: '17:00'}]", "2026-11-21T17:00:00Z", false},
		{"just before the end", "times: [{start_time: '09:00', end_time: '17:00'}]", "2026-11-21T16:59:59Z", true},
		{"end of the day", "times: [{start_time: '22:00', end_time: '24:00'}]", "2026-11-21T23:59:59Z", true},
		{"midnight", "times: [{start_time: '00:00', end_time: '00:01'}]", "2026-11-21T00:00:30Z", true},
		{"one of two", "times: [{start_time: '01:00', end_time: '02:00'}, {start_time: '03:00', end_time: '04:00'}]", "2026-11-21T03:10:00Z", true},
		{"winter in Berlin", "{times: [{start_time: '03:00', end_time: '09:00'}], location: Europe/Berlin}", "2026-11-21T02:00:00Z", true},
		{"winter in Berlin, too early", "{times: [{start_time: '03:00', end_time: '09:00'}], location: Europe/Berlin}", "2026-11-21T01:59:00Z", false},
		{"summer in Berlin", "{times: [{start_time: '03:00', end_time: '09:00'}], location: Europe/Berlin}", "2026-07-21T01:00:00Z", true},
		{"the day there", "{weekdays: [sunday], location: Australia/Sydney}", "2026-11-21T13:30:00Z", true},
		{"weekday", "weekdays: ['monday:friday']", "2026-11-20T12:00:00Z", true},
		{"weekend", "weekdays: ['monday:friday']", "2026-11-21T12:00:00Z", false},
		{"whole week", "weekdays: ['sunday:saturday']", "2026-11-21T12:00:00Z", true},
		{"last day", "days_of_month: ['-1']", "2028-02-29T12:00:00Z", true},
		{"not the last day", "days_of_month: ['-1']", "2028-02-28T12:00:00Z", false},
		{"before the month begins", "days_of_month: ['-31:-29']", "2027-02-01T12:00:00Z", false},
		{"before the month begins, and in it", "days_of_month: ['-31:-28']", "2027-02-01T12:00:00Z", true},
		{"first to last", "days_of_month: ['1:-1']", "2027-02-28T12:00:00Z", true},
		{"empty in a short month", "days_of_month: ['29:31']", "2027-02-28T12:00:00Z", false},
		{"month", "months: ['november:12']", "2026-11-21T12:00:00Z", true},
		{"other month", "months: ['1:october', december]", "2026-11-21T12:00:00Z", false},
		{"year", "years: ['2020:2026']", "2026-11-21T12:00:00Z", true},
		{"all must hold", "{weekdays: [saturday], months: [january]}", "2026-11-21T12:00:00Z", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Parse("x.yml", []byte("modules: {m: {prober: http}}\nmaintenance:\n  - "+tt.interval))
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Maintenance[0].Contains(at); got != tt.want {
				t.Errorf("%s at %s: got %t, want %t", tt.interval, tt.at, got, tt.want)
			}
		})
	}
}

// TestClockChange has the nights in which the clocks change. An interval goes by the clock on the wall, as in Alertmanager: a
// time that comes twice is in it twice, and a time that never comes is not in it.
func TestClockChange(t *testing.T) {
	const night = "{times: [{start_time: '02:00', end_time: '03:00'}], location: Europe/Berlin}"
	for _, tt := range []struct {
		name, interval, from, to string
		want                     time.Duration // how long it holds between from and to
	}{
		{"an ordinary night", night, "2026-10-24T12:00:00Z", "2026-10-24T23:30:00Z", 0},
		{"winter", night, "2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z", time.Hour},
		{"two o'clock comes twice", night, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", 2 * time.Hour},
		{"two o'clock does not come", night, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", 0},
		{"over the gap", "{times: [{start_time: '01:30', end_time: '03:30'}], location: Europe/Berlin}", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", time.Hour},
		{"a day of 25 hours", "{weekdays: [sunday], location: Europe/Berlin}", "2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z", 25 * time.Hour},
		{"a day of 23 hours", "{weekdays: [sunday], location: America/New_York}", "2026-03-07T00:00:00Z", "2026-03-10T00:00:00Z", 23 * time.Hour},
		{"half an hour", "{times: [{start_time: '01:30', end_time: '02:00'}], location: Australia/Lord_Howe}", "2027-04-03T00:00:00Z", "2027-04-04T00:00:00Z", time.Hour},
		{"the end of a month whose last Sunday has 23 hours", "{days_of_month: ['-1'], location: Europe/Berlin}", "2026-03-28T00:00:00Z", "2026-04-03T00:00:00Z", 24 * time.Hour},
		{"the end of a month", "{days_of_month: ['-1'], location: Pacific/Auckland}", "2028-02-26T00:00:00Z", "2028-03-03T00:00:00Z", 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Parse("x.yml", []byte("modules: {m: {prober: http}}\nmaintenance:\n  - "+tt.interval))
			if err != nil {
				t.Fatal(err)
			}
			var got time.Duration
			for at, end := moment(t, tt.from), moment(t, tt.to); at.Before(end); at = at.Add(time.Minute) {
				if c.Maintenance.Contain(at) {
					got += time.Minute
				}
			}
			if got != tt.want {
				t.Errorf("it holds for %s, want %s", got, tt.want)
			}
		})
	}
}

func moment(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestParseTargetURL(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "missing, want an absolute URL",
		"shop.example.com":               "want an absolute URL with the scheme",
		"//shop.example.com/":            "want an absolute URL with the scheme",
		"ftp://u:CANARY@shop/":           "want an absolute URL with the scheme",
		"http:///path":                   "want an absolute URL with the scheme",
		"http://:8080/":                  "want an absolute URL with the scheme",
		"http://shop:/":                  "want an absolute URL with the scheme",
		"http://shop:0/":                 "want an absolute URL with the scheme",
		"http://shop:65536/?key=CANARY":  "want an absolute URL with the scheme",
		"http://::1:80/":                 "want an absolute URL with the scheme",
		"ws://::1:80/":                   "brackets",
		"wss://shop:80:90/?key=CANARY":   "brackets",
		"http://sh%00op/":                "want a",
		"http://a%zz/":                   "want an absolute URL with the scheme",
		"mailto:CANARY":                  "want an absolute URL with the scheme",
		"ws://sh op/":                    "want a",
		"HTTPS://Shop.Example.com":       "",
		"ws://[::1]:80/":                 "",
		"http://[fe80::1%25eth0]/":       "",
		"http://bücher.example:8080/ü":   "",
		"http://u:p@10.0.0.1:65535/?a#b": "",
	} {
		switch _, err := config.ParseTargetURL(text); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "CANARY")):
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestTimeout(t *testing.T) {
	for _, tt := range []struct {
		name    string
		offset  time.Duration
		module  string // timeout
		target  string // keys
		timeout time.Duration
		want    string // part of the error
	}{
		{name: "default", offset: time.Second, timeout: 10 * time.Second},
		{name: "module", module: "3s", timeout: 3 * time.Second},
		{name: "module, longer than the interval", module: "1m", offset: time.Second, timeout: 29 * time.Second},
		{name: "short interval", target: "interval: 1500ms", offset: 500 * time.Millisecond, timeout: 1350 * time.Millisecond},
		{name: "without offset", target: "interval: 2s", timeout: 2 * time.Second},
		{name: "negative offset", target: "interval: 2s", offset: -time.Second, timeout: 2 * time.Second},
		{name: "own", target: "interval: 10s, timeout: 9500ms", offset: 500 * time.Millisecond, timeout: 9500 * time.Millisecond},
		{name: "own, longer than the module's", target: "timeout: 20s", module: "1s", timeout: 20 * time.Second},
		{name: "too long", target: "interval: 10s, timeout: 9501ms", offset: 500 * time.Millisecond, want: "want 9500ms at most"},
		{name: "longer than the interval", target: "interval: 10s, timeout: 11s", want: "want 10s at most"},
		{name: "odd interval", target: "interval: 1001ms", offset: time.Second, timeout: 900 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			module := "{prober: http}"
			if tt.module != "" {
				module = "{prober: http, timeout: " + tt.module + "}"
			}
			text := "modules: {http_2xx: " + module + "}\ntargets: [{name: a, url: 'http://a/', " + tt.target + "}]"
			c, err := config.Options{TimeoutOffset: tt.offset}.Parse("x.yml", []byte(text))
			switch {
			case tt.want != "":
				if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "9.5s", "9500ms"), tt.want) {
					t.Errorf("got %v, want %s", err, tt.want)
				}
			case err != nil:
				t.Error(err)
			case time.Duration(c.Targets[0].Timeout) != tt.timeout:
				t.Errorf("got %s, want %s", c.Targets[0].Timeout, tt.timeout)
			}
		})
	}
}

func TestCanonicalURL(t *testing.T) {
	for text, want := range map[string]string{
		"HTTP://Example.COM":                  "http://example.com/",
		"http://example.com.:80/":             "http://example.com/",
		"https://example.com:443/a?b=C#d":     "https://example.com/a?b=C",
		"https://example.com:80/":             "https://example.com:80/",
		"ws://example.com:80":                 "http://example.com/",
		"wss://example.com:443/chat":          "https://example.com/chat",
		"http://[::1]:80/":                    "http://[::1]/",
		"http://[::1]:8080/":                  "http://[::1]:8080/",
		"http://user:pw@example.com/":         "http://user:pw@example.com/",
		"http://bücher.example/%7Ea/../b":     "http://xn--bcher-kva.example/%7Ea/../b",
		"http://example.com/?":                "http://example.com/",
		"http://example.com/a%2Fb?x=%41&y=a+": "http://example.com/a%2Fb?x=%41&y=a+",
	} {
		u, err := config.ParseTargetURL(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		before := *u
		if got := config.CanonicalURL(u); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
		if diff := cmp.Diff(before, *u, cmp.Comparer(func(a, b *url.Userinfo) bool { return a.String() == b.String() })); diff != "" {
			t.Errorf("%s was changed:\n%s", text, diff)
		}
	}
}

func TestCycles(t *testing.T) {
	for _, tt := range []struct {
		name string
		deps map[string][]string
		want [][]string
	}{
		{"none", map[string][]string{"a": {"b", "c"}, "b": {"d"}, "c": {"d"}}, nil},
		{"itself", map[string][]string{"a": {"a"}}, [][]string{{"a", "a"}}},
		{"three", map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"a"}}, [][]string{{"a", "b", "c", "a"}}},
		{"with a tail", map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"b"}}, [][]string{{"b", "c", "b"}}},
		{"two", map[string][]string{"a": {"b", "a"}, "b": {"a"}}, [][]string{{"a", "b", "a"}, {"a", "a"}}},
		{"unknown", map[string][]string{"a": {"x"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, config.Cycles([]string{"a", "b", "c", "d"}, tt.deps)); diff != "" {
				t.Errorf("cycles (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTargetReader(t *testing.T) {
	r := config.TargetReader{File: "x.yml", Modules: config.Default().Modules, Offset: config.DefaultTimeoutOffset}
	for _, tt := range []struct {
		name, text     string
		wrong, dropped []string
		labels         map[string]string
	}{
		{name: "good", text: "{name: a, url: 'http://a/', labels: {team: x}}", labels: map[string]string{"team": "x"}},
		{
			name: "bad labels", text: "{name: a, url: 'http://a/', labels: {team: x, team-name: y, phase: z, list: [w]}}", labels: map[string]string{"team": "x"},
			dropped: []string{`labels.list: got a list, want a string`, `labels.phase: "phase" is reserved`, `labels.team-name: "team-name" is not a label name`},
		},
		{name: "labels are no mapping", text: "{name: a, url: 'http://a/', labels: x}", dropped: []string{"labels: got a single value"}},
		{name: "no name", text: "{url: 'http://a/'}", wrong: []string{"name: missing"}},
		{name: "unknown key", text: "{name: a, url: 'http://a/', intervall: 1s}", wrong: []string{`intervall: unknown key "intervall", did you mean "interval"?`}},
		{name: "twice", text: "{name: a, url: 'http://a/', name: b}", wrong: []string{`name: key "name" is already set`}},
		{name: "no mapping", text: "[a]", wrong: []string{"x.yml:1: got a list, want a mapping"}},
		{name: "unknown module", text: "{name: a, url: 'http://a/', module: nope}", wrong: []string{`module: got unknown module "nope"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var doc yaml.Node
			if err := yaml.Unmarshal([]byte(tt.text), &doc); err != nil {
				t.Fatal(err)
			}
			target, wrong, dropped := r.Read(doc.Content[0])
			compareProblems(t, "wrong", tt.wrong, wrong)
			compareProblems(t, "dropped", tt.dropped, dropped)
			if diff := cmp.Diff(tt.labels, target.Labels); diff != "" && len(target.Labels) > 0 {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
		})
	}
}

// compareProblems checks that each problem contains a text.
func compareProblems(t *testing.T, what string, want []string, got config.Errors) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %v, want %q", what, got, want)
	}
	for i, p := range got {
		if !strings.Contains(p.String(), want[i]) {
			t.Errorf("%s: got %s, want %s", what, p, want[i])
		}
	}
}

func TestOverlay(t *testing.T) {
	c, err := config.Parse("x.yml", []byte(`
modules: {http_2xx: {prober: http, timeout: 1s, http: {method: POST, headers: {X-A: a, X-B: b}}}}
targets:
  - {name: plain, url: 'http://a/'}
  - {name: other, url: 'http://a/', timeout: 3s, method: PUT, headers: {x-a: c, X-C: d}, valid_status_codes: [404]}
`))
	if err != nil {
		t.Fatal(err)
	}
	m := c.Modules["http_2xx"]
	plain, other := c.Targets[0].Overlay(m), c.Targets[1].Overlay(m)
	if c.Targets[0].Overlaid() || !reflect.DeepEqual(plain, m) {
		t.Errorf("plain: got %+v, want the module", plain)
	}
	want := map[string]string{"x-a": "c", "X-B": "b", "X-C": "d"}
	if diff := cmp.Diff(want, other.HTTP.Headers); diff != "" || other.HTTP.Method != http.MethodPut || !other.HTTP.ValidStatusCodes.Contains(404) ||
		time.Duration(other.Timeout) != 3*time.Second || !c.Targets[1].Overlaid() {
		t.Errorf("other: got %+v, headers (-want +got):\n%s", other, diff)
	}
	if len(m.HTTP.Headers) != 2 || m.HTTP.Headers["X-A"] != "a" {
		t.Errorf("the module was changed: %v", m.HTTP.Headers)
	}
}

// A WebSocket has headers of its own kind.
func TestOverlayWebSocket(t *testing.T) {
	c, err := config.Parse("x.yml", []byte(`
modules: {websocket: {prober: websocket, websocket: {headers: {X-A: {values: [a]}, X-B: {secrets: [b]}}}}}
targets: [{name: chat, url: 'ws://a/', headers: {x-a: c, Host: b}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	m := c.Modules["websocket"]
	got := c.Targets[0].Overlay(m).WebSocket.Headers.Headers
	want := map[string]commonconfig.Header{"x-a": {Values: []string{"c"}}, "Host": {Values: []string{"b"}}, "X-B": {Secrets: []commonconfig.Secret{"b"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if len(m.WebSocket.Headers.Headers) != 2 {
		t.Errorf("the module was changed: %v", m.WebSocket.Headers)
	}
}

// Targets without modules are probed with the modules that exist without a file.
func TestTargetsWithoutModules(t *testing.T) {
	c, err := config.Parse("x.yml", []byte("targets: [{name: shop, url: 'http://a/'}, {name: chat, url: 'ws://a/'}]"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Targets[0].Module != "http_2xx" || c.Targets[1].Module != "websocket" || len(c.Modules) != len(config.Default().Modules) {
		t.Errorf("targets are %+v, modules %v", c.Targets, c.Modules)
	}
}

// targetTexts are the fields of a target whose text everybody may see.
var targetTexts = []string{
	".Name", ".Module", ".Environment", ".Notification", ".Labels{}", ".DependsOn[]", ".Method",
}

func TestNoSecretOfATargetIsShown(t *testing.T) {
	p := &planter{t: t, canary: map[string]string{}}
	target := config.Target{
		Name: p.next(".Name"), URL: "https://" + p.next(".URL") + ":" + p.next(".URL") + "@host/?a=" + p.next(".URL") + "#" + p.next(".URL"),
		Module: p.next(".Module"), Environment: p.next(".Environment"), Notification: p.next(".Notification"),
		Labels: map[string]string{"a": p.next(".Labels{}")}, DependsOn: []string{p.next(".DependsOn[]")},
		RunbookURL: "https://" + p.next(".RunbookURL") + "@host/", Method: p.next(".Method"), Headers: map[string]string{"X-Key": p.next(".Headers{}")},
	}
	for f, v := range reflect.ValueOf(target).Fields() {
		if v.IsZero() && f.Type.Kind() != reflect.Int64 && f.Type.Kind() != reflect.Bool && f.Name != "Maintenance" && f.Name != "ValidStatusCodes" {
			t.Errorf("%s: a new field, plant something", f.Name)
		}
	}
	text, err := (&config.Config{Targets: []config.Target{target}}).YAML()
	if err != nil {
		t.Fatal(err)
	}
	for at, s := range p.canary {
		place, _, _ := strings.Cut(at, "#")
		shown := false
		for _, f := range targetTexts {
			shown = shown || f == place
		}
		if got := strings.Contains(string(text), s); got != shown {
			t.Errorf("%s is shown: %t, want %t\n%s", place, got, shown, text)
		}
	}
	if target.Headers["X-Key"] == "<secret>" {
		t.Error("the original was changed")
	}
}

// A target that no probe can succeed for is refused, and one that may succeed is not.
func TestHopelessTargets(t *testing.T) {
	c, err := config.Parse("x.yml", []byte(`
modules:
  http3: {prober: http, http: {enable_http3: true}}
  http2: {prober: http, http: {valid_http_versions: [HTTP/2], follow_redirects: false}}
  plain: {prober: http, http: {fail_if_ssl: true, no_follow_redirects: true}}
  tls: {prober: http, http: {fail_if_not_ssl: true, follow_redirects: false}}
  tls_in_the_end: {prober: http, http: {fail_if_not_ssl: true}}
  ip4: {prober: http, http: {preferred_ip_protocol: ip4, ip_protocol_fallback: false}}
  ip6: {prober: websocket, websocket: {ip_protocol_fallback: false}}
  proxied: {prober: http, http: {preferred_ip_protocol: ip4, ip_protocol_fallback: false, proxy_url: 'http://proxy.example:3128'}}
  body: {prober: http, http: {fail_if_body_not_matches_regexp: [ok]}}
`))
	if err != nil {
		t.Fatal(err)
	}
	r := config.TargetReader{File: "x.yml", Modules: c.Modules, Offset: config.DefaultTimeoutOffset}
	for text, wrong := range map[string]string{
		"module: http3, url: 'http://h/'":                                "url: the module speaks HTTP/3, which needs https: every probe would fail",
		"module: http3, url: 'https://h/'":                               "",
		"module: http2, url: 'http://h/'":                                "url: the module wants HTTP/2",
		"module: http2, url: 'https://h/'":                               "",
		"module: plain, url: 'https://h/'":                               "url: the module has fail_if_ssl",
		"module: plain, url: 'http://h/'":                                "",
		"module: tls, url: 'http://h/'":                                  "url: the module has fail_if_not_ssl",
		"module: tls_in_the_end, url: 'http://h/'":                       "",
		"module: ip4, url: 'http://[2001:db8::1]/'":                      "url: the URL has an address that is not of the preferred_ip_protocol",
		"module: ip4, url: 'http://[::ffff:192.0.2.1]/'":                 "",
		"module: ip4, url: 'http://192.0.2.1/'":                          "",
		"module: ip6, url: 'ws://192.0.2.1/'":                            "url: the URL has an address that is not of the preferred_ip_protocol",
		"module: ip6, url: 'ws://3221225985/'":                           "url: the URL has an address that is not of the preferred_ip_protocol",
		"module: ip6, url: 'ws://[2001:db8::1]/'":                        "",
		"module: ip6, url: 'ws://h/'":                                    "",
		"module: proxied, url: 'http://[2001:db8::1]/'":                  "",
		"module: body, url: 'http://h/', method: HEAD":                   "method: fail_if_body_not_matches_regexp: the answer to HEAD has no body",
		"module: body, url: 'http://h/', method: PUT":                    "",
		"module: body, url: 'http://h/', valid_status_codes: [204]":      "valid_status_codes: fail_if_body_not_matches_regexp: no answer with one of",
		"module: body, url: 'http://h/', valid_status_codes: [200, 204]": "",
		"module: plain, url: 'http://h/', valid_status_codes: [100]":     "valid_status_codes: valid_status_codes: has only codes",
	} {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte("{name: a, "+text+"}"), &doc); err != nil {
			t.Fatal(err)
		}
		_, problems, _ := r.Read(doc.Content[0])
		if (len(problems) == 0) != (wrong == "") || wrong != "" && !strings.Contains(problems.Error(), wrong) {
			t.Errorf("%s: got %v, want %q", text, problems, wrong)
		}
	}
}
