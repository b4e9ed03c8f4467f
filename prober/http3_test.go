package prober_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// overHTTP3 are the lines of a module that speaks HTTP/3 with who has a certificate of ca.
func overHTTP3(ca *probetest.CA) string {
	return "enable_http3: true\npreferred_ip_protocol: ip4\ntls_config: {ca_file: " + ca.File() + "}\n"
}

func startHTTP3(t testing.TB, ca *probetest.CA) func(http.Handler) *probetest.Server {
	cert := ca.Issue(t, probetest.Cert{})
	return func(h http.Handler) *probetest.Server { return probetest.HTTP3(t, cert, h) }
}

func phaseNames(r prober.Result) []prober.PhaseName {
	var names []prober.PhaseName
	for _, p := range r.Phases {
		names = append(names, p.Name)
	}
	return names
}

// What the target sees and what the result shows are what they are over TCP.
func TestHTTP3(t *testing.T) {
	ca := probetest.NewCA(t)
	const pause = 200 * time.Millisecond
	s := record(t, startHTTP3(t, ca), func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(pause)
		w.Header().Set("Last-Modified", "Tue, 15 Nov 1994 12:45:26 GMT")
		w.Header().Set("Content-Length", "4")
		w.Write([]byte("he"))
		w.(http.Flusher).Flush()
		<-time.After(pause)
		w.Write([]byte("re"))
	})
	r := target(t, "https://user:pw@localhost:"+portOf(t, s.URL)+"/a//b%2Fc?x=1+2&y=%20")
	res := probe(t, newProber(t, overHTTP3(ca)+"valid_http_versions: [HTTP/3]\nmethod: POST\nbody: hello\nfail_if_body_not_matches_regexp: ['^here$']"), r, patient)
	wantSuccess(t, res)

	got := s.last(t)
	want := probetest.EchoReply{
		Method: "POST", RequestURI: "/a//b%2Fc?x=1+2&y=%20", Proto: "HTTP/3.0", Host: "localhost:" + portOf(t, s.URL),
		ContentLength: 5, Body: "hello", ServerName: "localhost",
		Header: http.Header{"User-Agent": got.Header["User-Agent"], "Authorization": {"Basic dXNlcjpwdw=="}, "Content-Length": {"5"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(got.Header.Get("User-Agent"), "healthcheck_exporter/") {
		t.Errorf("User-Agent is %q", got.Header.Get("User-Agent"))
	}
	if h := res.HTTP; h.Proto != "HTTP/3.0" || !h.TLS || h.StatusCode != http.StatusOK || h.ContentLength != 4 || h.BodyBytes != 4 || h.LastModified.IsZero() {
		t.Errorf("result is %+v", h)
	}
	if s := res.TLS; s.Version != tls.VersionTLS13 || s.CipherSuite == 0 || s.ServerName != "localhost" || s.Certificates == nil || !s.Certificates.Verified {
		t.Errorf("TLS result is %+v", s)
	}
	if res.Resolve == nil || res.Resolve.Addr.String() != "127.0.0.1" {
		t.Errorf("resolved %+v", res.Resolve)
	}
	if diff := cmp.Diff([]prober.PhaseName{"resolve", "tls", "processing", "transfer"}, phaseNames(res)); diff != "" {
		t.Fatalf("phases (-want +got):\n%s", diff)
	}
	end := time.Duration(0)
	for _, p := range res.Phases {
		if p.Start < end {
			t.Errorf("phase %s begins at %s, before the one before it ends at %s", p.Name, p.Start, end)
		}
		end = p.Start + p.Duration
	}
	for _, p := range res.Phases[2:] {
		if p.Duration < pause/2 || p.Duration > pause+late { // half: on a busy machine its beginning is noticed late
			t.Errorf("phase %s took %s, want about %s", p.Name, p.Duration, pause)
		}
	}
}

// The bytes of the path and the query, the methods, the codings and the conditions are nothing that the transport changes.
func TestHTTP3Requests(t *testing.T) {
	ca := probetest.NewCA(t)
	cert := ca.Issue(t, probetest.Cert{DNSNames: []string{"name.test", "127.0.0.1"}})
	start := func(h http.Handler) *probetest.Server { return probetest.HTTP3(t, cert, h) }
	file := secretFile(t, "s\n")
	for _, tt := range []struct {
		name, block, hostname string
		check                 func(probetest.EchoReply) (any, any) // got, want
	}{
		{"server_name", "", "", func(r probetest.EchoReply) (any, any) { return r.ServerName, "name.test" }},
		{"hostname", "", "name.test:8443", func(r probetest.EchoReply) (any, any) {
			return []string{r.ServerName, r.Host}, []string{"name.test", "name.test:8443"}
		}},
		{"HEAD", "method: HEAD", "", func(r probetest.EchoReply) (any, any) { return r.Method, "HEAD" }},
		{"gzip wanted", "method: HEAD\ncompression: gzip", "", func(r probetest.EchoReply) (any, any) { return r.Header.Get("Accept-Encoding"), "gzip" }},
		{"no coding wanted", "", "", func(r probetest.EchoReply) (any, any) { return r.Header.Get("Accept-Encoding"), "" }},
		{"large body", "method: POST\nbody: " + strings.Repeat("x", 100_000), "", func(r probetest.EchoReply) (any, any) {
			return []any{len(r.Body), r.ContentLength}, []any{100_000, int64(100_000)}
		}},
		{"basic", "basic_auth: {username: u, password_file: " + file + "}", "", func(r probetest.EchoReply) (any, any) { return r.Header.Get("Authorization"), "Basic dTpz" }},
		{"bearer", "bearer_token: s", "", func(r probetest.EchoReply) (any, any) { return r.Header.Get("Authorization"), "Bearer s" }},
		{"header from a file", "http_headers: {X-Key: {files: [" + file + "]}}", "", func(r probetest.EchoReply) (any, any) { return r.Header.Get("X-Key"), "s" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := record(t, start, nil)
			r := target(t, s.URL)
			r.Hostname = tt.hostname
			block := strings.Replace(overHTTP3(ca), "{ca_file", "{server_name: name.test, ca_file", 1)
			if tt.hostname != "" {
				block = overHTTP3(ca)
			}
			wantSuccess(t, probe(t, newProber(t, block+tt.block), r, patient))
			got, want := tt.check(s.last(t))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHTTP3OAuth2(t *testing.T) {
	ca := probetest.NewCA(t)
	o, s := probetest.OAuth2(t), record(t, startHTTP3(t, ca), func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer token-1" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	p := newProber(t, overHTTP3(ca)+"oauth2: {client_id: '"+probetest.ClientID+"', client_secret: '"+probetest.ClientSecret+"', token_url: "+o.URL+"}")
	wantFailure(t, probe(t, p, target(t, s.URL), patient), prober.ReasonStatus, prober.PhaseCheck, "401")
	wantSuccess(t, probe(t, p, target(t, s.URL), patient))
	if got := s.last(t).Header.Get("Authorization"); got != "Bearer token-2" {
		t.Errorf("Authorization is %q, want the second token", got)
	}
}

// Every way in which a target misbehaves by QUIC has its reason, and the probe returns at its deadline.
func TestHTTP3Reasons(t *testing.T) {
	ca := probetest.NewCA(t)
	cert := ca.Issue(t, probetest.Cert{})
	type server = *probetest.Server
	handle := func(h http.HandlerFunc) func(*testing.T) server {
		return func(t *testing.T) server { return probetest.HTTP3(t, cert, h) }
	}
	raw := func(answer func(context.Context, *quic.Conn, *quic.Stream)) func(*testing.T) server {
		return func(t *testing.T) server { return probetest.RawHTTP3(t, cert, answer) }
	}
	send := func(parts ...[]byte) func(*testing.T) server {
		return raw(func(_ context.Context, _ *quic.Conn, s *quic.Stream) { _, _ = s.Write(bytes.Join(parts, nil)) })
	}
	hangUp := func(code http3.ErrCode) func(*testing.T) server {
		return raw(func(_ context.Context, c *quic.Conn, _ *quic.Stream) {
			_ = c.CloseWithError(quic.ApplicationErrorCode(code), "canary\n")
		})
	}
	reset := func(code http3.ErrCode) func(*testing.T) server {
		return raw(func(_ context.Context, _ *quic.Conn, s *quic.Stream) { s.CancelWrite(quic.StreamErrorCode(code)) })
	}
	head := func(fields string) []byte {
		return probetest.Frame(probetest.FrameHeaders, uint64(len(probetest.FieldsPrefix+fields)), []byte(probetest.FieldsPrefix+fields))
	}
	tenBytes := func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte("0123456789"))
		w.(http.Flusher).Flush()
	}
	const (
		connect, handshake   = prober.PhaseConnect, prober.PhaseTLS
		processing, transfer = prober.PhaseProcessing, prober.PhaseTransfer
	)
	for _, tt := range []struct {
		name   string
		start  func(*testing.T) server
		reason prober.Reason
		phase  prober.PhaseName
		text   string
		hangs  bool // until the deadline
	}{
		{"nothing listens", func(t *testing.T) server { return &probetest.Server{URL: "https" + closedPort(t)[4:]} }, prober.ReasonConnectRefused, connect, "by QUIC: ", false},
		{"never answers", func(t *testing.T) server { return probetest.SilentUDP(t) }, prober.ReasonConnectTimeout, connect, "no answer in time", true},
		{"answers something else", func(t *testing.T) server { return probetest.EchoUDP(t) }, prober.ReasonConnectTimeout, handshake, "QUIC handshake did not complete in time", true},
		{"other versions of QUIC", func(t *testing.T) server { return probetest.OtherQUIC(t) }, prober.ReasonHTTPVersion, handshake, "other versions of QUIC", false},
		{"another protocol", func(t *testing.T) server { return probetest.QUIC(t, cert, func(context.Context, *quic.Conn) {}, "doq") }, prober.ReasonHTTPVersion, handshake, "no ALPN h3", false},
		{"refuses", func(t *testing.T) server {
			return probetest.ServeQUIC(t, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h3"}},
				&quic.Config{GetConfigForClient: func(*quic.ClientInfo) (*quic.Config, error) { return nil, errors.New("canary") }},
				func(context.Context, *quic.Conn) {})
		}, prober.ReasonConnectRefused, connect, "the target refused the connection", false},
		{"fails in the handshake", func(t *testing.T) server {
			return probetest.ServeHTTP3(t, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				return nil, errors.New("canary")
			}}, http.NotFoundHandler())
		}, prober.ReasonTLSFailed, handshake, "QUIC handshake: remote error: tls: internal error", false},
		{"wants a client certificate", func(t *testing.T) server {
			return probetest.ServeHTTP3(t, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()}, http.NotFoundHandler())
		}, prober.ReasonTLSFailed, handshake, "certificate required", false},
		{"no request is read", func(t *testing.T) server { return probetest.QUIC(t, cert, func(context.Context, *quic.Conn) {}, "h3") }, prober.ReasonRequestTimeout, processing, "no byte", true},
		{"never answers the request", handle(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), prober.ReasonRequestTimeout, processing, "no byte", true},
		{"headers stop", send(probetest.Frame(probetest.FrameHeaders, 100, []byte(probetest.FieldsPrefix))), prober.ReasonTransferTimeout, transfer, "headers", true},
		{"interim and then silence", send(head(probetest.FieldStatus103)), prober.ReasonRequestTimeout, processing, "no byte", true},
		{"six times interim", send(bytes.Repeat(head(probetest.FieldStatus103), 6)), prober.ReasonHTTPVersion, processing, "not proper HTTP/3", false},
		{"body byte by byte", handle(func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(".")); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				<-time.After(20 * time.Millisecond)
			}
		}), prober.ReasonTransferTimeout, transfer, "not complete in time", true},
		{"stops mid-body", handle(func(w http.ResponseWriter, r *http.Request) { tenBytes(w); <-r.Context().Done() }), prober.ReasonTransferTimeout, transfer, "got 10 bytes", true},
		{"truncated body", send(head(probetest.FieldStatus200), probetest.Frame(probetest.FrameData, 1000, []byte("0123456789"))), prober.ReasonTransferTimeout, transfer, "got 10 bytes", true},
		{"body ends early", raw(func(_ context.Context, _ *quic.Conn, s *quic.Stream) {
			_, _ = s.Write(append(head(probetest.FieldStatus200+probetest.FieldLength1000), probetest.Frame(probetest.FrameData, 1000, []byte("0123456789"))...))
			_ = s.Close()
		}), prober.ReasonConnectionClosed, transfer, "10 of 1000 bytes", false},
		{"aborts mid-body", handle(func(w http.ResponseWriter, _ *http.Request) {
			tenBytes(w)
			<-time.After(500 * time.Millisecond) // a reset overtakes what was not read yet
			panic(http.ErrAbortHandler)
		}), prober.ReasonConnectionClosed, transfer, "10 of 1000 bytes", false},
		{"aborts", handle(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), prober.ReasonConnectionClosed, processing, "closed the connection", false},
		{"ends without an answer", raw(func(_ context.Context, _ *quic.Conn, s *quic.Stream) { _ = s.Close() }), prober.ReasonConnectionClosed, processing, "closed the connection", false},
		{"hangs up", hangUp(http3.ErrCodeNoError), prober.ReasonConnectionClosed, processing, "closed the connection", false},
		{"hangs up with an unknown code", hangUp(0x4242), prober.ReasonConnectionClosed, processing, "closed the connection", false},
		{"goes away", raw(func(_ context.Context, c *quic.Conn, s *quic.Stream) {
			s.CancelWrite(quic.StreamErrorCode(http3.ErrCodeRequestRejected))
			_ = c.CloseWithError(0, "")
		}), prober.ReasonConnectionClosed, processing, "closed the connection", false},
		{"blames us", hangUp(http3.ErrCodeGeneralProtocolError), prober.ReasonHTTPVersion, processing, "H3_GENERAL_PROTOCOL_ERROR", false},
		{"wants HTTP/1.1", reset(http3.ErrCodeVersionFallback), prober.ReasonHTTPVersion, processing, "enable_http3: false", false},
		{"begins with a body", send(probetest.Frame(probetest.FrameData, 2, []byte("ok"))), prober.ReasonHTTPVersion, processing, "not proper HTTP/3", false},
		{"no status", send(head(probetest.FieldJSON)), prober.ReasonHTTPVersion, processing, "not proper HTTP/3", false},
		{"broken fields", send(head("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")), prober.ReasonHTTPVersion, processing, "not proper HTTP/3", false},
		{"another frame in the body", send(head(probetest.FieldStatus200), probetest.Frame(probetest.FrameGoAway, 1, []byte{0})), prober.ReasonHTTPVersion, transfer, "not proper HTTP", false},
		{"large headers", send(probetest.Frame(probetest.FrameHeaders, 2<<20, []byte(probetest.FieldsPrefix))), prober.ReasonTooLarge, processing, "65536 bytes", false},
		{"header bomb", send(head(probetest.FieldStatus200 + strings.Repeat(probetest.FieldJSON, 20_000))), prober.ReasonTooLarge, processing, "65536 bytes", false},
		{"body for ever", handle(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, neverEnding('x')) }), prober.ReasonTooLarge, transfer, "10485760 bytes", false},
		{"not found", handle(http.NotFound), prober.ReasonStatus, prober.PhaseCheck, "status 404", false},
		{"no https", func(t *testing.T) server {
			return &probetest.Server{URL: "http" + probetest.EchoHTTP3(t, cert).URL[5:]}
		}, prober.ReasonHTTPVersion, prober.PhasePrepare, "HTTP/3 needs https", false},
		{"to no https", handle(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+r.Host+"/?token=canary", http.StatusFound)
		}), prober.ReasonHTTPVersion, prober.PhasePrepare, "/?token=***: HTTP/3 needs https", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, r := newProber(t, overHTTP3(ca)), target(t, tt.start(t).URL)
			check := probetest.NoLeaks(t)
			res := failing(tt.hangs)(t, p, r, tt.reason, tt.phase)
			wantFailure(t, res, tt.reason, tt.phase, tt.text)
			if strings.Contains(res.Err.Error(), "canary") {
				t.Errorf("the error repeats what the target said: %v", res.Err)
			}
			check()
		})
	}
}

