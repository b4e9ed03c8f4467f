package app

import (
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// Each check is judged by the sentinels of its own side, and those that are not in the configuration say nothing.
func TestSentinels(t *testing.T) {
	const services = `
  services:
    - {name: far, checks: [{url: 'http://shop.test/'}], command: {argv: [/bin/true, far]}}
    - {name: near, checks: [{url: 'http://127.0.0.1:1/'}], command: {argv: [/bin/true, near]}}
    - {name: named, checks: [{url: 'http://localhost:2/'}], command: {argv: [/bin/true, named]}}
`
	for _, tt := range []struct {
		name, sentinels string
		want            map[string]string // the name of the first by the service
	}{
		{"none", `[]`, map[string]string{}},
		{"elsewhere", `[https://a.test, {url: 'https://b.test/?token=CANARY', module: http_2xx}]`, map[string]string{"far": "https://a.test"}},
		{"a tunnel", `['http://127.0.0.1:9/']`, map[string]string{"near": "http://127.0.0.1:9/", "named": "http://127.0.0.1:9/"}},
		{"both", `['http://[::1]:9/', https://a.test]`, map[string]string{"far": "https://a.test", "near": "http://[::1]:9/", "named": "http://[::1]:9/"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Parse("test.yml", []byte("modules: {http_2xx: {prober: http}}\nrestart:\n  mode: observe\n  receiver: {insecure: true}\n  sentinels: "+tt.sentinels+services))
			if err != nil {
				t.Fatal(err)
			}
			s, err := newSnapshot("test.yml", c)
			if err != nil {
				t.Fatal(err)
			}
			for _, service := range s.Restarts.Services {
				got := ""
				if all := service.Checks[0].Sentinels; all != nil {
					got = all.Checks[0].Name
				}
				if got != tt.want[service.Name] {
					t.Errorf("%s has %q, want %q", service.Name, got, tt.want[service.Name])
				}
			}
		})
	}
}
