package prober_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// upgrades records the requests of a server that upgrades them.
func upgrades(t *testing.T, start func(http.Handler) *probetest.Server) *recorder {
	t.Helper()
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	return record(t, start, func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		_, _, _ = c.ReadMessage()
	})
}

// The handshake carries all that the module says, and nothing of it goes anywhere else.
func TestWebSocketHandshake(t *testing.T) {
	for _, tt := range []struct{ name, block, header, want string }{
		{"nothing", "", "User-Agent", "healthcheck_exporter/"},
		{"upgrade", "", "Upgrade", "websocket"},
		{"version", "", "Sec-Websocket-Version", "13"},
		{"header", "headers: {X-Key: {values: [v]}}", "X-Key", "v"},
		{"secret header", "headers: {X-Key: {secrets: [v]}}", "X-Key", "v"},
		{"header from a file", "headers: {X-Key: {files: [FILE]}}", "X-Key", "s"},
		{"user agent", "headers: {User-Agent: {values: [v]}}", "User-Agent", "v"},
		{"cookie", "headers: {cookie: {secrets: [a=b]}}", "Cookie", "a=b"},
		{"origin", "origin: https://www.example.com", "Origin", "https://www.example.com"},
		{"subprotocol as a header", "headers: {Sec-WebSocket-Protocol: {secrets: [token]}}", "Sec-Websocket-Protocol", "token"},
		{"compression", "permessage_deflate: true", "Sec-Websocket-Extensions", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
		{"basic", "http_config: {basic_auth: {username: u, password_file: FILE}}", "Authorization", "Basic dTpz"},
		{"bearer", "http_config: {bearer_token: s}", "Authorization", "Bearer s"},
		{"authorization", "http_config: {authorization: {type: Token, credentials_file: FILE}}", "Authorization", "Token s"},
		{"client header", "http_config: {http_headers: {X-Key: {files: [FILE]}}}", "X-Key", "s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := upgrades(t, plain(t))
			file := secretFile(t, "s\n")
			p := newWebSocket(t, strings.ReplaceAll(tt.block, "FILE", file))
			r := target(t, "ws"+strings.TrimPrefix(s.URL, "http")+"/a%2Fb?x=1&y=a+b%20c")
			wantSuccess(t, probe(t, p, r, patient))
			got := s.last(t)
			if v := got.Header.Get(tt.header); !strings.HasPrefix(v, tt.want) || len(tt.want) < 10 && v != tt.want {
				t.Errorf("%s is %q, want %q", tt.header, v, tt.want)
			}
			if got.RequestURI != "/a%2Fb?x=1&y=a+b%20c" || got.Host != s.Addr {
				t.Errorf("asked for %q of %q", got.RequestURI, got.Host)
			}
			if !strings.Contains(tt.block, "FILE") {
				return
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			wantFailure(t, probe(t, p, r, patient), prober.ReasonLocalResource, prober.PhasePrepare, "reading credentials")
			if n := len(s.requests()); n != 1 {
				t.Errorf("the server saw %d requests, want the first alone", n)
			}
		})
	}
}

// A value that no header can have is never sent, nor repeated: it comes of a file that is not what it should be.
func TestWebSocketHeaderFiles(t *testing.T) {
	s := upgrades(t, plain(t))
	r := target(t, "ws"+strings.TrimPrefix(s.URL, "http"))
	for name, tt := range map[string]struct{ content, block, text string }{
		"line break":    {"canary\r\nX-Evil: 1", "headers: {X-Key: {files: [FILE]}}", "X-Key"},
		"NUL":           {"can\x00ary", "headers: {X-Key: {files: [FILE]}}", "X-Key"},
		"client header": {"can\nary", "http_config: {http_headers: {X-Key: {files: [FILE]}}}", "X-Key"},
		"credentials":   {"can\nary", "http_config: {authorization: {credentials_file: FILE}}", "Authorization"},
		"host":          {"ca nary", "headers: {Host: {files: [FILE]}}", "Host"},
		"host and path": {"canary/x", "headers: {host: {files: [FILE]}}", "Host"},
		"empty host":    {"\n", "headers: {Host: {files: [FILE]}}", "Host"},
		"secret host":   {"", "headers: {Host: {secrets: ['ca nary']}}", "Host"},
	} {
		t.Run(name, func(t *testing.T) {
			res := probe(t, newWebSocket(t, strings.ReplaceAll(tt.block, "FILE", secretFile(t, tt.content))), r, patient)
			wantFailure(t, res, prober.ReasonLocalResource, prober.PhasePrepare, tt.text)
			if text := fmt.Sprint(res.Err, res.Events); strings.Contains(text, "ary") {
				t.Errorf("the value is in %s", text)
			}
		})
	}
	if n := len(s.requests()); n != 0 {
		t.Errorf("the server saw %d requests, want none", n)
	}
}

// By TLS, the certificate's authority and the name are those of the module, and the URL's userinfo is sent along.
func TestWebSocketOverTLS(t *testing.T) {
	ca := probetest.NewCA(t)
	s := upgrades(t, func(h http.Handler) *probetest.Server {
		return probetest.TLSServer(t, ca.Issue(t, probetest.Cert{DNSNames: []string{"localhost", "named.example"}}), h, "http/1.1")
	})
	trust := "preferred_ip_protocol: ip4\nhttp_config: {tls_config: {ca_file: " + ca.File()
	for name, tt := range map[string]struct {
		block, hostname, host, server string
	}{
		"url":          {trust + "}}", "", "localhost:" + portOf(t, s.URL), "localhost"},
		"hostname":     {trust + "}}", "named.example", "named.example", "named.example"},
		"Host header":  {trust + "}}\nheaders: {Host: {values: ['named.example:1']}}", "", "named.example:1", "named.example"},
		"server_name":  {trust + ", server_name: named.example}}", "", "localhost:" + portOf(t, s.URL), "named.example"},
		"HTTP/2 is on": {trust + "}, enable_http2: true}", "", "localhost:" + portOf(t, s.URL), "localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			r := target(t, "wss://u:p@localhost:"+portOf(t, s.URL)+"/ws")
			r.Hostname = tt.hostname
			res := probe(t, newWebSocket(t, tt.block), r, patient)
			wantSuccess(t, res)
			got := s.last(t)
			if got.Host != tt.host || got.ServerName != tt.server || got.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("u:p")) {
				t.Errorf("host %q, server name %q, authorization %q; want %q, %q and that of the URL",
					got.Host, got.ServerName, got.Header.Get("Authorization"), tt.host, tt.server)
			}
			if res.TLS == nil || res.TLS.Version == 0 || res.TLS.Certificates == nil {
				t.Errorf("TLS result is %+v", res.TLS)
			}
		})
	}
}

