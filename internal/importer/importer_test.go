package importer

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/golden"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func masked(u *url.URL) string { return "masked " + u.Host }

// texts are what is given to an Importer.
type texts struct{ blackbox, prometheus, servers string }

func run(t *testing.T, in texts) (*Importer, []byte, error) {
	t.Helper()
	im := New(Options{Mask: masked})
	if in.blackbox != "" {
		if err := im.Blackbox("bb", []byte(in.blackbox)); err != nil {
			return im, nil, err
		}
	}
	if err := im.DefaultModules(); err != nil {
		t.Fatal(err)
	}
	if in.prometheus != "" {
		if err := im.Prometheus("prom", []byte(in.prometheus)); err != nil {
			return im, nil, err
		}
	}
	if in.servers != "" {
		if err := im.Servers("list", []byte(in.servers)); err != nil {
			return im, nil, err
		}
	}
	out, err := im.YAML()
	return im, out, err
}

const (
	defaults = `modules:
  # A 2xx answer to GET, after redirects.
  http_2xx:
    prober: http
`
	jobNames = "prom: the names of jobs"
	viaProbe = "scrape_configs:\n- job_name: j\n  metrics_path: /probe\n"
)

func TestImport(t *testing.T) {
	for _, tt := range []struct {
		name    string
		in      texts
		want    []string // parts of the text
		dropped []string // parts, in order
		err     string
	}{
		{
			name: "blackbox",
			in: texts{blackbox: "modules:\n  # keep this\n  a: &a {prober: http, timeout: 5s, http: {valid_status_codes: [200], basic_auth: {username: u, password: CANARY}}}\n" +
				"  dns: {prober: dns, dns: {query_name: x}}\n  icmp: {prober: icmp}\n  b:\n    <<: *a\n    timeout: 3s\n  bad: {prober: http, http: {colour: CANARY}}\n"},
			want:    []string{"  # keep this\n  a: {prober: http,", "password: CANARY", "    timeout: 3s\n", "  http_2xx:\n    prober: http\n"},
			dropped: []string{`bb: module "dns": dns.prober: this exporter probes with`, `module "icmp": icmp.prober: `, `module "bad": bad.http.colour: unknown key "colour"`},
		},
		{name: "no modules", in: texts{blackbox: "targets: []"}, err: `reading "bb": it has no modules`},
		{name: "not YAML", in: texts{blackbox: "modules: *CANARY"}, err: `reading "bb": it is not valid YAML`},
		{name: "endless", in: texts{blackbox: "modules: &a {x: *a}"}, err: "refer to themselves"},
		{
			name: "prometheus",
			in: texts{prometheus: "global: {scrape_interval: 15s}\n" + viaProbe + "  params: {module: [http_any]}\n  static_configs:\n" +
				"  - targets: ['http://a/?key=CANARY', 'b:8080']\n    labels: {environment: LIVE, team: x, job: y, team-name: z}\n  - targets: [c]\n    labels: {target: The C, __param_module: http_2xx}\n"},
			want: []string{
				"  - name: masked a\n    url: http://a/?key=CANARY\n    module: http_any\n    environment: LIVE\n    interval: 15s\n    labels:\n      team: x\n",
				"  - name: masked b:8080\n    url: http://b:8080\n", "  - name: The C\n    url: http://c\n    module: http_2xx\n",
			},
			dropped: []string{`prom: job "j": target "masked a": only the label: labels.team-name`, `target "masked b:8080": only the label`, jobNames},
		},
		{
			name: "times", in: texts{prometheus: viaProbe + "  scrape_interval: 10m\n  scrape_timeout: 10s\n  static_configs: [{targets: [a]}]\n- {job_name: k, metrics_path: /x/probe, scrape_interval: 5s, scrape_timeout: 5s, static_configs: [{targets: [b]}]}\n"},
			want:    []string{"interval: 5m\n    timeout: 9.5s\n", "interval: 5s\n    timeout: 4.5s\n"},
			dropped: []string{"scrape_interval: got 10m, taken as 5m", jobNames},
		},
		{
			name: "targets that are invalid",
			in: texts{prometheus: viaProbe + "  basic_auth: {username: u, password: CANARY}\n  kubernetes_sd_configs: [{role: pod}]\n  params: {debug: ['true']}\n  file_sd_configs: [{files: [sd/*.json]}]\n" +
				"- {job_name: node, static_configs: [{targets: [a]}]}\n- 7\n"},
			want:    []string{"target_files:\n  - sd/*.json\n"},
			dropped: []string{"basic_auth: belongs", "kubernetes_sd_configs: only", "params: a target cannot have debug", `"sd/*.json": interval, timeout and labels of the job`, `job "node": does not go through /probe`, "job 2: it cannot be read"},
		},
		{
			name: "module by label", in: texts{prometheus: viaProbe + "  relabel_configs: [{source_labels: [module], target_label: __param_module}]\n  static_configs: [{targets: [a], labels: {module: http_any}}, {targets: [b], labels: {module: nope}}]\n"},
			want: []string{"module: http_any\n"}, dropped: []string{`target "masked b": the module "nope" is in none of the files given`, jobNames},
		},
		{
			name: "target in the parameters", in: texts{prometheus: viaProbe + "  params: {target: ['https://a/']}\n  static_configs: [{targets: [exporter]}]\n"},
			want: []string{"url: https://a/\n"}, dropped: []string{jobNames},
		},
		{
			name: "the default module", in: texts{prometheus: viaProbe + "  static_configs: [{targets: ['ws://chat/', shop]}]\n"},
			want: []string{"url: ws://chat/\n    module: websocket\n", "url: http://shop\n    module: http_2xx\n"}, dropped: []string{jobNames},
		},
		{
			name: "secrets in names", in: texts{prometheus: viaProbe + "  relabel_configs: [{source_labels: [__address__], target_label: __param_target, replacement: 'https://$1/'}, {source_labels: [__address__], target_label: instance}]\n" +
				"  static_configs: [{targets: ['u:CANARY@a', 'b', 'c d @ e']}]\n"},
			want:    []string{"  - name: masked a\n    url: https://u:CANARY@a/\n", "  - name: b\n    url: https://b/\n"},
			dropped: []string{`target "not a URL": url: not a valid URL`, jobNames},
		},
		{
			name: "what a terminal must not see", in: texts{prometheus: viaProbe + "  \"x\\e[2J\\ny\": 1\n  file_sd_configs: [{files: [\"a\\nb\"]}]\n"},
			dropped: []string{"x\uFFFD[2J\uFFFDy: belongs", `"a\nb" is not the pattern of a file`},
		},
		{name: "no jobs", in: texts{prometheus: "global: {}"}, err: "it has no scrape_configs"},
		{
			name: "servers",
			in: texts{
				servers: `[{"hostName":"chat-1","host":"10.0.0.5","port":8080,"type":2,"environment":"LIVE","notification":1},
				{"hostName":"chat-2","host":"10.0.0.6","port":"8080","type":"4","notification":0},{"hostName":"a","host":"h","type":6,"notification":false},
				{"hostName":"b","host":"h","port":1,"type":5},{"hostName":"a","host":"h","port":2,"type":1},{"host":"h","type":1},{"hostName":7},"x",{"hostName":"c","host":"h h","port":1,"type":1}]`,
				blackbox: "modules: {websocket: {prober: http}}",
			},
			want: []string{"  - name: a\n    url: http://h/\n    notification: \"off\"\n"},
			dropped: []string{
				`server 0: target "chat-1": url: the module "websocket" probes over HTTP`, `server 1: target "chat-2": url: `, `server 3 ("b"): type "5" is neither`,
				`server 4: target "a": a target of that name already comes from list: server 2: target "a"`, "server 5: name: missing", "server 6: want hostName", "server 7: want hostName", `server 8: target "c": url: not a valid URL`,
			},
		},
		{name: "no list", in: texts{servers: "\n{\"servers\":\n []}"}, err: "want a JSON list of servers: line 2"},
		{name: "not JSON", in: texts{servers: "[\n{\"hostName\": canary}]"}, err: "want a JSON list of servers: line 2"},
		{name: "with a byte order mark", in: texts{servers: "\ufeff[]"}, want: []string{defaults, "  http_any:\n"}},
		{name: "defaults", in: texts{servers: "[]"}, want: []string{defaults, "  http_any:\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			im, out, err := run(t, tt.in)
			if strings.Contains(strings.Join(im.Dropped(), "\n"), "CANARY") {
				t.Errorf("a secret is shown: %q", im.Dropped())
			}
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "CANARY") {
					t.Errorf("got %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := config.Parse("imported.yml", out); err != nil {
				t.Errorf("%v in\n%s", err, out)
			}
			for _, want := range tt.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("want\n%s\nin\n%s", want, out)
				}
			}
			if len(im.Dropped()) != len(tt.dropped) {
				t.Fatalf("dropped (-want +got):\n%s", cmp.Diff(tt.dropped, im.Dropped()))
			}
			for i, line := range im.Dropped() {
				if !strings.Contains(line, tt.dropped[i]) {
					t.Errorf("dropped %s, want %s", line, tt.dropped[i])
				}
			}
		})
	}
}

