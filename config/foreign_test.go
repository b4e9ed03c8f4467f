package config_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// Modules of other probers are left out if that is wanted, whatever is wrong with them. What asks for one of them is an error
// that says why it is not there.
func TestIgnoreForeignModules(t *testing.T) {
	const modules = "modules:\n  web: {prober: http}\n  ping: {prober: icmp, timeout: 5s, icmp: {preferred_ip_protocol: ipv9}}\n" +
		"  names: {prober: dns, dns: {query_name: x, query_name: y}}\n  port: {prober: tcp, tcp: {query_response: [{expect: '['}]}}\n  rpc: {prober: grpc}\n  socket: {prober: unix}\n"
	all := map[string]string{"ping": "icmp", "names": "dns", "port": "tcp", "rpc": "grpc", "socket": "unix"}
	for _, tt := range []struct {
		name, text string
		foreign    map[string]string
		want       []string // parts of the errors
	}{
		{name: "left out", text: modules, foreign: all},
		{name: "nothing foreign", text: "modules: {web: {prober: http}}", foreign: map[string]string{}},
		{name: "a prober that nobody has", text: modules + "  bad: {prober: smtp}\n", want: []string{`modules.bad.prober: got "smtp"`}},
		{name: "all are foreign", text: "modules: {ping: {prober: icmp}}", want: []string{"modules: all modules are left out"}},
		{name: "a target", text: modules + "targets: [{name: a, url: 'http://a/', module: ping}]", want: []string{`targets[0].module: got module "ping", which was left out: ` + config.NotWith + `"icmp"`}},
		{name: "the default module", text: "modules: {http_2xx: {prober: tcp}, web: {prober: http}}\ntargets: [{name: a, url: 'http://a/'}]", want: []string{`targets[0].url: got module "http_2xx", which was left out`}},
		{name: "a target file", text: modules + "target_files: [{path: a.yml, module: port}]", want: []string{`target_files[0].module: got module "port", which was left out`}},
		{
			name: "a check of a service", text: modules + "restart: {mode: off, receiver: {insecure: true}, services: [{name: s, checks: [{url: 'http://a/', module: names}], command: {argv: [/bin/true]}}]}",
			want: []string{`checks[0].module: got module "names", which was left out`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Options{IgnoreForeignModules: true}.Parse("x.yml", []byte(tt.text))
			if len(tt.want) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.foreign, c.Foreign()); diff != "" {
					t.Errorf("left out (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{"web"}, slices.Sorted(maps.Keys(c.Modules))); diff != "" {
					t.Errorf("modules (-want +got):\n%s", diff)
				}
				return
			}
			if err == nil || strings.Count(err.Error(), "\n")+1 != len(tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
			}
		})
	}
	if c, err := config.Parse("x.yml", []byte(modules)); err == nil {
		t.Errorf("without the option got %d modules, want an error", len(c.Modules))
	}
}