// A proxy makes a tunnel, also for ws. What it is asked for is judged before.
func TestWebSocketByProxy(t *testing.T) {
	s := upgrades(t, plain(t))
	url := "ws" + strings.TrimPrefix(s.URL, "http")
	t.Run("http", func(t *testing.T) {
		proxy := probetest.Proxy(t)
		p := newWebSocket(t, "http_config: {proxy_url: 'http://user:canary@"+proxy.Addr+"', proxy_connect_header: {X-Tunnel: [v]}}")
		res := probe(t, p, target(t, url), patient)
		wantSuccess(t, res)
		got := proxy.Requests()
		if len(got) != 1 || got[0].Method != http.MethodConnect || got[0].Target != s.Addr || got[0].Authorization == "" || got[0].Header.Get("X-Tunnel") != "v" {
			t.Errorf("the proxy saw %+v", got)
		}
	})
	t.Run("no_proxy", func(t *testing.T) {
		proxy := probetest.Proxy(t)
		p := newWebSocket(t, "http_config: {proxy_url: '"+proxy.URL+"', no_proxy: 127.0.0.1}")
		wantSuccess(t, probe(t, p, target(t, url), patient))
		if got := proxy.Requests(); len(got) != 0 {
			t.Errorf("the proxy saw %+v", got)
		}
	})
	t.Run("the proxy resolves", func(t *testing.T) {
		proxy := probetest.Proxy(t)
		p := newWebSocket(t, "skip_resolve_phase_with_proxy: true\nhttp_config: {proxy_url: '"+proxy.URL+"'}")
		wantSuccess(t, probe(t, p, target(t, "ws://localhost:"+portOf(t, s.URL)), patient))
		if got := proxy.Requests(); len(got) != 1 || got[0].Target != "localhost:"+portOf(t, s.URL) {
			t.Errorf("the proxy saw %+v", got)
		}
	})
	t.Run("socks5", func(t *testing.T) {
		proxy := probetest.SOCKS5(t)
		p := newWebSocket(t, "http_config: {proxy_url: '"+strings.Replace(proxy.URL, "http", "socks5", 1)+"'}")
		wantSuccess(t, probe(t, p, target(t, url), patient))
		if got := proxy.Requests(); len(got) != 1 {
			t.Errorf("the proxy saw %+v", got)
		}
	})
	t.Run("refused", func(t *testing.T) {
		proxy := probetest.Proxy(t)
		proxy.Answer(http.StatusForbidden)
		p := newWebSocket(t, "http_config: {proxy_url: '"+proxy.URL+"'}")
		wantFailure(t, probe(t, p, target(t, url), patient), prober.ReasonProxy, prober.PhaseConnect, "403")
	})
	t.Run("forbidden", func(t *testing.T) {
		proxy := probetest.Proxy(t)
		p := fromYAML(t, "probe: {deny: [{cidr: 127.0.0.1}]}\nmodules: {m: {prober: websocket, websocket: {http_config: {proxy_url: '"+proxy.URL+"'}}}}")
		wantFailure(t, probe(t, p, target(t, url), patient), prober.ReasonTargetForbidden, prober.PhaseConnect, "denied by probe.deny")
		if got := proxy.Requests(); len(got) != 0 {
			t.Errorf("the proxy saw %+v", got)
		}
	})
}