// A server that dies without a word is found to be gone as soon as its system, or the one after it, says so.
func TestHTTP3Deaths(t *testing.T) {
	ca := probetest.NewCA(t)
	cert := ca.Issue(t, probetest.Cert{})
	// A body makes for packets that are sent again, and are large enough to be answered (RFC 9000 section 10.3).
	p := newProber(t, overHTTP3(ca)+"method: POST\nbody: "+strings.Repeat("x", 200_000))
	for name, tt := range map[string]struct {
		how    probetest.Death
		reason prober.Reason
	}{
		"unnoticed": {probetest.DieUnnoticed, prober.ReasonRequestTimeout},
		"closed":    {probetest.DieClosed, prober.ReasonConnectionClosed},
		"restarted": {probetest.DieRestarted, prober.ReasonConnectionClosed},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := patient / 5
			if tt.reason == prober.ReasonRequestTimeout {
				timeout = quick
			}
			var res prober.Result
			for range 4 { // on a busy machine what tells of the death may be lost, or the time be over before the handshake
				res = probe(t, p, target(t, probetest.DyingQUIC(t, cert, tt.how).URL), timeout)
				if res.Reason == tt.reason || res.Reason != prober.ReasonRequestTimeout && res.Reason != prober.ReasonConnectTimeout {
					break
				}
				timeout = min(4*timeout, patient/5)
			}
			wantFailure(t, res, tt.reason, prober.PhaseProcessing, "waiting for a response")
		})
	}
}

