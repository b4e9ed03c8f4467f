package importer

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// usual are the rules of the README of blackbox_exporter.
const usual = `
  relabel_configs:
  - {source_labels: [__address__], target_label: __param_target}
  - {source_labels: [__param_target], target_label: instance}
  - {target_label: __address__, replacement: 'localhost:9115'}
`

// list is what stands in every file of file_sd here.
const list = `[{"targets": ["db1.example.com:5432", "app.example.com:80"], "labels": {"environment": "LIVE", "kind": "db"}}]`

// What comes out probes the same URLs by the same conditions as a blackbox_exporter would, or not at all.
func TestMeaning(t *testing.T) {
	const healthy = "modules: {http_2xx: {prober: http, http: {%fail_if_body_not_matches_regexp: [healthy]}}}"
	for _, tt := range []struct {
		name, blackbox, job string
		targets             []string // URL, module and Host
		files               []config.TargetFile
		dropped, changed    string // parts
	}{
		{
			name: "a module that does not load", blackbox: strings.Replace(healthy, "%", "colour: red, ", 1),
			job:     "  params: {module: [http_2xx]}\n  static_configs: [{targets: ['http://a/']}]" + usual,
			dropped: `the module "http_2xx" was dropped`,
		},
		{
			name: "a module that does not load, as the default", blackbox: strings.Replace(healthy, "%", "colour: red, ", 1),
			job:     "  static_configs: [{targets: ['http://a/']}]\n  file_sd_configs: [{files: [a.json]}]" + usual,
			dropped: `the module "http_2xx" was dropped`,
		},
		{
			name: "a WebSocket module that does not load", blackbox: "modules: {websocket: {prober: websocket, websocket: {colour: red}}, http_2xx: {prober: http}}",
			job:     "  params: {module: [websocket]}\n  static_configs: [{targets: ['ws://a/']}]" + usual,
			dropped: `the module "websocket" was dropped`,
		},
		{
			name: "a module that is repaired", blackbox: strings.Replace(healthy, "%", `preferred_ip_protocol: "ipv4", `, 1),
			job:     "  params: {module: [http_2xx]}\n  static_configs: [{targets: ['http://a/']}]" + usual,
			targets: []string{"http://a/ http_2xx"},
			changed: `module "http_2xx": preferred_ip_protocol: "ipv4" is ip4 to blackbox_exporter`,
		},
		{
			name: "a module that asks for an upgrade", blackbox: "modules: {http_ws: {prober: http, http: {headers: {Connection: Upgrade, Upgrade: websocket}, valid_status_codes: [101]}}}",
			job:     "  params: {module: [http_ws]}\n  static_configs: [{targets: ['http://a/']}]" + usual,
			targets: []string{"http://a/ http_ws"},
			changed: `module "http_ws": enable_http2: false is added for its headers, which HTTP/2 does not send: over HTTP/2 blackbox_exporter fails`,
		},
		{
			name: "a module that asks for an upgrade by HTTP/2", blackbox: "modules: {http_ws: {prober: http, http: {enable_http2: true, headers: {Upgrade: websocket}}}}",
			job:     "  params: {module: [http_ws]}\n  static_configs: [{targets: ['http://a/']}]" + usual,
			dropped: `the module "http_ws" was dropped`,
		},
		{
			name: "a version by its other name", blackbox: `modules: {http_2xx: {prober: http, http: {valid_http_versions: ["HTTP/1.1", "HTTP/2"]}}}`,
			job:     "  params: {module: [http_2xx]}\n  static_configs: [{targets: ['http://a/']}]" + usual,
			targets: []string{"http://a/ http_2xx"},
			changed: `module "http_2xx": valid_http_versions: "HTTP/2" is HTTP/2.0 here, and nothing to blackbox_exporter`,
		},
		{
			name:     "modules of a ConfigMap",
			blackbox: "apiVersion: v1\nkind: ConfigMap\ndata:\n  readme: 'a: ['\n  config.yml: |-\n    modules:\n      http_2xx: {prober: http, http: {preferred_ip_protocol: ip4}}\n",
			job:      "  params: {module: [http_2xx]}\n  static_configs: [{targets: ['http://a/']}]" + usual,
			targets:  []string{"http://a/ http_2xx"},
		},
		{
			name: "a list by a relative path", blackbox: "modules: {http_2xx: {prober: http}}",
			job:     "  file_sd_configs: [{files: [sd/a.json]}]" + usual,
			files:   []config.TargetFile{{Path: "sd/a.json"}},
			changed: `file_sd_configs: "sd/a.json" is relative to the working directory of this exporter, and to the directory of prom in Prometheus: make it absolute`,
		},
		{
			name: "a module of another prober", blackbox: "modules: {tcp_connect: {prober: tcp}, http_2xx: {prober: http}}",
			job:     "  params: {module: [tcp_connect]}\n  static_configs: [{targets: ['a:1']}]\n  file_sd_configs: [{files: [/etc/prometheus/dbs.json]}]" + usual,
			dropped: `file_sd_configs: "/etc/prometheus/dbs.json": the module "tcp_connect" was dropped`,
		},
		{
			name: "a module that was not given",
			job:  "  params: {module: [icmp]}\n  file_sd_configs: [{files: [a.json]}]" + usual, dropped: `the module "icmp" is in none of the files given`,
		},
		{
			name:    "a module of this exporter",
			job:     "  params: {module: [http_2xx]}\n  static_configs: [{targets: [a]}]" + usual,
			targets: []string{"http://a http_2xx"}, changed: `module "http_2xx": it is in no file given by --blackbox`,
		},
		{
			name: "a list", blackbox: "modules: {http_body: {prober: http}}",
			job:   "  params: {module: [http_body]}\n  file_sd_configs: [{files: [a.json, 'b/*.yml']}]" + usual,
			files: []config.TargetFile{{Path: "a.json", Module: "http_body"}, {Path: "b/*.yml", Module: "http_body"}},
		},
		{
			name: "a list without a module", blackbox: "modules: {http_2xx: {prober: http}}",
			job:   "  file_sd_configs: [{files: [a.json]}]" + usual,
			files: []config.TargetFile{{Path: "a.json"}},
		},
		{
			name: "a list whose module a constant names", blackbox: "modules: {http_body: {prober: http}}",
			job:   "  file_sd_configs: [{files: [a.json]}]" + usual + "  - {target_label: __param_module, replacement: http_body}\n",
			files: []config.TargetFile{{Path: "a.json", Module: "http_body"}},
		},
		{
			name: "a list with another path", blackbox: "modules: {http_2xx: {prober: http}}",
			job: "  params: {module: [http_2xx]}\n  file_sd_configs: [{files: [a.json]}]\n  relabel_configs:\n" +
				"  - {source_labels: [__address__], target_label: __param_target, replacement: 'https://$1/health'}\n",
			targets: []string{"https://db1.example.com:5432/health http_2xx", "https://app.example.com:80/health http_2xx"},
			changed: "its 2 targets are written down as they are now",
		},
		{
			name: "a list with a rule that drops some", blackbox: "modules: {http_2xx: {prober: http}}",
			job:     "  params: {module: [http_2xx]}\n  file_sd_configs: [{files: [a.json]}]" + usual + "  - {source_labels: [__param_target], regex: 'db.*', action: drop}\n",
			targets: []string{"http://app.example.com:80 http_2xx"}, dropped: "dropped by relabel_configs", changed: "its 1 targets are",
		},
		{
			name: "a list whose labels say the module", blackbox: "modules: {http_db: {prober: http}}",
			job:     "  file_sd_configs: [{files: [a.json]}]" + usual + "  - {source_labels: [kind], target_label: __param_module, replacement: 'http_$1'}\n",
			targets: []string{"http://db1.example.com:5432 http_db", "http://app.example.com:80 http_db"}, changed: "its 2 targets are",
		},
		{
			name: "a list that cannot be read", blackbox: "modules: {http_2xx: {prober: http}}",
			job:     "  params: {module: [http_2xx]}\n  file_sd_configs: [{files: [gone.json]}]\n  relabel_configs: [{source_labels: [__address__], target_label: __param_target, replacement: 'https://$1/'}]\n",
			dropped: "the job changes its targets",
		},
		{
			name: "a host name", blackbox: "modules: {http_2xx: {prober: http}}",
			job:     "  params: {module: [http_2xx], hostname: [login.example.com]}\n  static_configs: [{targets: ['https://192.0.2.1/']}]" + usual,
			targets: []string{"https://192.0.2.1/ http_2xx login.example.com"},
		},
		{
			name: "a host name for a list", blackbox: "modules: {http_2xx: {prober: http}}",
			job:     "  params: {module: [http_2xx], hostname: [h.example.com]}\n  file_sd_configs: [{files: [a.json]}]" + usual,
			targets: []string{"http://db1.example.com:5432 http_2xx h.example.com", "http://app.example.com:80 http_2xx h.example.com"}, changed: "its 2 targets are",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			im := New(Options{Mask: prober.MaskURL, Read: func(from, pattern string) ([][]byte, error) {
				if from != "prom" || pattern != "a.json" {
					return nil, errors.New("no such file")
				}
				return [][]byte{[]byte(list)}, nil
			}})
			if tt.blackbox != "" {
				if err := im.Blackbox("bb", []byte(tt.blackbox)); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(im.DefaultModules(), im.Prometheus("prom", []byte(viaProbe+tt.job))); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(im.Dropped(), "\n"), tt.dropped) || !strings.Contains(strings.Join(im.Changed(), "\n"), tt.changed) {
				t.Errorf("dropped %q, want %q; changed %q, want %q", im.Dropped(), tt.dropped, im.Changed(), tt.changed)
			}
			c := imported(t, im)
			var targets []string
			for _, one := range c.Targets {
				targets = append(targets, strings.TrimSpace(one.URL+" "+one.Module+" "+one.Headers["Host"]))
			}
			if diff := cmp.Diff(tt.targets, targets); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.files, c.TargetFiles); diff != "" {
				t.Errorf("lists (-want +got):\n%s", diff)
			}
		})
	}
}