// The answer of a proxy to CONNECT has no body to wait for (RFC 9110 section 9.3.6).
func TestWebSocketByProxyWithBody(t *testing.T) {
	s := upgrades(t, plain(t))
	r := target(t, "ws"+strings.TrimPrefix(s.URL, "http"))
	for name, head := range map[string]string{
		"length":      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
		"chunked":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.0":    "HTTP/1.0 200 OK\r\n\r\n",
		"another 2xx": "HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			proxy := probetest.ProxyTunnel(t, head)
			wantSuccess(t, probe(t, newWebSocket(t, "ping: true\nhttp_config: {proxy_url: '"+proxy.URL+"'}"), r, patient))
		})
	}
	for name, head := range map[string]string{
		"refused, length":  "HTTP/1.1 407 No\r\nContent-Length: 1000\r\n\r\n",
		"refused, chunked": "HTTP/1.1 407 No\r\nTransfer-Encoding: chunked\r\n\r\n",
		"refused, no end":  "HTTP/1.1 407 No\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			proxy := probetest.Answer(t, head, true)
			res := probe(t, newWebSocket(t, "http_config: {proxy_url: '"+proxy.URL+"'}"), r, patient)
			wantFailure(t, res, prober.ReasonProxy, prober.PhaseConnect, "answered 407 to CONNECT, want 2xx")
			if res.Duration > patient/2 {
				t.Errorf("the probe took %s: it waited for a body", res.Duration)
			}
		})
	}
}