// An interim response is not the answer, and its time is not that of the first byte.
func TestHTTP3Interim(t *testing.T) {
	const pause = 200 * time.Millisecond
	ca := probetest.NewCA(t)
	s := probetest.HTTP3(t, ca.Issue(t, probetest.Cert{}), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		<-time.After(pause)
		w.Write([]byte("ok"))
	}))
	res := probe(t, newProber(t, overHTTP3(ca)), target(t, s.URL), patient)
	wantSuccess(t, res)
	p, next := res.Phases[2], res.Phases[3]
	if p.Name != prober.PhaseProcessing || p.Duration < pause/2 || next.Start < p.Start+p.Duration {
		t.Errorf("phases are %+v, want processing to last until the answer, and transfer after it", res.Phases)
	}
}

// A certificate that is not accepted over QUIC is shown as well.
func TestHTTP3BadCertificates(t *testing.T) {
	ca, other := probetest.NewCA(t), probetest.NewCA(t)
	now := time.Now()
	for _, tt := range []struct {
		name   string
		cert   tls.Certificate
		reason prober.Reason
		text   string
	}{
		{"expired", ca.Issue(t, probetest.Cert{CommonName: "old", NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(-time.Hour)}), prober.ReasonTLSExpired, `certificate of "CN=old" expired on 20`},
		{"not yet valid", ca.Issue(t, probetest.Cert{NotBefore: now.Add(time.Hour)}), prober.ReasonTLSNotYetValid, "is valid from 20"},
		{"other authority", other.Issue(t, probetest.Cert{}), prober.ReasonTLSUntrusted, "unknown authority"},
		{"other name", ca.Issue(t, probetest.Cert{DNSNames: []string{"a.test", "b.test"}}), prober.ReasonTLSHostname, `certificate is for "a.test", "b.test", want "localhost"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := probetest.HTTP3(t, tt.cert, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			r := target(t, "https://localhost:"+portOf(t, s.URL))
			res := probe(t, newProber(t, overHTTP3(ca)), r, patient)
			wantFailure(t, res, tt.reason, prober.PhaseTLS, tt.text)
			if res.TLS == nil || !isLeaf(res.TLS, tt.cert) || res.TLS.Certificates.Verified || res.TLS.ServerName != "localhost" {
				t.Errorf("the result shows %+v, want the certificate that was refused", res.TLS)
			}
			insecure := strings.Replace(overHTTP3(ca), "{ca_file", "{insecure_skip_verify: true, ca_file", 1)
			res = probe(t, newProber(t, insecure), r, patient)
			wantSuccess(t, res)
			if !isLeaf(res.TLS, tt.cert) || res.TLS.Certificates.Verified {
				t.Errorf("without verification the result shows %+v", res.TLS)
			}
		})
	}
}

func TestHTTP3ClientCertificate(t *testing.T) {
	ca := probetest.NewCA(t)
	s := probetest.ServeHTTP3(t, &tls.Config{
		Certificates: []tls.Certificate{ca.Issue(t, probetest.Cert{})},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool(),
	}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	certFile, keyFile := probetest.CertFiles(t, ca.Issue(t, probetest.Cert{}))
	block := strings.Replace(overHTTP3(ca), "{ca_file", "{cert_file: "+certFile+", key_file: "+keyFile+", ca_file", 1)
	p := newProber(t, block)
	wantSuccess(t, probe(t, p, target(t, s.URL), patient))
	if err := os.Remove(keyFile); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, probe(t, p, target(t, s.URL), patient), prober.ReasonLocalResource, prober.PhaseTLS, "client key")
}

// Redirects connect anew, each by QUIC, and carry no credentials to another host.
func TestHTTP3Redirects(t *testing.T) {
	const block = `
headers: {X-Api-Key: canary, Cookie: canary=1, Accept: text/plain}
http_headers: {X-Secret: {secrets: [canary]}}
basic_auth: {username: u, password: canary}`
	ca := probetest.NewCA(t)
	start := startHTTP3(t, ca)
	there := record(t, start, nil)
	here := record(t, start, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "1", Path: "/"})
			w.Header().Set("Location", "/endless")
			w.WriteHeader(http.StatusFound)
		case "/endless": // whose own body is not waited for
			w.Header().Set("Location", "https://localhost:"+portOf(t, there.URL)+"/x?y=1")
			w.WriteHeader(http.StatusFound)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	})
	p := newProber(t, overHTTP3(ca)+block)
	check := probetest.NoLeaks(t)
	res := probe(t, p, target(t, here.URL+"/?token=canary"), patient)
	wantSuccess(t, res)
	check()
	if res.Redirects != 2 || here.Accepted() != 2 || there.Accepted() != 1 || !res.Away {
		t.Errorf("followed %d redirects by %d and %d connections", res.Redirects, here.Accepted(), there.Accepted())
	}
	first, second := here.requests()[0], here.last(t)
	for _, r := range []probetest.EchoReply{first, second} {
		if r.Header.Get("X-Api-Key") != "canary" || r.Header.Get("X-Secret") != "canary" || r.Header.Get("Authorization") == "" {
			t.Errorf("the target itself saw %v", r.Header)
		}
	}
	if got := second.Header.Get("Cookie"); !strings.Contains(got, "session=1") {
		t.Errorf("the second request has the cookie %q", got)
	}
	if got := there.last(t); strings.Contains(fmt.Sprint(got), "canary") || got.Header.Get("Authorization") != "" || got.Header.Get("Cookie") != "" ||
		got.Header.Get("Accept") != "text/plain" || got.RequestURI != "/x?y=1" || got.ServerName != "localhost" {
		t.Errorf("the other host saw %+v", got)
	}
	for code, want := range map[int]string{303: "GET ", 307: "POST body"} {
		s := record(t, start, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				w.Header().Set("Location", "/next")
				w.WriteHeader(code)
			}
		})
		wantSuccess(t, probe(t, newProber(t, overHTTP3(ca)+"method: POST\nbody: body"), target(t, s.URL), patient))
		if got := s.last(t).Method + " " + s.last(t).Body; got != want {
			t.Errorf("after %d the server saw %q, want %q", code, got, want)
		}
	}
}

// A forbidden target gets no packet, nor does one that a redirect leads to.
func TestHTTP3Rules(t *testing.T) {
	ca := probetest.NewCA(t)
	start := startHTTP3(t, ca)
	there := record(t, start, nil)
	port := portOf(t, there.URL)
	here := start(redirectTo(func() string { return "https://localhost:" + port + "/" }, http.StatusFound))
	forbidden := "deny: [{cidr: 127.0.0.1, ports: [" + port + "]}]"
	for _, url := range []string{there.URL, "https://localhost:" + port, here.URL} {
		res := probe(t, withRules(t, forbidden, overHTTP3(ca)), target(t, url), patient)
		wantFailure(t, res, prober.ReasonTargetForbidden, prober.PhaseConnect, "127.0.0.1:"+port+" is denied by probe.deny")
	}
	if there.Accepted() != 0 {
		t.Error("the forbidden target was contacted")
	}
	res := probe(t, newProber(t, "enable_http3: true"), target(t, "https://169.254.169.254/"), patient)
	wantFailure(t, res, prober.ReasonTargetForbidden, prober.PhaseConnect, "169.254.169.254")
}

// Probes by HTTP/3 that hang at once end at their deadline and leave nothing behind.
func TestHangingHTTP3Probes(t *testing.T) {
	n := 500
	if raceEnabled || testing.Short() {
		n = 100 // handshakes take ten times as long
	}
	ca := probetest.NewCA(t)
	cert := ca.Issue(t, probetest.Cert{})
	for _, tt := range []struct {
		name   string
		start  func() *probetest.Server
		reason prober.Reason
	}{
		{"silent", func() *probetest.Server { return probetest.SilentUDP(t) }, prober.ReasonConnectTimeout},
		{"mid-body", func() *probetest.Server {
			return probetest.HTTP3(t, cert, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}))
		}, prober.ReasonTransferTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, r := newProber(t, overHTTP3(ca)), target(t, tt.start().URL)
			// The queue of the server for new connections is short: on a busy machine it turns some away.
			crowd{n: n, gap: time.Millisecond, lost: n / 5}.hang(t, p, r, tt.reason)
		})
	}
}

// A probe that is over leaves no memory behind, and a huge body takes none.
func TestManyHTTP3Probes(t *testing.T) {
	ca := probetest.NewCA(t)
	server := probetest.HTTP3(t, ca.Issue(t, probetest.Cert{}), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/huge" {
			_, _ = io.Copy(w, neverEnding('x'))
		}
	}))
	p := newProber(t, overHTTP3(ca))
	run := func(n int) {
		var late atomic.Int64
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range n / 4 {
					res := probe(t, p, target(t, server.URL), patient)
					switch {
					case res.Duration >= patient:
						late.Add(1)
					case !res.Success():
						t.Errorf("probe failed: %v", res.Err)
					}
				}
			})
		}
		wg.Wait()
		// A busy machine loses datagrams, and may lose those that are sent again.
		if late.Load() > int64(n/100) {
			t.Errorf("%d of %d probes were not answered in time", late.Load(), n)
		}
	}
	run(40)
	heap := probetest.HeapInUse(t)
	check := probetest.NoLeaks(t)
	n := 400
	if raceEnabled {
		n = 100
	}
	run(n)
	check()
	wantFlat(t, heap, 2<<20)

	before := totalAlloc()
	res := probe(t, p, target(t, server.URL+"/huge"), patient)
	wantFailure(t, res, prober.ReasonTooLarge, prober.PhaseTransfer, "body_size_limit")
	if used := totalAlloc() - before; used > 80<<20 {
		t.Errorf("the probe and its server allocated %d MB", used>>20)
	}
}