func TestImportBlackboxExample(t *testing.T) {
	text, err := os.ReadFile("../../config/default.yml")
	if err != nil {
		t.Fatal(err)
	}
	im, out, err := run(t, texts{blackbox: string(text)})
	if err != nil || len(im.Dropped()) > 0 {
		t.Fatalf("%v, dropped %q", err, im.Dropped())
	}
	if _, want, _ := strings.Cut(string(text), "modules:"); !strings.Contains(string(out), "fail_if_not_ssl: true") || len(out) < len(want)/2 {
		t.Errorf("got\n%s", out)
	}
}

// TestImportTogether takes over what people may have. All of it is in the golden files: what comes out, and what is
// told to be lost.
func TestImportTogether(t *testing.T) {
	im := New(Options{Mask: prober.MaskURL})
	take := func(name string, f func(name string, data []byte) error) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := f(name, text); err != nil {
			t.Fatal(err)
		}
	}
	take("blackbox.yml", im.Blackbox)
	if err := im.DefaultModules(); err != nil {
		t.Fatal(err)
	}
	take("prometheus.yml", im.Prometheus)
	take("servers.json", im.Servers)
	out, err := im.YAML()
	if err != nil {
		t.Fatal(err)
	}
	dropped := strings.Join(im.Dropped(), "\n") + "\n"
	if strings.Contains(dropped, "hunter2") {
		t.Error("a secret is shown")
	}
	golden.Compare(t, "testdata/imported.yml", string(out))
	golden.Compare(t, "testdata/dropped.txt", dropped)
	if _, err := config.Parse("imported.yml", out); err != nil {
		t.Error(err)
	}
}