// A token that is sent as a subprotocol, as browsers have to, becomes no label and stands in no error.
func TestWebSocketTokenAsSubprotocol(t *testing.T) {
	for name, tt := range map[string]struct {
		block, selected, reported string
		reason                    prober.Reason
	}{
		"the token is selected":       {"headers: {Sec-WebSocket-Protocol: {secrets: [canary]}}", "canary", "", prober.ReasonNone},
		"a public name of the header": {"headers: {Sec-WebSocket-Protocol: {secrets: ['v1, canary']}}", "v1", "", prober.ReasonNone},
		"the token with a change":     {"headers: {Sec-WebSocket-Protocol: {secrets: [canary]}}", "canary-2", "", prober.ReasonWSSubprotocol},
		"another than offered":        {"subprotocols: [v1]", "canary", "", prober.ReasonWSSubprotocol},
		"as offered":                  {"subprotocols: [v1]", "v1", "v1", prober.ReasonNone},
	} {
		t.Run(name, func(t *testing.T) {
			s := probetest.WebSocketSubprotocol(t, tt.selected)
			res := probe(t, newWebSocket(t, tt.block), target(t, s.URL), patient)
			if res.Reason != tt.reason || res.WebSocket == nil || res.WebSocket.Subprotocol != tt.reported {
				t.Errorf("reason %q, result %+v, want %q and the subprotocol %q", res.Reason, res.WebSocket, tt.reason, tt.reported)
			}
			if text := fmt.Sprint(res.Err, res.Events, res.WebSocket); strings.Contains(text, "canary") {
				t.Errorf("the token is in %s", text)
			}
		})
	}
}

// What a target says stands in an error in short, and cannot steer a terminal.
func TestWebSocketQuotes(t *testing.T) {
	long := strings.Repeat("a", 20<<10)
	for name, server := range map[string]*probetest.Server{
		"location":  probetest.UpgradeAnswers(t, http.StatusFound, http.Header{"Location": {"/\u202e" + long}}),
		"extension": probetest.WebSocketExtension(t, "\u202e"+long),
	} {
		t.Run(name, func(t *testing.T) {
			res := probe(t, newWebSocket(t, ""), target(t, server.URL), patient)
			if res.Err == nil || len(res.Err.Error()) > 300 || strings.Contains(res.Err.Error(), "\u202e") {
				t.Errorf("error is %.400q, want a short one without control characters", res.Err)
			}
		})
	}
}

// Interim responses are passed over, and the wait for an answer goes on.
func TestWebSocketInterim(t *testing.T) {
	const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	for name, tt := range map[string]struct {
		before string
		silent bool
		reason prober.Reason
		text   string
	}{
		"one":                {before: hints},
		"as many as go":      {before: strings.Repeat("HTTP/1.1 100 Continue\n\n", 5)},
		"with a long line":   {before: "HTTP/1.1 103 Early Hints\r\nLink: " + strings.Repeat("a", 10<<10) + "\r\n\r\n"},
		"with long lines":    {before: strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: "+strings.Repeat("x", 50<<10)+"\r\n\r\n", 5)},
		"malformed":          {before: "HTTP/1.1 103 Early Hints\r\nGOAWAY\r\n\r\n", reason: prober.ReasonHTTPVersion, text: "a header line has no colon"},
		"too many":           {before: strings.Repeat(hints, 6), reason: prober.ReasonHTTPVersion, text: "more than 5 interim ones"},
		"too long":           {before: strings.Replace(hints, "/a", strings.Repeat("a", 80<<10), 1), reason: prober.ReasonTooLarge, text: "65536 bytes"},
		"nothing after":      {before: hints, silent: true, reason: prober.ReasonRequestTimeout, text: "no byte in time"},
		"ends in the middle": {before: hints[:30], silent: true, reason: prober.ReasonTransferTimeout, text: "not complete in time"},
		"short and no HTTP":  {before: "hi\r\n", silent: true, reason: prober.ReasonHTTPVersion, text: "not proper HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			s, p := probetest.WebSocketInterim(t, tt.before), newWebSocket(t, "query_response: [{expect: hello}]")
			if tt.silent {
				s = probetest.Answer(t, tt.before, true)
			}
			r := target(t, "ws://"+s.Addr)
			if tt.reason == prober.ReasonNone {
				wantSuccess(t, probe(t, p, r, patient))
				return
			}
			res := failing(strings.Contains(tt.text, "in time"))(t, p, r, tt.reason, prober.PhaseUpgrade)
			wantFailure(t, res, tt.reason, prober.PhaseUpgrade, tt.text)
		})
	}
}

