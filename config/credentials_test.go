package config_test

import (
	"net/url"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func credentialModules(t *testing.T) map[string]config.Module {
	t.Helper()
	c, err := config.Parse("x.yml", []byte(`modules:
  bank:
    prober: http
    credentials_for: ['*.bank.example', 'api.münze.example:8443', 192.0.2.1, '[2001:db8::1]:443']
    http: {basic_auth: {username: u, password: p}}
  socket:
    prober: websocket
    credentials_for: [chat.example]
  hosted:
    prober: http
    credentials_for: [chat.example, '10.0.0.1']
    http: {headers: {Host: 'chat.example'}}
  all: {prober: http}
`))
	if err != nil {
		t.Fatal(err)
	}
	return c.Modules
}

func TestCheckCredentials(t *testing.T) {
	modules := credentialModules(t)
	for _, tt := range []struct {
		module, address, hostname string
		ok                        bool
	}{
		{"bank", "http://www.bank.example/", "", true},
		{"bank", "https://WWW.Bank.Example.:9443/x", "", true},
		{"bank", "http://bank.example/", "", false},
		{"bank", "http://partner.example/", "", false},
		{"bank", "http://www.bank.example.evil.test/", "", false},
		{"bank", "http://www.bank.example@evil.test/", "", false},
		{"bank", "http://evil.test/?www.bank.example", "", false},
		{"bank", "https://api.münze.example:8443/", "", true},
		{"bank", "https://API.xn--mnze-0ra.example.:8443/", "", true},
		{"bank", "https://api.münze.example/", "", false},
		{"bank", "https://api.munze.example:8443/", "", false},
		{"bank", "http://192.0.2.1:8080/", "", true},
		{"bank", "http://0xc0000201/", "", true},
		{"bank", "http://[::ffff:192.0.2.1]/", "", true},
		{"bank", "http://192.0.2.2/", "", false},
		{"bank", "http://[64:ff9b::192.0.2.1]/", "", false},
		{"bank", "https://[2001:DB8:0::1]/", "", true},
		{"bank", "http://[2001:db8::1]/", "", false},
		{"bank", "http://www.bank.example/", "other.bank.example", true},
		{"bank", "http://www.bank.example/", "evil.test", false},
		{"bank", "http://evil.test/", "www.bank.example", false},
		{"bank", "https://www.bank.example/", "api.münze.example:8443", true},
		{"bank", "https://www.bank.example/", "api.münze.example", false},
		{"socket", "ws://chat.example/", "", true},
		{"socket", "wss://evil.test/", "", false},
		{"hosted", "http://10.0.0.1/", "", true},
		{"all", "http://010.1.1.1/", "anything", true},
	} {
		u, err := url.Parse(tt.address)
		if err != nil {
			t.Fatal(err)
		}
		m := modules[tt.module]
		if err := m.CheckCredentials(u, tt.hostname); (err == nil) != tt.ok {
			t.Errorf("%s by %s with hostname %q: %v, want allowed: %t", tt.address, tt.module, tt.hostname, err, tt.ok)
		}
	}
}

// A list of targets cannot choose where the credentials of a module go.
func TestCredentialsOfTargets(t *testing.T) {
	r := config.TargetReader{File: "x.yml", Modules: credentialModules(t), Offset: config.DefaultTimeoutOffset}
	for text, wrong := range map[string]string{
		"url: 'http://www.bank.example/', module: bank":                                  "",
		"url: 'http://partner.example/', module: bank":                                   `url: the credentials of the module are for other hosts than "partner.example"`,
		"url: 'http://www.bank.example/', module: bank, headers: {host: evil.test}":      `url: the credentials of the module are for other hosts than the Host header "evil.test"`,
		"url: 'http://www.bank.example/', module: bank, headers: {host: a.bank.example}": "",
		"url: 'ws://chat.example/', module: socket, headers: {Host: 'evil.test'}":        "other hosts than the Host header",
		"url: 'ws://evil.test/', module: socket":                                         "other hosts than",
		"url: 'http://10.0.0.1/', module: hosted":                                        "",
		"url: 'http://10.0.0.1/', module: hosted, headers: {HOST: evil.test}":            "other hosts than the Host header",
		"url: 'http://user:canary@evil.test/?canary', module: bank":                      "other hosts than",
	} {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte("{name: a, "+text+"}"), &doc); err != nil {
			t.Fatal(err)
		}
		_, problems, _ := r.Read(doc.Content[0])
		if (len(problems) == 0) != (wrong == "") || wrong != "" && !strings.Contains(problems.Error(), wrong) || strings.Contains(problems.Error(), "canary") {
			t.Errorf("%s: got %v, want %q", text, problems, wrong)
		}
	}
}
