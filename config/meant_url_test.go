package config_test

import (
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func TestMeantURL(t *testing.T) {
	const brackets = " Put an IPv6 address in brackets, and the port after them."
	for text, want := range map[string]string{
		"127.0.0.1:30020/health":         ", did you mean http://127.0.0.1:30020/…?",
		"shop.example.com":               ", did you mean http://shop.example.com?",
		"localhost:8080/":                ", did you mean http://localhost:8080/?",
		"shop.example?key=CANARY":        ", did you mean http://shop.example/…?",
		"CANARY":                         "",
		"eyJCANARY.e30.c2ln":             "",
		"//shop/CANARY":                  ", did you mean http://shop/…?",
		"https:/shop":                    ", did you mean https://shop?",
		"https:/127.0.0.1":               ", did you mean https://127.0.0.1?",
		"https:shop:8443/CANARY":         ", did you mean https://shop:8443/…?",
		"HTTPS//shop":                    ", did you mean https://shop?",
		"http;//shop":                    ", did you mean http://shop?",
		"http:///shop/CANARY":            ", did you mean http://shop/…?",
		"ws:/shop/socket":                ", did you mean ws://shop/…?",
		"::1":                            ", did you mean http://[::1]?" + brackets,
		"::1:8080/CANARY":                ", did you mean http://[::1:8080]/…?" + brackets,
		"2001:db8::7/":                   ", did you mean http://[2001:db8::7]/?" + brackets,
		"http://::1/":                    ", did you mean http://[::1]/?" + brackets,
		"wss://2001:db8::7":              ", did you mean wss://[2001:db8::7]?" + brackets,
		"fe80::1%eth0":                   ", did you mean http://[fe80::1%25eth0]?" + brackets,
		"[::1]:8080":                     ", did you mean http://[::1]:8080?",
		"https.example.com":              ", did you mean http://https.example.com?",
		"":                               "",
		"ws://shop/":                     "",
		"mailto:CANARY":                  "",
		"user:CANARY@shop":               "",
		"https:/user:CANARY@shop":        "",
		"shop/login?as=user:CANARY@shop": "",
		"http:8080/":                     "",
		"sh op":                          "",
		"shop:99999":                     "",
		"shop:":                          "",
		"ftp://shop/CANARY":              "",
		"C:\\CANARY":                     "",
		"/health":                        "",
		"a\x1b[2Jb":                      "",
	} {
		got := config.MeantURL(text)
		if got != want {
			t.Errorf("MeantURL(%q) = %q, want %q", text, got, want)
		}
		if strings.Contains(got, "CANARY") {
			t.Errorf("MeantURL(%q) = %q quotes what may be secret", text, got)
		}
	}
}