// fuzz checks that whatever comes in, what comes out loads.
func fuzz(t *testing.T, in texts) {
	t.Helper()
	im, out, err := run(t, in)
	if err != nil {
		if strings.Contains(err.Error(), "checking what was imported") {
			t.Fatal(err)
		}
		return
	}
	if _, err := config.Parse("imported.yml", out); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	for _, line := range im.Dropped() {
		if strings.ContainsAny(line, "\r\n") {
			t.Errorf("%q has more than one line", line)
		}
	}
}

func FuzzBlackbox(f *testing.F) {
	for _, s := range []string{"modules: {a: {prober: http}}", "modules: {a: &a {prober: http}, b: *a}", "modules: {a: {prober: tcp}}", "modules: {? [x] : 1}", "modules: {a: {prober: http}, a: {prober: http}}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 1<<13 {
			fuzz(t, texts{blackbox: string(data)})
		}
	})
}

func FuzzPrometheus(f *testing.F) {
	for _, s := range []string{
		viaProbe + "  static_configs: [{targets: [a, 'http://b/'], labels: {team: x}}]\n", viaProbe + "  scrape_interval: 1ms\n  scrape_timeout: 1h\n  static_configs: [{targets: [a]}]\n",
		viaProbe + "  file_sd_configs: [{files: ['a[', '', b]}]\n", "scrape_configs: [7, {}]", "global: []\nscrape_configs: []",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 1<<13 {
			fuzz(t, texts{prometheus: string(data)})
		}
	})
}

func FuzzServers(f *testing.F) {
	for _, s := range []string{`[{"hostName":"a","host":"h","port":80,"type":1,"environment":"LIVE","notification":1}]`, `[{"type": 1e0}]`, `[null]`, `[] []`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { fuzz(t, texts{servers: string(data)}) })
}
