package config_test

import (
	"cmp"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func rules(t *testing.T, text string) config.TargetRules {
	t.Helper()
	c, err := config.Parse("test.yml", []byte("modules: {m: {prober: http}}\nprobe: {"+text+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return c.TargetRules
}

func TestTargetRules(t *testing.T) {
	const (
		onlyTen   = "allow: [{cidr: 10.0.0.0/8}]"
		tenOrName = "allow: [{cidr: 10.0.0.0/8}, {host: '*.example.com', ports: [443, 8000-8999]}]"
		denyIDN   = "deny: [{host: bücher.example}, {host: '*.müller.example'}]"
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
		{"metadata, by another name through a proxy", "", "METADATA.goog", "", 80, "cloud metadata"},
		{"metadata, by name through a proxy, host rule", "allow: [{host: metadata.google.internal}]", "metadata.google.internal", "", 80, "cloud metadata"},
		{"metadata, by address through a proxy", "", "169.254.169.254", "", 80, "cloud metadata"},
		{"the name of metadata, and another address", "", "metadata", "10.1.2.3", 80, ""},
		{"metadata, allowed and denied", "allow: [{cidr: 169.254.169.254}], deny: [{cidr: 169.254.0.0/16}]", "h", "169.254.169.254", 80, "probe.deny"},
		{"host rule that resolves to metadata", "allow: [{host: status.partner.example}]", "status.partner.example", "169.254.169.254", 80, "cloud metadata"},
		{"pattern that resolves to metadata", "allow: [{host: '*.partner.example'}]", "status.partner.example", "169.254.169.254", 80, "cloud metadata"},
		{"host rule for metadata itself", "allow: [{host: 169.254.169.254}]", "169.254.169.254", "169.254.169.254", 80, "cloud metadata"},
		{"host rule for metadata itself, old spelling", "allow: [{host: '2852039166'}]", "2852039166", "169.254.169.254", 80, "cloud metadata"},
		{"ports alone", "allow: [{ports: [80]}]", "h", "169.254.169.254", 80, "cloud metadata"},

		{"IDNA in the rule", denyIDN, "xn--bcher-kva.example", "192.0.2.1", 80, "probe.deny"},
		{"IDNA in the target", denyIDN, "bücher.example", "192.0.2.1", 80, "probe.deny"},
		{"IDNA, upper case", denyIDN, "BÜCHER.example.", "192.0.2.1", 80, "probe.deny"},
		{"IDNA, upper case in ASCII", denyIDN, "XN--BCHER-KVA.Example", "192.0.2.1", 80, "probe.deny"},
		{"IDNA, decomposed", denyIDN, "bu\u0308cher.example", "192.0.2.1", 80, "probe.deny"},
		{"IDNA, other dots", denyIDN, "bücher\u3002example", "192.0.2.1", 80, "probe.deny"},
		{"IDNA in a pattern", denyIDN, "www.müller.example", "", 80, "probe.deny"},
		{"IDNA in a pattern, by ASCII", denyIDN, "www.xn--mller-kva.example", "", 80, "probe.deny"},
		{"IDNA, another name", denyIDN, "bucher.example", "192.0.2.1", 80, ""},
		{"rule in ASCII", "deny: [{host: XN--BCHER-KVA.example.}]", "bücher.example", "192.0.2.1", 80, "probe.deny"},
		{"fullwidth letters", "deny: [{host: secret.example}]", "ｓｅｃｒｅｔ.example", "192.0.2.1", 80, "probe.deny"},
		{"underscore beside IDNA", "deny: [{host: '*.bücher.example'}]", "_x.bücher.example", "", 80, "probe.deny"},
		{"no ASCII form, through a proxy", "", "\u200d.example", "", 80, "cannot be written in ASCII"},

		{"old spelling of an address rule", "deny: [{host: 0xa000001}]", "10.0.0.1", "10.0.0.1", 80, "probe.deny"},
		{"address rule, by name", "deny: [{host: 10.0.0.1}]", "h", "10.0.0.1", 80, "probe.deny"},
		{"pattern of addresses", "deny: [{host: '10.0.*'}]", "167772161", "10.0.0.1", 80, "probe.deny"},
		{"bracketed address rule", "deny: [{host: '[2001:DB8::1]'}]", "2001:db8:0::1", "2001:db8::1", 80, "probe.deny"},
		{"this host", "deny: [{cidr: 127.0.0.0/8}]", "0.0.0.0", "0.0.0.0", 80, "probe.deny"},
		{"this host, through a proxy", "deny: [{cidr: 127.0.0.0/8}]", "0", "", 80, "probe.deny"},
		{"this host by IPv6", "deny: [{cidr: '::1'}]", "::", "::", 80, "probe.deny"},
		{"this host by IPv6, and IPv4 denied", "deny: [{cidr: 127.0.0.0/8}]", "::", "::", 80, "probe.deny"},
		{"this host is not allowed by its loopback", "allow: [{cidr: 127.0.0.0/8}]", "0.0.0.0", "0.0.0.0", 80, "not among"},
		{"IPv6 loopback has no IPv4 in it", "deny: [{cidr: 0.0.0.0/8}]", "::1", "::1", 80, ""},

		{"allowed, by SIIT", onlyTen, "h", "::ffff:0:10.1.2.3", 80, ""},
		{"not allowed by what is in a 6to4 address", onlyTen, "h", "2002:a01:203::1", 80, "not among"},
		{"not allowed by what may be in a local NAT64 address", onlyTen, "h", "64:ff9b:1::a01:203", 80, "not among"},
		{"local NAT64 allowed as itself", "allow: [{cidr: '64:ff9b:1::/96'}]", "h", "64:ff9b:1::a01:203", 80, ""},
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

// The table of docs/http.md says what allows a metadata address. The test tries each row.
func TestDocumentedMetadata(t *testing.T) {
	text, err := os.ReadFile("../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| (?:`(\\{.*\\})`|\\(none\\)) \\| (`.*`) \\| (allowed|refused)").FindAllStringSubmatch(string(text), -1)
	if len(rows) < 15 {
		t.Fatalf("%d rows, want the whole table", len(rows))
	}
	for _, row := range rows {
		var allow string
		if row[1] != "" {
			allow = "allow: [" + row[1] + "]"
		}
		p := rules(t, allow)
		for _, target := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(row[2], -1) {
			u, err := url.Parse("http://" + target[1])
			if err != nil {
				t.Fatal(err)
			}
			port, _ := strconv.ParseUint(cmp.Or(u.Port(), "80"), 10, 16)
			d := config.Destination{Host: u.Hostname(), Port: uint16(port)}
			if d.Addr, err = netip.ParseAddr(u.Hostname()); err != nil { // a name, as in the examples of the page
				d.Addr = netip.MustParseAddr("169.254.169.254")
			}
			if err := p.Check(d); (err == nil) != (row[3] == "allowed") {
				t.Errorf("%s with %s: %v, want %s", target[1], allow, err, row[3])
			}
		}
	}
}

// A proxy that reads a spelling of a metadata address in its own way is not asked for it.
func TestMetadataSpellings(t *testing.T) {
	for _, host := range []string{
		"169.254.169.254", "169.254.169.254.", "169.254.169.254..", "2852039166", "2852039166.", "0xa9fea9fe", "0XA9FEA9FE", "0x00000000a9fea9fe",
		"0251.0376.0251.0376", "00000251.0376.0251.0376", "169.254.43518", "169.16689662", "0xa9.254.0251.0xfe", "0xA9.0xFe.43518", "169.0xfea9fe",
		"0169.0254.0169.0254", "169.254.169.0254", // decimal for programs that do not know octal numbers
		"425.510.425.510", "7147006462", "169.254.169.510", "4294967296169.254.169.254", // for programs that count in bytes or words
		"169\u3002254\u3002169\u3002254", "169\uff0e254\uff61169.254", "\uff11\uff16\uff19.254.169.254", "\u2460\u2465\u2468.254.169.254",
		"169.254.169.2\u00ad54", "\u216a9.254.169.254", "0\uff58a9fea9fe", "28\u2075\u00b2039166",
		"::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "0:0:0:0:0:FFFF:A9FE:A9FE", "::169.254.169.254", "::a9fe:a9fe", "::ffff:0:169.254.169.254",
		"64:ff9b::169.254.169.254", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::", "64:ff9b:1:a9:fe:a9fe::", "64:ff9b:1:0:a9:fea9:fe00:0",
		"64:ff9b:1:abcd::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001:0:a9fe:a9fe::1", "2001:0:102:304:0:0:5601:5601", "2001:db8::5efe:169.254.169.254",
		"2001:db8::200:5efe:a9fe:a9fe", "fe80::a9fe:a9fe", "FE80::1%eth0", "febf::1", "fd00:ec2::254", "FD00:0EC2:0::0254", "fd00:42::42", "fd20:ce::254",
		"168.63.129.16", "0xa83f8110", "192.0.0.192", "3221225664", "100.100.100.200", "1684301000", "169.254.1.1", "0xa9fe0101", "169.254.65535",
		"metadata", "METADATA.google.internal.", "metadata.g\u006fog", "ｍetadata", "instance-data.",
	} {
		p := config.TargetRules{}
		if err := p.Check(config.Destination{Host: host, Port: 80}); err == nil {
			t.Errorf("a proxy may be asked for %q", host)
		}
		p = rules(t, "allow: [{host: '*'}, {cidr: 0.0.0.0/0}, {cidr: '::/0'}, {ports: [1-65535]}]")
		if err := p.Check(config.Destination{Host: host, Port: 80}); err == nil {
			t.Errorf("a proxy may be asked for %q where everything is allowed", host)
		}
	}
}
