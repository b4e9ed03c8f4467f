package prober_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A recorder is a server that remembers its requests.
type recorder struct {
	*probetest.Server
	mu   sync.Mutex
	seen []probetest.EchoReply
}

// record starts a recorder that answers as answer says; nil: 200.
func record(t testing.TB, start func(http.Handler) *probetest.Server, answer http.HandlerFunc) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = start(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		reply := probetest.EchoReply{
			Method: req.Method, RequestURI: req.RequestURI, Proto: req.Proto, Host: req.Host,
			Header: req.Header.Clone(), ContentLength: req.ContentLength, Body: string(body),
		}
		if req.TLS != nil {
			reply.ServerName = req.TLS.ServerName
		}
		r.mu.Lock()
		r.seen = append(r.seen, reply)
		r.mu.Unlock()
		if answer != nil {
			answer(w, req)
		}
	}))
	return r
}

func plain(t testing.TB) func(http.Handler) *probetest.Server {
	return func(h http.Handler) *probetest.Server { return probetest.Serve(t, h) }
}

// requests are those seen so far.
func (r *recorder) requests() []probetest.EchoReply {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]probetest.EchoReply(nil), r.seen...)
}

// last is the last request; the test fails without one.
func (r *recorder) last(t testing.TB) probetest.EchoReply {
	t.Helper()
	all := r.requests()
	if len(all) == 0 {
		t.Fatal("the server saw no request")
	}
	return all[len(all)-1]
}

// The path and query of a target reach the server byte for byte.
func TestTargetBytes(t *testing.T) {
	s := record(t, plain(t), nil)
	p := newProber(t, "")
	for _, uri := range []string{
		"/", "/?", "/?a=b+c", "/?a=b%2Bc", "/?a=100%25", "/?a=b%20c", "/?a=%2520", "/a%2Fb/c", "/a;b,c?x=1;2&y=%C3%BC&z",
		"/?next=http://other/?q=1+2", "/caf%C3%A9?q=%E2%82%AC", "/a//b/../c?d=%00",
	} {
		wantSuccess(t, probe(t, p, target(t, s.URL+uri), patient))
		if got := s.last(t).RequestURI; got != uri {
			t.Errorf("server saw %q, want %q", got, uri)
		}
	}
}

