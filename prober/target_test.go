package prober

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	for _, tt := range []struct{ target, want, err string }{
		{"http://h/x?a=b+c%2B%25%20", "http://h/x?a=b+c%2B%25%20", ""},
		{"h:8080/x", "http://h:8080/x", ""},
		{"h", "http://h", ""},
		{"http%3A%2F%2Fh%3A80%2Fx%3Fa%3D1%2B2", "http://h:80/x?a=1+2", ""},
		{"https%3a%2f%2fh/", "https://h/", ""},
		{"h/login?next=http%3A%2F%2Fother", "http://h/login?next=http%3A%2F%2Fother", ""},
		{"h:80/login?next=http://other/x", "http://h:80/login?next=http://other/x", ""},
		{"http%3A%2F%2Fh/%zz", "", "percent-encoded"},
		{"http://h/x?a=b c", "http://h/x?a=b%20c", ""},
		{"http://h/#top", "http://h/", ""},
		{"http://[::1]:9/", "http://[::1]:9/", ""},
		{"HTTP://h/", "http://h/", ""},
		{"http://user:canary@h/", "http://user:canary@h/", ""},
		{"", "", "empty"},
		{"ftp://h/", "", `scheme "ftp"`},
		{"http://", "", "no host"},
		{"://h", "", "no host"},
		{"http://:80/", "", "no host"},
		{"http://h:0/", "", "port 0"},
		{"http://h:99999/", "", "port 99999"},
		{"http://h:/", "", "empty port"},
		{"http://h:canary/", "", "port is not a number"},
		{"::1", "", "did you mean http://[::1]? Put an IPv6 address in brackets"},
		{"::1/canary", "", "did you mean http://[::1]/…?"},
		{"http://2001:db8::1/", "", "did you mean http://[2001:db8::1]/?"},
		{"https:/127.0.0.1", "", "did you mean https://127.0.0.1?"},
		{"https:h/canary", "", "did you mean https://h/…?"},
		{"http://h/%zzcanary", "", "percent-encoding"},
		{"http://h canary/", "", "host name"},
		{"http://h/\ncanary", "", "control character"},
	} {
		u, err := ParseTarget(tt.target, "http")
		switch {
		case tt.err == "" && err != nil:
			t.Errorf("ParseTarget(%q): %v", tt.target, err)
		case tt.err == "" && u.String() != tt.want:
			t.Errorf("ParseTarget(%q) = %q, want %q", tt.target, u, tt.want)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "canary")):
			t.Errorf("ParseTarget(%q): error %v, want one with %q and without the target", tt.target, err, tt.err)
		}
	}
}

func TestParseWebSocketTarget(t *testing.T) {
	for target, want := range map[string]string{
		"ws://h/x?a=b":         "ws://h/x?a=b",
		"WSS://h:8443":         "wss://h:8443",
		"h:8080/ws":            "ws://h:8080/ws",
		"https://h/ws":         "wss://h/ws",
		"http%3A%2F%2Fh%2Fws":  "ws://h/ws",
		"wss://u:p@[::1]:1/#x": "wss://u:p@[::1]:1/",
	} {
		if u, err := ParseTarget(target, "websocket"); err != nil || u.String() != want {
			t.Errorf("ParseTarget(%q) = %v, %v, want %q", target, u, err, want)
		}
	}
	if _, err := ParseTarget("ftp://h", "websocket"); err == nil || !strings.Contains(err.Error(), "want ws or wss") {
		t.Errorf("error %v, want one with the schemes", err)
	}
	if _, err := ParseTarget("ws://h", "http"); err == nil || !strings.Contains(err.Error(), "want http or https") {
		t.Errorf("error %v, want one with the schemes", err)
	}
}

func TestMaskURL(t *testing.T) {
	for raw, want := range map[string]string{
		"http://u:p@h/x?token=s&k=v&bare&=e&a=b=c#f": "http://h/x?token=***&k=***&***&=***&a=***",
		"http:u:p@h/?x=y": "http:***?x=***",
		"mailto:u@h":      "mailto:***",
		"http://h":        "http://h",
		"http://h/a%2Fb?": "http://h/a%2Fb?",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := MaskURL(u); got != want {
			t.Errorf("MaskURL(%q) = %q, want %q", raw, got, want)
		}
		if u.String() != raw {
			t.Errorf("MaskURL changed its argument to %q", u)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"http://h/x?a=b+c", "h:80", "http%3A%2F%2Fh", "https://u:p@[::1%25eth0]:443/?q#f", "//", "http://h:99999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, name := range []string{"http", "websocket"} {
			checkParsed(t, s, name)
		}
	})
}

func checkParsed(t *testing.T, s, name string) {
	u, err := ParseTarget(s, name)
	if err != nil {
		return
	}
	if !slices.Contains(schemes(name), u.Scheme) || u.Hostname() == "" {
		t.Fatalf("ParseTarget(%q) = %q", s, u)
	}
	if strings.ContainsAny(u.RequestURI(), " \r\n\t") {
		t.Fatalf("ParseTarget(%q) has the request line %q", s, u.RequestURI())
	}
	if again, err := ParseTarget(u.String(), name); err != nil || again.String() != u.String() {
		t.Fatalf("ParseTarget(%q) = %q, which parses to %v, %v", s, u, again, err)
	}
	masked := MaskURL(u)
	if strings.Contains(masked, "@") && !strings.Contains(u.Path+u.Host, "@") && !strings.Contains(u.RawQuery, "@") {
		t.Fatalf("MaskURL(%q) = %q", u, masked)
	}
}
