package main

import (
	"crypto/x509"
	"encoding/json"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestChoose(t *testing.T) {
	all := len(attacks())
	for _, tt := range []struct {
		only, except string
		want         int // attacks; -1: an error
	}{
		{"", "", all}, {"none", "", 0}, {"reload,bodies", "", 2}, {"", "reload", all - 1}, {"relod", "", -1}, {"", "relod", -1},
	} {
		chosen, err := choose(tt.only, tt.except)
		if got := len(chosen); (err != nil) != (tt.want < 0) || err == nil && got != tt.want {
			t.Errorf("-only=%s -except=%s: %d attacks, %v; want %d", tt.only, tt.except, got, err, tt.want)
		}
	}
}

// TestHostile: the hostile inputs are large but valid. A siege with invalid ones would prove nothing.
func TestHostile(t *testing.T) {
	var list []struct {
		Targets []string
		Labels  map[string]string
	}
	if err := json.Unmarshal([]byte(hostileList()), &list); err != nil || len(list) != 1 || len(list[0].Targets) != manyTargets || len(list[0].Labels) != manyLabels {
		t.Errorf("the list is not that of %d targets with %d labels: %v", manyTargets, manyLabels, err)
	}
	var node yaml.Node // decoding into a node does not follow the aliases, which would take gigabytes
	if err := yaml.Unmarshal([]byte(hostileAliases()), &node); err != nil {
		t.Error(err)
	}
	cert, err := hostileCertificate()
	if err != nil {
		t.Fatal(err)
	}
	const mostOfAHandshake = 256 << 10 // bytes, of crypto/tls
	if parsed, err := x509.ParseCertificate(cert.Certificate[0]); err != nil || len(parsed.DNSNames) != manyNames || len(parsed.Raw) > mostOfAHandshake {
		t.Errorf("the certificate is not one that a handshake can have: %v", err)
	}
}

func TestVerified(t *testing.T) {
	for text, want := range map[string]bool{
		`healthcheck_restart_attempts_total{backend="command",outcome="recovered",service="app"} 1`:     true,
		`healthcheck_restart_attempts_total{backend="command",outcome="recovered",service="app"} 0`:     false,
		`healthcheck_restart_attempts_total{backend="command",outcome="recovered",service="spare"} 1`:   false,
		`healthcheck_restart_attempts_total{backend="command",outcome="not_recovered",service="app"} 1`: false,
	} {
		if got := verified.MatchString("# HELP\n" + text + "\n"); got != want {
			t.Errorf("%s: verified is %t, want %t", text, got, want)
		}
	}
}
