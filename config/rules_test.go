package config_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func rules(t *testing.T, text string) config.Probe {
	t.Helper()
	c, err := config.Parse("test.yml", []byte("modules: {m: {prober: http}}\nprobe: {"+text+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return c.Probe
}

func TestTargetRules(t *testing.T) {
	const (
		onlyTen   = "allow: [{cidr: 10.0.0.0/8}]"
		tenOrName = "allow: [{cidr: 10.0.0.0/8}, {host: '*.example.com', ports: [443, 8000-8999]}]"
		noSSH     = "deny: [{ports: [22]}, {cidr: 10.1.0.0/16}, {host: 'secret*'}]"
	)
	for _, tt := range []struct {
		name, rules string
		host, addr  string
		port        uint16
		refused     string // part of the error; empty: allowed
	}{
		{"no rules", "", "example.com", "192.0.2.1", 80, ""},
		{"in the range", onlyTen, "h", "10.1.2.3", 80, ""},
		{"outside", onlyTen, "h", "11.1.2.3", 80, "not among probe.allow"},
		{"mapped address", onlyTen, "h", "::ffff:10.1.2.3", 80, ""},
		{"mapped address, denied", noSSH, "h", "::ffff:10.1.2.3", 80, "probe.deny"},
		{"name and port", tenOrName, "www.Example.com.", "192.0.2.1", 8080, ""},
		{"name and other port", tenOrName, "www.example.com", "192.0.2.1", 80, "not among"},
		{"other name", tenOrName, "example.com.evil", "192.0.2.1", 443, "not among"},
		{"port", noSSH, "h", "192.0.2.1", 22, "192.0.2.1:22 is denied by probe.deny"},
		{"deny wins", noSSH + ", " + onlyTen, "h", "10.1.2.3", 80, "probe.deny"},
		{"denied name", noSSH, "secret.example.com", "192.0.2.1", 80, "probe.deny"},
		{"proxy resolves", tenOrName, "www.example.com", "", 443, ""},
		{"proxy resolves, by address", onlyTen, "h", "", 443, "not among"},
		{"proxy resolves an address", onlyTen, "10.0.0.1", "", 443, ""},
		{"metadata", "", "h", "169.254.169.254", 80, "cloud metadata"},
		{"metadata, mapped", "", "h", "::ffff:169.254.169.254", 80, "cloud metadata"},
		{"metadata, by IPv6", "", "h", "fd00:ec2::254", 80, "cloud metadata"},
		{"metadata, by NAT64", "", "h", "64:ff9b::a9fe:a9fe", 80, "cloud metadata"},
		{"metadata, by NAT64 through a proxy", "", "64:ff9b::a9fe:a9fe", "", 80, "cloud metadata"},
		{"metadata, by NAT64, allowed by name", "allow: [{cidr: 169.254.169.254}]", "h", "64:ff9b::a9fe:a9fe", 80, ""},
		{"denied, by NAT64", noSSH, "h", "64:ff9b::10.1.2.3", 80, "probe.deny"},
		{"NAT64 denied", "deny: [{cidr: '64:ff9b::/96'}]", "h", "64:ff9b::192.0.2.1", 80, "probe.deny"},
		{"allowed, by NAT64", onlyTen, "h", "64:ff9b::10.1.2.3", 80, ""},
		{"outside, by NAT64", onlyTen, "h", "64:ff9b::11.1.2.3", 80, "not among"},
		{"metadata, by name through a proxy", "", "metadata.google.internal.", "", 80, "cloud metadata"},
		{"metadata, by address through a proxy", "", "169.254.169.254", "", 80, "cloud metadata"},
		{"metadata, in an allowed range", "allow: [{cidr: 0.0.0.0/0}, {host: '*'}]", "h", "169.254.169.254", 80, "cloud metadata"},
		{"metadata, allowed by name", "allow: [{cidr: 169.254.169.254}]", "h", "169.254.169.254", 80, ""},
		{"metadata, allowed by name on another port", "allow: [{cidr: 169.254.169.254, ports: [81]}]", "h", "169.254.169.254", 80, "cloud metadata"},
		{"metadata, allowed and denied", "allow: [{cidr: 169.254.169.254}], deny: [{cidr: 169.254.0.0/16}]", "h", "169.254.169.254", 80, "probe.deny"},
		{"link-local", "", "h", "169.254.1.1", 80, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := rules(t, tt.rules)
			d := config.Destination{Host: tt.host, Port: tt.port}
			if tt.addr != "" {
				d.Addr = netip.MustParseAddr(tt.addr)
			}
			err := p.Check(d)
			if (err == nil) != (tt.refused == "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
				t.Errorf("Check = %v, want refusal %q", err, tt.refused)
			}
		})
	}
}
