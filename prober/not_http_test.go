package prober_test

import (
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// Both probers tell what is not HTTP from an answer that was cut short, whether or not a line or the connection ends: a restart
// may help against the second alone.
func TestNotHTTP(t *testing.T) {
	const (
		improper = "it is not proper HTTP"
		h2c      = "it answered with HTTP/2"
		greeting = "the greeting of another protocol"
		settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
		limits   = "\x00\x00\x12\x04\x00\x00\x00\x00\x00" // SETTINGS, as nginx begins
		goAway   = "\x00\x00\x08\x07\x00\x00\x00\x00\x00"
	)
	probers := map[string]struct {
		prober  prober.Prober
		phase   prober.PhaseName
		replace string
	}{
		"http":      {newProber(t, ""), prober.PhaseProcessing, "http"},
		"websocket": {newWebSocket(t, ""), prober.PhaseUpgrade, "ws"},
	}
	for name, tt := range map[string]struct {
		answer string
		want   string // empty: it may go on as HTTP
	}{
		"a word":                       {"garbage", improper},
		"a byte":                       {"g", improper},
		"a word that begins as HTTP":   {"HTML", improper},
		"canary of a target":           {"canary", improper},
		"no version":                   {"HTTP/x", improper},
		"half a version":               {"HTTP/1x", improper},
		"a version that there is not":  {"HTTP/11", improper},
		"lower case":                   {"http/1.1 200 OK", improper},
		"SETTINGS":                     {settings, h2c},
		"SETTINGS with limits":         {limits + "\x00\x03\x00\x00\x00\x80", h2c},
		"GOAWAY":                       {goAway + "\x7f\xff\xff\xff\x00\x00\x00\x01", h2c},
		"SETTINGS of a stream":         {"\x00\x00\x00\x04\x00\x00\x00\x00\x01", improper},
		"half a frame":                 {"\x00\x00\x12", improper},
		"zeros":                        {strings.Repeat("\x00", 64), improper},
		"a TLS alert":                  {"\x15\x03\x01\x00\x02\x02\x0a", "it answered with TLS"},
		"SSH":                          {"SSH-2.0-OpenSSH_9.9", greeting},
		"SMTP":                         {"220 mx.example.com ESMTP", greeting},
		"POP3":                         {"+OK ready", greeting},
		"Redis":                        {"-ERR unknown command", greeting},
		"SHOUTcast":                    {"ICY 200 OK\r\n\r\n", "Shoutcast"},
		"an empty line":                {"\r\nHTTP/1.1 200 OK\r\n\r\n", "an empty line"},
		"nothing":                      {"", ""},
		"half a protocol":              {"HTT", ""},
		"a protocol":                   {"HTTP/1.", ""},
		"half a status":                {"HTTP/1.1 20", ""},
		"a status":                     {"HTTP/1.1 200 OK", ""},
		"half a header":                {"HTTP/1.1 200 OK\r\nContent-Le", ""},
		"half an answer after another": {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1", ""},
		"a word after another answer":  {"HTTP/1.1 103 Early Hints\r\n\r\ngarbage", improper},
	} {
		for kind, p := range probers {
			for _, end := range []string{"", "\n"} {
				if end != "" && (tt.want == "" || name == "an empty line") {
					continue
				}
				for _, stay := range []bool{false, true} {
					if stay && tt.want == "" {
						continue // it is waited for
					}
					t.Run(kind+"/"+name, func(t *testing.T) {
						s := probetest.Answer(t, tt.answer+end, stay)
						res := probe(t, p.prober, target(t, p.replace+strings.TrimPrefix(s.URL, "http")), patient)
						if tt.want == "" {
							wantFailure(t, res, prober.ReasonConnectionClosed, p.phase, "the target closed the connection")
							return
						}
						wantFailure(t, res, prober.ReasonHTTPVersion, p.phase, tt.want)
						if strings.Contains(res.Err.Error(), "canary") || strings.Contains(res.Err.Error(), "example.com") {
							t.Errorf("the error repeats the answer: %v", res.Err)
						}
					})
				}
			}
		}
	}
}

// What a proxy for plain HTTP answers that is not HTTP is its own.
func TestNotHTTPByProxy(t *testing.T) {
	res := probe(t, newProber(t, "proxy_url: "+probetest.Answer(t, "garbage", false).URL), target(t, "http://127.0.0.1:1"), patient)
	wantFailure(t, res, prober.ReasonProxy, prober.PhaseConnect, "it is not proper HTTP")
}
