package prober_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"golang.org/x/net/http2"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A reason decides about restarts: that a target closed the connection has to be seen, and what it sent has to be told
// from what it never got to send.
func TestRawAnswers(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	for _, tt := range []struct {
		name, answer string
		stay         bool
		reason       prober.Reason
		phase        prober.PhaseName
	}{
		{"half a status line", "HTT", false, prober.ReasonConnectionClosed, prober.PhaseProcessing},
		{"half a header", head + "Content-Le", false, prober.ReasonConnectionClosed, prober.PhaseProcessing},
		{"half a chunk", head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhe", false, prober.ReasonConnectionClosed, prober.PhaseTransfer},
		{"odd length", head + "Content-Length: abc\r\n\r\n", true, prober.ReasonHTTPVersion, prober.PhaseProcessing},
		{"two lengths", head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", true, prober.ReasonHTTPVersion, prober.PhaseProcessing},
		{"odd transfer encoding", head + "Transfer-Encoding: gzip\r\n\r\n", true, prober.ReasonHTTPVersion, prober.PhaseProcessing},
		{"odd chunk", head + "Transfer-Encoding: chunked\r\n\r\nZZ\r\n", true, prober.ReasonHTTPVersion, prober.PhaseTransfer},
		{"words about HTTP/2", "GOAWAY\r\n\r\n", true, prober.ReasonHTTPVersion, prober.PhaseProcessing},
		{"words about HTTP/2 in a header", head + "Content-Length: stream error\r\n\r\n", true, prober.ReasonHTTPVersion, prober.PhaseProcessing},
		{"words about HTTP/2 in an interim response", "HTTP/1.1 103 Early Hints\r\nGOAWAY\r\n\r\n", true, prober.ReasonHTTPVersion, prober.PhaseProcessing},
		{"half an answer after an interim one", "HTTP/1.1 102 Processing\r\n\r\nHTT", true, prober.ReasonTransferTimeout, prober.PhaseTransfer},
		{"status 000", "HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n", true, prober.ReasonHTTPVersion, prober.PhaseCheck},
		{"interim without end", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 6) + head + "Content-Length: 0\r\n\r\n", true, prober.ReasonHTTPVersion, prober.PhaseProcessing},
		{"interim and then silence", "HTTP/1.1 102 Processing\r\n\r\n", true, prober.ReasonRequestTimeout, prober.PhaseProcessing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := probetest.Answer(t, tt.answer, tt.stay)
			res := failing(tt.reason == prober.ReasonRequestTimeout || tt.reason == prober.ReasonTransferTimeout)(t, newProber(t, ""), target(t, s.URL), tt.reason, tt.phase)
			wantFailure(t, res, tt.reason, tt.phase, "")
		})
	}
	for name, answer := range map[string]string{
		"HTTP/1.0 without a length":    "HTTP/1.0 200 OK\r\n\r\nhello",
		"interim and then answer":      strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 5) + head + "Content-Length: 0\r\n\r\n",
		"long interim and then answer": strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: "+strings.Repeat("x", 50<<10)+"\r\n\r\n", 5) + head + "Content-Length: 0\r\n\r\n",
		"trailer":                      head + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			wantSuccess(t, probe(t, newProber(t, ""), target(t, probetest.Answer(t, answer, false).URL), patient))
		})
	}
}

