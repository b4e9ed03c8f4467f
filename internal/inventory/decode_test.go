package inventory

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// reader knows the modules that the tests use. Their probers do not matter here.
func reader(t testing.TB) config.TargetReader {
	t.Helper()
	c := parse(t, "")
	c.Modules[config.DefaultWebSocketModule] = config.Default().Modules[config.DefaultWebSocketModule]
	return config.TargetReader{File: "doc", Modules: c.Modules, Offset: config.DefaultTimeoutOffset}
}

// brief returns a target in one line.
func brief(t config.Target) string {
	s := fmt.Sprintf("%s %s %s %s %s/%s", t.Name, t.URL, t.Module, t.Environment, t.Interval, t.Timeout)
	if t.Muted() {
		s += " muted"
	}
	if len(t.Labels) > 0 {
		s += fmt.Sprint(" ", t.Labels)
	}
	return s
}

// outcome compares what a decoder has read.
func outcome(t *testing.T, d *decoder, err error, targets, problems []string, wantErr string) {
	t.Helper()
	if wantErr != "" {
		if err == nil || !strings.Contains(err.Error(), wantErr) {
			t.Errorf("got error %v, want %s", err, wantErr)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, target := range d.targets {
		got = append(got, brief(target))
	}
	if diff := cmp.Diff(targets, got); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	if len(d.problems) != len(problems) {
		t.Fatalf("problems are %v, want %q", d.problems, problems)
	}
	for i, p := range d.problems {
		if !strings.Contains(p.Error(), problems[i]) {
			t.Errorf("got problem %v, want %s", p, problems[i])
		}
	}
}

func TestDecodeFile(t *testing.T) {
	const a = "a http://a/ http_2xx UNKNOWN 30s/10s"
	for _, tt := range []struct {
		name, text        string
		targets, problems []string
		err               string
	}{
		{name: "list", text: "- {name: a, url: 'http://a/'}\n- {name: b, url: 'wss://b/', environment: LIVE, interval: 1m, timeout: 5s}\n", targets: []string{a, "b wss://b/ websocket LIVE 1m/5s"}},
		{name: "mapping", text: "targets: [{name: a, url: 'http://a/'}]", targets: []string{a}},
		{name: "anchors", text: "targets:\n- &x {name: a, url: 'http://a/'}\n- <<: *x\n  name: b\n", targets: []string{a, "b http://a/ http_2xx UNKNOWN 30s/10s"}},
		{name: "JSON", text: "[\n\t{\"name\":\t\"a\", \"url\": \"http:\\/\\/a/\", \"notification\": \"off\", \"labels\": {\"rack\": 7}}]", targets: []string{a + " muted map[rack:7]"}},
		{name: "empty list", text: "[]"},
		{name: "empty list below targets", text: "targets: []"},
		{name: "empty", text: " \n# nothing\n", err: "it is empty"},
		{name: "scalar", text: "hello", err: "not a list"},
		{name: "other mapping", text: "modules: {}", err: `without the key "targets"`},
		{name: "targets are no list", text: "targets: a", err: "not a list"},
		{name: "garbage", text: "\x00\xff{{{", err: "not valid YAML or JSON"},
		{name: "half written JSON", text: `[{"name": "a"`, err: "not valid YAML or JSON"},
		{name: "secret in broken YAML", text: "- name: *CANARY\n", err: "not valid YAML or JSON: unknown anchor"},
		{name: "two documents", text: "[]\n---\n[]\n", err: "more than one document"},
		{
			name:    "bad ones among good ones",
			text:    "- {name: a, url: 'http://a/', labels: {team-name: x, ok: y}}\n- {name: b, url: 'ftp://b/'}\n- {url: 'http://c/'}\n- x\n- {name: d, url: 'http://d/', colour: red}\n- {name: e, url: 'http://e/'}\n",
			targets: []string{a + " map[ok:y]", "e http://e/ http_2xx UNKNOWN 30s/10s"},
			problems: []string{
				`doc: target "a": a label is left out: line 1: labels.team-name: "team-name" is not a label name`,
				`doc: target "b": line 2: url: got the scheme "ftp", want an absolute URL`,
				`doc: target 2: line 3: name: missing`,
				`doc: target 3: line 4: got a single value`,
				`doc: target "d": line 5: colour: unknown key "colour"`,
			},
		},
		{
			name: "file_sd",
			text: "- targets: ['http://a/?key=x', 'b:8080/health', 'ws://c/']\n  labels: {environment: LIVE, team: x, job: blackbox, __meta_x: y, __scrape_interval__: 1m, __scrape_timeout__: 5s}\n" +
				"- targets: [d]\n  labels: {target: The D, __param_module: http_2xx, __scheme__: https, bad-name: z}\n- {name: a, url: 'http://a/'}\n- targets: []\n",
			targets: []string{
				"masked a http://a/?key=x http_2xx LIVE 1m/5s map[team:x]", "masked b:8080 http://b:8080/health http_2xx LIVE 1m/5s map[team:x]",
				"masked c ws://c/ websocket LIVE 1m/5s map[team:x]", "The D https://d http_2xx UNKNOWN 30s/10s", a,
			},
			problems: []string{`target "The D": a label is left out: line 3: labels.bad-name`},
		},
		{
			name: "the list of an exporter", text: `[{"targets": ["hc:10115"], "labels": {"__metrics_path__": "/probe", "__param_name": "shop", "target": "shop"}}]`,
			problems: []string{"group 0: it comes from the /sd"},
		},
		{
			name: "bad groups", text: "- targets: x\n- targets: [[x]]\n- {targets: ['http://a/'], labels: [x]}\n- targets: ['', 'a b', 'ok']\n",
			targets:  []string{"masked ok http://ok http_2xx UNKNOWN 30s/10s"},
			problems: []string{"group 0: want targets", "group 1: want targets", "group 2: want targets", "url: missing", "url: not a valid URL"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &decoder{reader: reader(t), mask: masked}
			err := d.file(t.Context(), []byte(tt.text))
			if strings.Contains(fmt.Sprint(err, d.problems), "CANARY") {
				t.Errorf("a secret is shown: %v %v", err, d.problems)
			}
			outcome(t, d, err, tt.targets, tt.problems, tt.err)
		})
	}
}

func TestDecodeJSON(t *testing.T) {
	const a = "a http://a/ http_2xx UNKNOWN 30s/10s"
	for _, tt := range []struct {
		name, format, text string
		targets, problems  []string
		err                string
	}{
		{name: "http_sd", format: "http_sd", text: `[{"targets": ["a"], "labels": {"target": "a"}}]`, targets: []string{"a http://a http_2xx UNKNOWN 30s/10s"}},
		{name: "targets", format: "targets", text: `[{"name": "a", "url": "http://a/"}]`, targets: []string{a}},
		{name: "targets below the key", format: "targets", text: `{"targets": [{"name": "a", "url": "http://a/"}]}`, targets: []string{a}},
		{name: "http_sd is not a list", format: "http_sd", text: `{"targets": []}`, err: "not a list"},
		{name: "null", format: "targets", text: `null`, err: "not a list"},
		{name: "empty", format: "targets", text: ``, err: "not valid JSON"},
		{name: "HTML", format: "targets", text: `<html>`, err: "not valid JSON"},
		{name: "more", format: "targets", text: `[] []`, err: "after top-level value"},
		{name: "not a target", format: "targets", text: `[7, {"name": "a", "url": "http://a/"}, null]`, targets: []string{a}, problems: []string{"target 0: got a single value", "target 2: name: missing", "target 2: url: missing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &decoder{reader: reader(t), mask: masked}
			outcome(t, d, d.json(t.Context(), tt.format, []byte(tt.text)), tt.targets, tt.problems, tt.err)
		})
	}
}

// classic is an example of a list that people already have.
func classic(t testing.TB) *config.TargetMap {
	t.Helper()
	text, err := os.ReadFile("../../examples/inventory/healthcheck.yml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse("healthcheck.yml", text)
	if err != nil {
		t.Fatal(err)
	}
	return c.TargetAPIs[0].Map
}

func TestClassicList(t *testing.T) {
	data, err := os.ReadFile("../../examples/inventory/servers.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, text        string
		targets, problems []string
		err               string
	}{
		{
			name: "example", text: string(data),
			targets: []string{
				"chat-1 ws://10.0.0.5:8080/ websocket LIVE 30s/10s", "chat-2 ws://10.0.0.6:8080/ websocket STAGE 30s/10s muted",
				"shop http://shop.example.com:80/ http_2xx LIVE 30s/10s", "wiki http://wiki.example.com:8000/ http_2xx UNKNOWN 30s/10s",
			},
		},
		{
			name: "one bad entry", text: `[{"hostName":"a","host":"h","port":"x","type":1},{"hostName":"b","type":1},{"host":"h","port":1,"type":1},{"hostName":"d","host":"h","port":1,"type":4}]`,
			targets:  []string{"d ws://h:1/ websocket UNKNOWN 30s/10s"},
			problems: []string{`target "a": url: not a valid URL`, `item 1 ("b"): url: evaluating`, `item 2: name: evaluating "item.hostName": a key is missing`},
		},
		{name: "garbage", text: `{"error": "not today"}`, err: "evaluating items"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &decoder{reader: reader(t), mask: masked}
			outcome(t, d, d.mapped(t.Context(), classic(t), []byte(tt.text)), tt.targets, tt.problems, tt.err)
		})
	}
}

func TestExampleFile(t *testing.T) {
	data, err := os.ReadFile("../../examples/inventory/targets.yml")
	if err != nil {
		t.Fatal(err)
	}
	d := &decoder{reader: reader(t), mask: masked}
	outcome(t, d, d.file(t.Context(), data), []string{
		"shop-api https://api.example.com/health http_2xx LIVE 15s/10s map[team:checkout]", "nightly https://nightly.example.com/health http_2xx STAGE 30s/10s",
	}, nil, "")
}

// checkTargets checks what every decoder promises about its targets.
func checkTargets(t *testing.T, d *decoder) {
	t.Helper()
	for _, target := range d.targets {
		u, err := config.ParseTargetURL(target.URL)
		if err != nil || target.Name == "" || target.Environment == "" || target.Interval <= 0 || target.Timeout <= 0 || target.Timeout > target.Interval {
			t.Errorf("%+v with URL %v (%v) is not a good target", target, u, err)
		}
		for name := range target.Labels {
			if err := config.CheckLabel(name); err != nil {
				t.Error(err)
			}
		}
	}
	for _, err := range d.problems {
		if strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("problem %q has more than one line", err)
		}
	}
}

func FuzzDecodeFile(f *testing.F) {
	for _, s := range []string{
		"- {name: a, url: 'http://a/'}\n- targets: [b, 'http://c/']\n  labels: {environment: x, a-b: c}", "targets: []", "[{\"name\": \"a\"}]", "&a [*a]",
		"- &x {name: a, url: 'http://a/'}\n- <<: *x\n  name: b\n", "- {targets: &t [a], labels: {__scrape_interval__: 1m}}\n- {targets: *t}", "- maintenance: [{weekdays: [monday]}]",
	} {
		f.Add([]byte(s))
	}
	r := reader(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		d := &decoder{reader: r, mask: masked}
		if err := d.file(t.Context(), data); err == nil {
			checkTargets(t, d)
		}
	})
}

