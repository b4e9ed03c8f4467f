package config

import (
	"fmt"
	"strings"
	"testing"
)

// Two back-ends have the same fingerprint if and only if they are the same, down to their secrets.
func TestFingerprint(t *testing.T) {
	fingerprint := func(backend string) string {
		t.Helper()
		const text = "modules: {m: {prober: http}}\nrestart:\n  mode: enforce\n  receiver: {insecure: true}\n  services:\n" +
			"    - {name: shop, checks: [{url: 'http://127.0.0.1:1/', module: m}], %s}\n"
		c, err := Parse("test.yml", fmt.Appendf(nil, text, backend))
		if err != nil {
			t.Fatal(err)
		}
		f, err := c.Restart.Services[0].Fingerprint()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(f, "s3cret") || len(f) != 64 {
			t.Errorf("the fingerprint is %q, want a SHA-256", f)
		}
		return f
	}
	const url = "url: 'https://h.test/s3cret'"
	seen := map[string]string{}
	for _, backend := range []string{
		"command: {argv: [/bin/true]}",
		"command: {argv: [/bin/true, a]}",
		"command: {argv: [/bin/true], env: {A: s3cret}}",
		"command: {argv: [/bin/true], env: {A: s3cret2}}",
		"command: {argv: [/bin/true], env: {A: '1', B: '2'}}",
		"command: {argv: [/bin/true], env: {A: '2', B: '1'}}",
		"pm2: {app: a, home: /, program: /bin/true}",
		"systemd: {unit: a.service}",
		"docker: {container: a}",
		"docker: {label: a}",
		"swarm: {service: a}",
		"http: {" + url + "}",
		"http: {url: 'https://h.test/s3cret2'}",
		"http: {url_file: fingerprint.go}",
		"http: {" + url + ", method: PUT}",
		"http: {" + url + ", body: s3cret}",
		"http: {" + url + ", body: s3cret2}",
		"http: {" + url + ", valid_status_codes: [200]}",
		"http: {" + url + ", basic_auth: {username: a, password: s3cret}}",
		"http: {" + url + ", basic_auth: {username: a, password: s3cret2}}",
		"http: {" + url + ", authorization: {credentials: s3cret}}",
		"http: {" + url + ", authorization: {credentials: s3cret2}}",
		"http: {" + url + ", http_headers: {A: {secrets: [s3cret]}}}",
		"http: {" + url + ", http_headers: {A: {secrets: [s3cret2]}}}",
		"http: {" + url + ", tls_config: {insecure_skip_verify: true}}",
		"http: {" + url + ", proxy_url: 'http://a:s3cret@p.test'}",
		"http: {" + url + ", proxy_url: 'http://a:s3cret2@p.test'}",
	} {
		f := fingerprint(backend)
		if other, ok := seen[f]; ok {
			t.Errorf("%s and %s have the same fingerprint", backend, other)
		}
		seen[f] = backend
		if again := fingerprint(backend); again != f {
			t.Errorf("%s has two fingerprints", backend)
		}
	}
}