func TestRequest(t *testing.T) {
	dir := t.TempDir()
	bodyFile := filepath.Join(dir, "body")
	if err := os.WriteFile(bodyFile, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, block string
		hostname    string
		check       func(got probetest.EchoReply) (any, any) // got, want
	}{
		{"method", "method: HEAD", "", func(r probetest.EchoReply) (any, any) { return r.Method, "HEAD" }},
		{"default user agent", "", "", func(r probetest.EchoReply) (any, any) {
			return strings.HasPrefix(r.Header.Get("User-Agent"), "healthcheck_exporter/"), true
		}},
		{"own user agent", "headers: {user-agent: mine}", "", func(r probetest.EchoReply) (any, any) { return r.Header.Get("User-Agent"), "mine" }},
		{"headers", "headers: {X-Key: v, accept: text/plain}", "", func(r probetest.EchoReply) (any, any) {
			return []string{r.Header.Get("X-Key"), r.Header.Get("Accept")}, []string{"v", "text/plain"}
		}},
		{"one request for a connection", "", "", func(r probetest.EchoReply) (any, any) { return r.Header.Get("Connection"), "close" }},
		{"a copied request", "headers: {Connection: keep-alive, Keep-Alive: timeout=5, TE: trailers, Proxy-Connection: keep-alive}", "", func(r probetest.EchoReply) (any, any) {
			return r.Header.Values("Connection"), []string{"close"}
		}},
		{"upgrade", "enable_http2: false\nheaders: {Connection: Upgrade, Upgrade: h2c}", "", func(r probetest.EchoReply) (any, any) {
			return r.Header.Values("Connection"), []string{"Upgrade"}
		}},
		{"host header", "headers: {Host: example.test}", "", func(r probetest.EchoReply) (any, any) { return r.Host, "example.test" }},
		{"hostname", "", "example.test", func(r probetest.EchoReply) (any, any) { return r.Host, "example.test" }},
		{"no accept-encoding", "", "", func(r probetest.EchoReply) (any, any) { return r.Header.Get("Accept-Encoding"), "" }},
		{"accept-encoding", "compression: identity", "", func(r probetest.EchoReply) (any, any) { return r.Header.Get("Accept-Encoding"), "identity" }},
		{"body", "method: POST\nbody: hello", "", func(r probetest.EchoReply) (any, any) {
			return []any{r.Body, r.ContentLength}, []any{"hello", int64(5)}
		}},
		{"body file", "method: POST\nbody_file: " + bodyFile, "", func(r probetest.EchoReply) (any, any) {
			return []any{r.Body, r.ContentLength}, []any{"from a file", int64(11)}
		}},
		{"http headers", "http_headers: {X-A: {values: [1, 2], secrets: [3]}}", "", func(r probetest.EchoReply) (any, any) {
			return r.Header.Values("X-A"), []string{"1", "2", "3"}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := record(t, plain(t), nil)
			r := target(t, s.URL)
			r.Hostname = tt.hostname
			wantSuccess(t, probe(t, newProber(t, tt.block), r, patient))
			got, want := tt.check(s.last(t))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// A target may answer before it has read the body of the request, and need not read it at all. It is judged by its answer.
func TestAnswerBeforeBody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, make([]byte, 32<<20), 0o600); err != nil { // more than the system keeps for the target
		t.Fatal(err)
	}
	p := newProber(t, "method: POST\nvalid_status_codes: [413]\nbody_file: "+file)
	const answer = "HTTP/1.1 413 Content Too Large\r\n"
	for _, stay := range []bool{true, false} {
		for range 3 { // what is found first, the answer or that the body is not read, differs from time to time
			s := probetest.AnswerEarly(t, answer+"Content-Length: 40000\r\n\r\n"+strings.Repeat("x", 40_000), stay)
			wantSuccess(t, probe(t, p, target(t, s.URL), patient))
			s = probetest.AnswerEarly(t, "SSH-2.0-OpenSSH_9.9\r\n", stay)
			wantFailure(t, probe(t, p, target(t, s.URL), patient), prober.ReasonHTTPVersion, prober.PhaseProcessing, "not proper HTTP")
			s = probetest.AnswerEarly(t, answer+"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", stay)
			wantFailure(t, probe(t, p, target(t, s.URL), patient), prober.ReasonHTTPVersion, prober.PhaseTransfer, "not proper HTTP")
		}
	}
}

// A body file that is gone fails the probe before anything is sent.
func TestBodyFileGone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := record(t, plain(t), nil)
	p := newProber(t, "method: POST\nbody_file: "+file)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, probe(t, p, target(t, s.URL), patient), prober.ReasonLocalResource, prober.PhasePrepare, "reading the request body")
	if s.Accepted() != 0 {
		t.Error("the target was contacted")
	}
}

// Regular expressions and CEL of one module both see the whole body.
func TestBodyChecksTogether(t *testing.T) {
	body, err := json.Marshal(map[string]any{"status": "ok", "pad": strings.Repeat("x", 100_000), "end": "last"})
	if err != nil {
		t.Fatal(err)
	}
	s := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
	res := probe(t, newProber(t, `
fail_if_body_not_matches_regexp: ['"end":"last"', '^\{.*\}$']
fail_if_body_matches_regexp: ['"status":"bad"']
fail_if_body_json_not_matches_cel: body.status == "ok" && body.end == "last"
fail_if_body_json_matches_cel: size(body.pad) != 100000`), target(t, s.URL), patient)
	wantSuccess(t, res)
	if res.HTTP.BodyBytes != int64(len(body)) {
		t.Errorf("body bytes are %d, want %d", res.HTTP.BodyBytes, len(body))
	}
}

// A JSON body need not be an object.
func TestJSONArray(t *testing.T) {
	s := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`[1,2,3]`)) }))
	wantSuccess(t, probe(t, newProber(t, "fail_if_body_json_not_matches_cel: size(body) == 3"), target(t, s.URL), patient))
}

// Headers that a browser sends by HTTP/1.1 are no reason for a probe by HTTP/2 to fail.
func TestHarmlessHeaders(t *testing.T) {
	s := probetest.EchoTLS(t, probetest.NewCA(t).Issue(t, probetest.Cert{}), "h2", "http/1.1")
	for _, headers := range []string{"Connection: keep-alive", "Connection: close", "TE: trailers", "Transfer-Encoding: chunked", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive"} {
		t.Run(headers, func(t *testing.T) {
			r := probe(t, newProber(t, "tls_config: {insecure_skip_verify: true}\nheaders: {"+headers+"}"), target(t, s.URL), patient)
			wantSuccess(t, r)
			if r.HTTP.Proto != "HTTP/2.0" {
				t.Errorf("probed by %s, want HTTP/2.0", r.HTTP.Proto)
			}
		})
	}
}