// A probe does not wait for what it no longer needs.
func TestSilenceAfterLimit(t *testing.T) {
	s := probetest.Answer(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", true)
	res := failing(false)(t, newProber(t, "body_size_limit: 4B"), target(t, s.URL), prober.ReasonTooLarge, prober.PhaseTransfer)
	wantFailure(t, res, prober.ReasonTooLarge, prober.PhaseTransfer, "more than 4 bytes")
}

// By HTTP/2, too, a target that resets the stream is told from one that sends too much.
func TestHTTP2Failures(t *testing.T) {
	ca := probetest.NewCA(t)
	s := probetest.TLSServer(t, ca.Issue(t, probetest.Cert{}), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/reset":
			panic(http.ErrAbortHandler)
		case "/headers":
			for i := range 25 {
				w.Header().Set("X-"+strings.Repeat("a", i+1), strings.Repeat("x", 60<<10))
			}
		case "/interim":
			for range 6 {
				w.WriteHeader(http.StatusEarlyHints)
			}
		case "/hang":
			<-r.Context().Done()
		}
	}), "h2")
	p := newProber(t, "tls_config: {ca_file: "+ca.File()+"}")
	wantFailure(t, probe(t, p, target(t, s.URL+"/reset"), patient), prober.ReasonConnectionClosed, prober.PhaseProcessing, "the target reset the stream (INTERNAL_ERROR)")
	// net/http reports too many headers as a violation of the protocol.
	wantFailure(t, probe(t, p, target(t, s.URL+"/headers"), patient), prober.ReasonHTTPVersion, prober.PhaseProcessing, "not proper HTTP")
	wantFailure(t, probe(t, p, target(t, s.URL+"/interim"), patient), prober.ReasonHTTPVersion, prober.PhaseProcessing, "more than 5 interim ones")
	wantFailure(t, hanging(t, p, target(t, s.URL+"/hang"), prober.ReasonRequestTimeout, prober.PhaseProcessing), prober.ReasonRequestTimeout, prober.PhaseProcessing, "no byte")

	old := probetest.ResetHTTP2(t, ca.Issue(t, probetest.Cert{}), http2.ErrCodeHTTP11Required)
	wantFailure(t, probe(t, p, target(t, old.URL), patient), prober.ReasonHTTPVersion, prober.PhaseProcessing, "set enable_http2: false")
}

// A target that wants no request ends the connection, whether that is found out before or after the request was written.
func TestHTTP2GoAway(t *testing.T) {
	s := probetest.GoAway(t, probetest.NewCA(t).Issue(t, probetest.Cert{}))
	p := newProber(t, "tls_config: {insecure_skip_verify: true}")
	for range 50 {
		wantFailure(t, probe(t, p, target(t, s.URL), patient), prober.ReasonConnectionClosed, prober.PhaseProcessing, "GOAWAY")
	}
}

// What cannot be sent is not the target's fault, and is found before the target would wait for it.
func TestUnsendable(t *testing.T) {
	cert := probetest.NewCA(t).Issue(t, probetest.Cert{})
	insecure := "tls_config: {insecure_skip_verify: true}\n"
	broken := "http_headers: {X-Key: {files: [" + secretFile(t, "canary\nX: y") + "]}}"
	for name, tt := range map[string]struct {
		server *probetest.Server
		block  string
	}{
		"HTTP/1.1": {probetest.Echo(t), ""},
		"HTTP/2":   {probetest.EchoTLS(t, cert, "h2"), insecure},
		"HTTP/3":   {probetest.EchoHTTP3(t, cert), insecure + "enable_http3: true\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r := target(t, tt.server.URL)
			r.Hostname = "a<b>"
			res := probe(t, newProber(t, tt.block), r, patient)
			wantFailure(t, res, prober.ReasonInternal, prober.PhaseProcessing, "sending the request: invalid Host header")
			res = probe(t, newProber(t, tt.block+broken), target(t, tt.server.URL), patient)
			wantFailure(t, res, prober.ReasonInternal, prober.PhaseProcessing, `sending the request: invalid value of header "X-Key"`)
			if strings.Contains(res.Err.Error(), "canary") {
				t.Errorf("the error shows the value: %v", res.Err)
			}
		})
	}
}

// A failure after a redirect is that of the host that it led to, and says so.
func TestFailureAway(t *testing.T) {
	dead := closedPort(t)
	s := probetest.Serve(t, redirectTo(func() string { return dead + "/login?token=canary" }, http.StatusFound))
	res := probe(t, newProber(t, ""), target(t, s.URL), patient)
	wantFailure(t, res, prober.ReasonConnectRefused, prober.PhaseConnect, "after a redirect to "+dead+"/login?token=***: connecting to")
	if !res.Away || res.Redirects != 1 {
		t.Errorf("away is %t after %d redirects, want true after 1", res.Away, res.Redirects)
	}
	res = probe(t, newProber(t, ""), target(t, dead), patient)
	if res.Away || res.Redirects != 0 {
		t.Errorf("the target's own failure is away %t after %d redirects", res.Away, res.Redirects)
	}
}