// What keeps several targets of a job from being taken over is told once, with how many there are.
func TestTargetsAreCounted(t *testing.T) {
	const modules = "modules: {icmp: {prober: icmp}, http_2xx: {prober: http}}"
	for _, tt := range []struct{ name, job, want string }{
		{
			"one", "  params: {module: [icmp]}\n  static_configs: [{targets: [a]}]" + usual,
			`prom: job "j": target "a": the module "icmp" was dropped`,
		},
		{
			"three", "  params: {module: [icmp]}\n  static_configs: [{targets: [a, b]}, {targets: [c]}]" + usual,
			`prom: job "j": 3 targets ("a", "b", "c"): the module "icmp" was dropped`,
		},
		{
			"eight", "  params: {module: [icmp]}\n  static_configs: [{targets: [a, b, c, d, e, f, g, h]}]" + usual,
			`prom: job "j": 8 targets ("a", "b", "c" and 5 more): the module "icmp" was dropped`,
		},
		{
			"a module that does not exist", "  params: {module: [gone]}\n  static_configs: [{targets: [a, b]}]" + usual,
			`prom: job "j": 2 targets ("a", "b"): the module "gone" is in none of the files given, want it in one given by --blackbox`,
		},
		{
			"dropped by rules", "  static_configs: [{targets: [a, b]}]" + usual + "  - {source_labels: [__param_target], regex: '[ab]', action: drop}\n",
			`prom: job "j": 2 targets ("a", "b"): dropped by relabel_configs`,
		},
		{
			"of a list", "  params: {module: [icmp], hostname: [h]}\n  file_sd_configs: [{files: [a.json]}]" + usual,
			`prom: job "j": file_sd_configs: "a.json": 2 targets ("db1.example.com:5432", "app.example.com:80"): the module "icmp" was dropped`,
		},
		{
			"secrets", "  params: {module: [icmp]}\n  static_configs: [{targets: ['http://u:canary@a/?k=canary', 'b']}]" + usual,
			`prom: job "j": 2 targets ("http://a/?k=***", "b"): the module "icmp" was dropped`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			im := New(Options{Mask: prober.MaskURL, Read: func(string, string) ([][]byte, error) { return [][]byte{[]byte(list)}, nil }})
			err := errors.Join(im.Blackbox("bb", []byte(modules)), im.Prometheus("prom", []byte(viaProbe+tt.job)))
			if err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(im.Dropped(), func(line string) bool {
				return !strings.Contains(line, "target") || strings.Contains(line, "names of jobs")
			})
			if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
		})
	}
}

