package config_test

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func TestParseIPv4(t *testing.T) {
	for host, want := range map[string]string{
		"2852039166": "169.254.169.254", "0xa9fea9fe": "169.254.169.254", "0251.0376.0251.0376": "169.254.169.254",
		"169.254.43518": "169.254.169.254", "169.16689662.": "169.254.169.254", "127.1": "127.0.0.1", "0": "0.0.0.0", "0x": "0.0.0.0",
		"": "", "4294967296": "", "1.2.3.256": "", "1.2.3.4.5": "", "256.1": "", "1.2.3": "1.2.0.3", "08": "", "1e3": "",
		"1_0": "", "+1": "", "abc": "", "1..2": "", "a9fea9fe": "", "0x1g": "", "-1": "", "1.": "0.0.0.1", "1..": "",
	} {
		got, ok := config.ParseIPv4(host)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("ParseIPv4(%q) = %s, %t, want %q", host, got, ok, want)
		}
	}
}

func TestASCIIHost(t *testing.T) {
	for host, want := range map[string]string{
		"Example.COM.": "example.com", "BÜCHER.example": "xn--bcher-kva.example", "bu\u0308cher。example": "xn--bcher-kva.example",
		"XN--BCHER-KVA.example": "xn--bcher-kva.example", "faß.example": "xn--fa-hia.example", "a_b.bücher.example": "a_b.xn--bcher-kva.example",
		"r3---sn.example": "r3---sn.example", "１２７．１": "127.1", "\u200d.example": "\u200d.example", "FE80::1": "fe80::1", "": "",
	} {
		if got := config.ASCIIHost(host); got != want {
			t.Errorf("ASCIIHost(%q) = %q, want %q", host, got, want)
		}
	}
}

func TestParseHostPattern(t *testing.T) {
	for text, want := range map[string]string{ // a part of the error; empty: no error
		"example.com": "", "*.example.com": "", "*": "", "*.bücher.example": "", "api.example.com:8443": "", "192.0.2.1": "", "192.0.2.1:443": "",
		"2852039166": "", "::1": "", "[::1]": "", "[2001:db8::1]:8443": "", "10.1.*": "", "a_b.example": "", "::ffff:10.0.0.1": "",
		"": "or a host name in which", "https://example.com": "or a host name in which", "example.com/path": "or a host name in which", "user@example.com": "or a host name in which",
		"[a-z].example": "or a host name in which", "h?": "or a host name in which", "büch*.example": "want * for the whole label", "010.0.0.1": "octal",
		"256.1.1.1": "ends in a number", "h:0": "want a port", "h:": "want a port", "h:65536": "want a port", "h:80:80": "want a port",
		"[::1": "or a host name in which", "[::1]8443": "or a host name in which", "[::1]:": "want a port", "[h]": "or a host name in which", "fe80::1%eth0": "or a host name in which",
		"\u200d.example": "cannot be written in ASCII", "example .com": "or a host name in which",
	} {
		p, err := config.ParseHostPattern(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("ParseHostPattern(%q) = %v, want an error with %q", text, err, want)
			continue
		}
		if out, err := yaml.Marshal(map[string]config.HostPattern{"h": p}); want == "" && (err != nil || !strings.Contains(string(out), text)) {
			t.Errorf("%q is shown as %s, %v", text, out, err)
		}
	}
}