// Neither the query of the target nor the body of the request goes to another host.
func TestRedirectTellsNothing(t *testing.T) {
	there := record(t, plain(t), nil)
	for code, block := range map[int]string{302: "", 307: "method: POST\nbody: canary"} {
		here := probetest.Serve(t, redirectTo(func() string { return there.URL + "/x" }, code))
		res := probe(t, newProber(t, block), target(t, here.URL+"/?token=canary"), patient)
		if code == http.StatusTemporaryRedirect {
			wantFailure(t, res, prober.ReasonHeader, prober.PhaseProcessing, "must not get the request body")
			continue
		}
		wantSuccess(t, res)
	}
	for _, r := range there.requests() {
		if r.Body != "" || strings.Contains(strings.Join(r.Header.Values("Referer"), ""), "canary") {
			t.Errorf("the other host saw %+v", r)
		}
	}
}

// Neither a decompressor nor a regular expression outlives the deadline: left alone, each would go on for a minute.
func TestBusyDeadline(t *testing.T) {
	bomb := brotliBomb(t, 1000)
	s := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bomb" {
			_, _ = w.Write(bomb)
			return
		}
		_, _ = io.Copy(w, io.LimitReader(neverEnding('k'), 10<<20))
	}))
	for _, tt := range []struct {
		path, block string
		phase       prober.PhaseName
	}{
		{"/bomb", "compression: br\nbody_size_limit: 0", prober.PhaseTransfer},
		{"/text", "fail_if_body_matches_regexp: ['[a-q][^u-z]{200}x']", prober.PhaseCheck},
	} {
		t.Run(tt.path, func(t *testing.T) {
			res := hanging(t, newProber(t, tt.block), target(t, s.URL+tt.path), prober.ReasonTransferTimeout, tt.phase)
			wantFailure(t, res, prober.ReasonTransferTimeout, tt.phase, "")
		})
	}
}

// brotliBomb is n times 4 MiB of zeros, compressed to a few kilobytes: what is flushed once can be repeated.
func brotliBomb(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := brotli.NewWriter(&b)
	flush := func() int {
		if _, err := w.Write(make([]byte, 4<<20)); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return b.Len()
	}
	first, second := flush(), flush()
	begins, block := b.Bytes()[:first], b.Bytes()[first:second]
	return append(bytes.Clone(begins), bytes.Repeat(block, n-1)...)
}

type neverEnding byte

func (b neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

// A switch to another protocol has no body that could be waited for, and no body need be compressed.
func TestNoBody(t *testing.T) {
	upgrade := probetest.Answer(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", true)
	wantSuccess(t, probe(t, newProber(t, "enable_http2: false\nheaders: {Connection: Upgrade, Upgrade: x}\nvalid_status_codes: [101]"), target(t, upgrade.URL), patient))
	for code, method := range map[int]string{200: "HEAD", 204: "GET", 304: "GET"} {
		s := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
		res := probe(t, newProber(t, "compression: gzip\nvalid_status_codes: [200, 204, 304]\nmethod: "+method), target(t, s.URL), patient)
		wantSuccess(t, res)
	}
}

// Through a proxy for plain http it is the proxy that closes and that wants credentials.
func TestPlainProxyFailures(t *testing.T) {
	wanting := probetest.Proxy(t)
	wanting.Answer(http.StatusProxyAuthRequired)
	for name, proxy := range map[string]string{"407": wanting.URL, "closed": probetest.CloseAtOnce(t).URL} {
		res := probe(t, newProber(t, "proxy_url: "+proxy), target(t, "http://127.0.0.1:1"), patient)
		if res.Reason != prober.ReasonProxy {
			t.Errorf("%s: reason is %q (%v), want proxy", name, res.Reason, res.Err)
		}
	}
}