// Of permessage-deflate only what was offered may be negotiated, and the error says what was not (RFC 7692 section 7.1).
func TestWebSocketDeflateParameters(t *testing.T) {
	const both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	for name, tt := range map[string]struct{ extension, text string }{
		"as offered":        {both, ""},
		"server's window":   {both + "; server_max_window_bits=10", ""},
		"quoted":            {both + `; server_max_window_bits="10"`, ""},
		"wrong window":      {both + "; server_max_window_bits=7", "a wrong value of server_max_window_bits"},
		"no window":         {both + "; server_max_window_bits", "a wrong value of server_max_window_bits"},
		"value of none":     {"permessage-deflate; server_no_context_takeover=1; client_no_context_takeover", "a wrong value of server_no"},
		"client's window":   {both + "; client_max_window_bits=8", `"client_max_window_bits", which was not offered`},
		"unknown":           {both + "; evil=1", `"evil", which was not offered`},
		"parameter twice":   {both + "; client_no_context_takeover", `"client_no_context_takeover" twice`},
		"extension twice":   {both + ", " + both, "permessage-deflate twice"},
		"none":              {"permessage-deflate", "without server_no_context_takeover"},
		"server's alone":    {"permessage-deflate; server_no_context_takeover", ""},
		"and its window":    {"permessage-deflate; server_max_window_bits=9 ; server_no_context_takeover", ""},
		"client's alone":    {"permessage-deflate; client_no_context_takeover", "without server_no_context_takeover"},
		"and an unknown":    {"permessage-deflate; server_no_context_takeover; evil", `"evil", which was not offered`},
		"another, and none": {"x-evil, permessage-deflate", `"x-evil", which was not offered`},
	} {
		t.Run(name, func(t *testing.T) {
			s := probetest.WebSocketExtension(t, tt.extension)
			res := probe(t, newWebSocket(t, "permessage_deflate: true"), target(t, s.URL), patient)
			if tt.text == "" {
				wantSuccess(t, res)
				return
			}
			wantFailure(t, res, prober.ReasonWSHandshake, prober.PhaseUpgrade, tt.text)
		})
	}
	t.Run("not offered at all", func(t *testing.T) {
		s := probetest.WebSocketExtension(t, "permessage-deflate")
		res := probe(t, newWebSocket(t, ""), target(t, s.URL), patient)
		wantFailure(t, res, prober.ReasonWSHandshake, prober.PhaseUpgrade, `the extension "permessage-deflate", which was not offered`)
	})
}

// A token is fetched once, and anew after the target has refused it.
func TestWebSocketOAuth2(t *testing.T) {
	tokens := probetest.OAuth2(t)
	var seen []string
	refuse := true
	s := record(t, plain(t), func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		if refuse {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil); err == nil {
			_, _, _ = c.ReadMessage()
			_ = c.Close()
		}
	})
	p := newWebSocket(t, "http_config: {oauth2: {client_id: '"+probetest.ClientID+"', client_secret: '"+probetest.ClientSecret+"', token_url: '"+tokens.URL+"'}}")
	r := target(t, "ws"+strings.TrimPrefix(s.URL, "http"))
	wantFailure(t, probe(t, p, r, patient), prober.ReasonWSHandshake, prober.PhaseUpgrade, "status 401")
	refuse = false
	wantSuccess(t, probe(t, p, r, patient))
	wantSuccess(t, probe(t, p, r, patient))
	if n := tokens.Requests(); n != 2 || len(seen) != 3 || slices.Contains(seen, "") {
		t.Errorf("fetched %d tokens for %d handshakes with %q, want 2 for 3", n, len(seen), seen)
	}
}

// The rules hold for the address that is dialled, by name, too.
func TestWebSocketRules(t *testing.T) {
	s := upgrades(t, plain(t))
	p := fromYAML(t, "probe: {deny: [{cidr: 127.0.0.0/8}]}\nmodules: {m: {prober: websocket, websocket: {preferred_ip_protocol: ip4}}}")
	for _, host := range []string{"127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"} {
		res := probe(t, p, target(t, "ws://"+host+":"+portOf(t, s.URL)), patient)
		wantFailure(t, res, prober.ReasonTargetForbidden, prober.PhaseConnect, "denied by probe.deny")
	}
	if s.Accepted() != 0 {
		t.Errorf("the target was contacted %d times", s.Accepted())
	}
}