// imported is the configuration that comes out; an empty one where nothing does.
func imported(t *testing.T, im *Importer) *config.Config {
	t.Helper()
	if len(im.targets)+len(im.files) == 0 {
		return &config.Config{}
	}
	out, err := im.YAML()
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse("imported.yml", out)
	if err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	return c
}

// What was done to a module that is dropped all the same is of no interest.
func TestDroppedIsNotChanged(t *testing.T) {
	im := New(Options{Mask: prober.MaskURL})
	if err := im.Blackbox("bb", []byte("modules: {a: {prober: dns, dns: {preferred_ip_protocol: ipv4, query_name: x}}}")); err != nil {
		t.Fatal(err)
	}
	if got := im.Changed(); len(got) > 0 {
		t.Errorf("changed %q, want nothing", got)
	}
}

// Two modules of one name are taken over where they are the same, and otherwise not at all.
func TestTwoModulesOfOneName(t *testing.T) {
	for _, tt := range []struct {
		name, second string
		want         bool
	}{
		{"the same", "modules: {a: {prober: http, timeout: 3s}}", true},
		{"another", "modules: {a: {prober: http, timeout: 4s}}", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			im := New(Options{Mask: prober.MaskURL})
			err := errors.Join(im.Blackbox("one", []byte("modules: {a: {prober: http, timeout: 3s}}")), im.Blackbox("two", []byte(tt.second)))
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := im.reader.Modules["a"]; ok != tt.want || im.Empty() == tt.want || len(im.Dropped()) > 0 == tt.want {
				t.Errorf("taken over: %t, want %t; dropped %q", ok, tt.want, im.Dropped())
			}
		})
	}
}