func FuzzDecodeJSON(f *testing.F) {
	for _, s := range []string{`[{"targets": ["a"], "labels": {"target": "a"}}]`, `[{"name": "a", "url": "http://a/", "valid_status_codes": [200, "3xx"]}]`, `[1e999]`, `null`, `{"targets": [{}]}`} {
		f.Add([]byte(s))
	}
	r := reader(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []string{config.FormatHTTPSD, config.FormatTargets} {
			d := &decoder{reader: r, mask: masked}
			if err := d.json(t.Context(), format, data); err == nil {
				checkTargets(t, d)
			}
		}
	})
}

func FuzzMapped(f *testing.F) {
	for _, s := range []string{
		`[{"hostName":"chat-1","host":"10.0.0.5","port":8080,"type":2,"environment":"LIVE","notification":1}]`, `[{"type": 1}]`, `[{"type": 2.0, "hostName": 7}]`, `[null]`, `{}`, `[[]]`,
		`[{"hostName":{},"host":[],"port":null,"type":6,"environment":{"a":1},"notification":"maybe"}]`,
	} {
		f.Add([]byte(s))
	}
	r, m := reader(f), classic(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &decoder{reader: r, mask: masked}
		if err := d.mapped(t.Context(), m, data); err == nil {
			checkTargets(t, d)
		}
	})
}
