package prober_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func TestRedirectCounts(t *testing.T) {
	s := probetest.Redirects(t, 10)
	res := probe(t, newProber(t, ""), target(t, s.URL+"/0"), patient)
	wantSuccess(t, res)
	if res.Redirects != 10 || res.HTTP.Path != "/10" || s.Accepted() != 11 {
		t.Errorf("followed %d redirects to %s by %d connections, want 10 to /10 by 11", res.Redirects, res.HTTP.Path, s.Accepted())
	}
	s = probetest.Redirects(t, 11)
	res = probe(t, newProber(t, ""), target(t, s.URL+"/0"), patient)
	wantFailure(t, res, prober.ReasonRedirectLimit, prober.PhaseProcessing, "more than 10 times")
	if res.Redirects != 11 || res.HTTP.StatusCode != http.StatusFound {
		t.Errorf("the last response has %d redirects and status %d, want 11 and 302", res.Redirects, res.HTTP.StatusCode)
	}
}

// Without following, the redirect itself is judged, with its own body.
func TestRedirectNotFollowed(t *testing.T) {
	s := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Location", "/next")
			w.WriteHeader(http.StatusFound)
			w.Write([]byte("moved over there"))
			return
		}
		w.Write([]byte("next"))
	}))
	block := "follow_redirects: false\nvalid_status_codes: [302]\nfail_if_body_not_matches_regexp: [moved over there]"
	res := probe(t, newProber(t, block), target(t, s.URL), patient)
	wantSuccess(t, res)
	if res.Redirects != 1 || s.Accepted() != 1 {
		t.Errorf("received %d redirects by %d connections, want 1 by 1", res.Redirects, s.Accepted())
	}
	wantFailure(t, probe(t, newProber(t, "no_follow_redirects: true"), target(t, s.URL), patient), prober.ReasonStatus, prober.PhaseCheck, "status 302, want 2xx")
}

func redirectTo(location func() string, code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location())
		w.WriteHeader(code)
	}
}

// What a redirect takes along, by where it leads.
func TestRedirectCredentials(t *testing.T) {
	const block = `
headers: {X-Api-Key: canary, Cookie: canary=1, Accept: text/plain}
http_headers: {X-Secret: {secrets: [canary]}}
basic_auth: {username: u, password: canary}`
	secret := func(r probetest.EchoReply) bool {
		for _, values := range r.Header {
			if strings.Contains(strings.Join(values, " "), "canary") {
				return true
			}
		}
		return r.Header.Get("Authorization") != ""
	}
	t.Run("same host", func(t *testing.T) {
		s := record(t, plain(t), func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				http.Redirect(w, r, "next", http.StatusFound)
			}
		})
		wantSuccess(t, probe(t, newProber(t, block), target(t, s.URL), patient))
		if got := s.last(t); got.RequestURI != "/next" || !secret(got) || got.Header.Get("X-Secret") != "canary" {
			t.Errorf("the second request is %+v, want /next with the credentials", got)
		}
	})
	for _, other := range []string{"127.0.0.2", "localhost"} {
		t.Run("to "+other, func(t *testing.T) {
			there := record(t, func(h http.Handler) *probetest.Server { return probetest.Serve(t, h) }, nil)
			port := portOf(t, there.URL)
			host := other
			if other == "127.0.0.2" {
				host = "127.0.0.1" // another port of the same host is another origin
			}
			here := record(t, plain(t), redirectTo(func() string { return "http://" + net.JoinHostPort(host, port) + "/x?y=1" }, http.StatusFound))
			r := target(t, "http://user:canary@"+here.Addr+"/")
			wantSuccess(t, probe(t, newProber(t, block+"\npreferred_ip_protocol: ip4"), r, patient))
			if !secret(here.last(t)) {
				t.Error("the target itself did not get the credentials")
			}
			got := there.last(t)
			if secret(got) {
				t.Errorf("another host got credentials: %v", got.Header)
			}
			if got.Host != net.JoinHostPort(host, port) || got.RequestURI != "/x?y=1" || got.Header.Get("Accept") != "text/plain" {
				t.Errorf("the other host saw %+v", got)
			}
		})
	}
	t.Run("away and back", func(t *testing.T) {
		var here *recorder
		there := record(t, plain(t), redirectTo(func() string { return here.URL + "/back" }, http.StatusFound))
		here = record(t, plain(t), func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				http.Redirect(w, r, there.URL, http.StatusFound)
			}
		})
		wantSuccess(t, probe(t, newProber(t, block), target(t, here.URL), patient))
		if got := here.last(t); got.RequestURI != "/back" || secret(got) {
			t.Errorf("the request that another host caused is %+v, want /back without credentials", got)
		}
	})
	t.Run("userinfo of the target", func(t *testing.T) {
		s := record(t, plain(t), nil)
		wantSuccess(t, probe(t, newProber(t, ""), target(t, "http://user:pw@"+s.Addr), patient))
		if got, want := s.last(t).Header.Get("Authorization"), "Basic dXNlcjpwdw=="; got != want {
			t.Errorf("Authorization is %q, want %q", got, want)
		}
	})
}

// What credentials_for does not name gets neither the credentials nor the certificate, also where a redirect leads to the
// same host by TLS.
func TestCredentialsFor(t *testing.T) {
	const secrets = "bearer_token: canary\nheaders: {X-Api-Key: canary}\npreferred_ip_protocol: ip4"
	module := func(hosts, block string) prober.Prober {
		return fromYAML(t, "modules:\n  m:\n    prober: http\n    credentials_for: "+hosts+"\n    http:\n"+indent(block, ""))
	}
	ca := probetest.NewCA(t)
	seen := make(chan int, 2)
	there := record(t, func(h http.Handler) *probetest.Server {
		return probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, probetest.Cert{})}, ClientAuth: tls.RequestClientCert}, h)
	}, func(_ http.ResponseWriter, r *http.Request) { seen <- len(r.TLS.PeerCertificates) })
	here := record(t, plain(t), redirectTo(func() string { return "https://localhost:" + portOf(t, there.URL) + "/" }, http.StatusFound))
	certFile, keyFile := probetest.CertFiles(t, ca.Issue(t, probetest.Cert{}))
	client := secrets + "\ntls_config: {ca_file: " + ca.File() + ", cert_file: " + certFile + ", key_file: " + keyFile + "}"

	t.Run("elsewhere", func(t *testing.T) {
		for _, r := range []prober.Request{
			target(t, here.URL),
			{URL: target(t, "http://localhost:"+portOf(t, here.URL)).URL, Hostname: "partner.example"},
		} {
			res := probe(t, module("[localhost]", secrets), r, patient)
			wantFailure(t, res, prober.ReasonTargetForbidden, prober.PhasePrepare, "credentials_for")
		}
		if here.Accepted() != 0 {
			t.Error("the target was contacted")
		}
	})
	t.Run("redirect to another port", func(t *testing.T) {
		wantSuccess(t, probe(t, module("['localhost:"+portOf(t, here.URL)+"']", client), target(t, "http://localhost:"+portOf(t, here.URL)), patient))
		if got := here.last(t); got.Header.Get("X-Api-Key") != "canary" || got.Header.Get("Authorization") != "Bearer canary" {
			t.Errorf("the target got %v, want the credentials", got.Header)
		}
		got := there.last(t)
		if n := <-seen; n != 0 || got.Header.Get("X-Api-Key") != "" || got.Header.Get("Authorization") != "" {
			t.Errorf("another port got %d certificates and %v, want no credentials", n, got.Header)
		}
	})
	t.Run("both named", func(t *testing.T) {
		wantSuccess(t, probe(t, module("[localhost]", client), target(t, "https://localhost:"+portOf(t, there.URL)), patient))
		if n := <-seen; n != 1 {
			t.Errorf("the target got %d certificates, want 1", n)
		}
	})
	t.Run("websocket", func(t *testing.T) {
		s := probetest.WebSocketEcho(t)
		p := fromYAML(t, "modules:\n  m:\n    prober: websocket\n    credentials_for: [chat.example]\n    websocket: {headers: {X-Key: {secrets: [canary]}}}\n")
		res := probe(t, p, target(t, strings.Replace(s.URL, "http", "ws", 1)), patient)
		wantFailure(t, res, prober.ReasonTargetForbidden, prober.PhasePrepare, "credentials_for")
		if s.Accepted() != 0 {
			t.Error("the target was contacted")
		}
	})
}

// A cookie goes back to the host that set it and to no other.
func TestRedirectCookies(t *testing.T) {
	there := record(t, plain(t), nil)
	port := portOf(t, there.URL)
	here := record(t, plain(t), func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "1", Path: "/"})
			http.Redirect(w, r, "/two", http.StatusFound)
		case "/two":
			http.Redirect(w, r, "http://localhost:"+port+"/", http.StatusFound)
		}
	})
	wantSuccess(t, probe(t, newProber(t, "preferred_ip_protocol: ip4"), target(t, here.URL), patient))
	if got := here.last(t).Header.Get("Cookie"); got != "session=1" {
		t.Errorf("the second request has the cookie %q, want session=1", got)
	}
	if got := there.last(t).Header.Get("Cookie"); got != "" {
		t.Errorf("the other host got the cookie %q, want none", got)
	}
}

// From http to https, to another name: the name of each hop is asked for by TLS and sent as Host.
func TestRedirectToHTTPS(t *testing.T) {
	ca := probetest.NewCA(t)
	start := func(h http.Handler) *probetest.Server {
		return probetest.TLSServer(t, ca.Issue(t, probetest.Cert{DNSNames: []string{"localhost"}}), h, "h2", "http/1.1")
	}
	secure := record(t, start, nil)
	port := portOf(t, secure.URL)
	s := probetest.Serve(t, redirectTo(func() string { return "https://localhost:" + port + "/" }, http.StatusMovedPermanently))
	res := probe(t, newProber(t, "preferred_ip_protocol: ip4\ntls_config: {ca_file: "+ca.File()+"}"), target(t, s.URL), patient)
	wantSuccess(t, res)
	got := secure.last(t)
	if got.ServerName != "localhost" || got.Host != "localhost:"+port || got.Proto != "HTTP/2.0" {
		t.Errorf("the https hop saw server name %q, host %q and %s", got.ServerName, got.Host, got.Proto)
	}
	if !res.HTTP.TLS || res.TLS == nil || res.Redirects != 1 {
		t.Errorf("result is %+v, want the TLS of the last hop", res.HTTP)
	}
	var names []prober.PhaseName
	for _, p := range res.Phases {
		names = append(names, p.Name)
	}
	want := []prober.PhaseName{"resolve", "connect", "processing", "resolve", "connect", "tls", "processing", "transfer"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
}

// The address family is chosen anew at each hop.
func TestRedirectFamily(t *testing.T) {
	if addrs, err := net.DefaultResolver.LookupHost(t.Context(), "localhost"); err != nil || !slices.Contains(addrs, "::1") {
		t.Skip("localhost has no IPv6 address on this machine")
	}
	there := record(t, plain(t), nil) // on 127.0.0.1 alone
	port := portOf(t, there.URL)
	here := probetest.Serve(t, redirectTo(func() string { return "http://localhost:" + port + "/" }, http.StatusFound))
	wantSuccess(t, probe(t, newProber(t, "preferred_ip_protocol: ip4"), target(t, here.URL), patient))

	res := probe(t, newProber(t, "preferred_ip_protocol: ip6\nip_protocol_fallback: true"), target(t, here.URL), patient)
	wantFailure(t, res, prober.ReasonConnectRefused, prober.PhaseConnect, "[::1]:"+port)
}

func TestRedirectMethod(t *testing.T) {
	for code, want := range map[int]string{301: "GET ", 302: "GET ", 303: "GET ", 307: "POST body", 308: "POST body"} {
		s := record(t, plain(t), func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				w.Header().Set("Location", "/next")
				w.WriteHeader(code)
			}
		})
		wantSuccess(t, probe(t, newProber(t, "method: POST\nbody: body"), target(t, s.URL), patient))
		if got := s.last(t).Method + " " + s.last(t).Body; got != want {
			t.Errorf("after %d the server saw %q, want %q", code, got, want)
		}
	}
}

// A redirect that cannot be followed is the target's mistake; one without a Location is an answer.
func TestRedirectBroken(t *testing.T) {
	for location, part := range map[string]string{
		"http://[bad/?canary": "not a URL", "ftp://u:canary@127.0.0.1/": `scheme "ftp"`,
		"http:///x": "no host", "http://h:99999/": "port 99999", "http://h:0/": "port 0", "http://a<b>/": "host name",
	} {
		s := probetest.Serve(t, redirectTo(func() string { return location }, http.StatusFound))
		res := probe(t, newProber(t, ""), target(t, s.URL), patient)
		wantFailure(t, res, prober.ReasonHeader, prober.PhaseProcessing, part)
		if strings.Contains(res.Err.Error(), "canary") {
			t.Errorf("the error repeats the location: %v", res.Err)
		}
	}
	s := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) }))
	wantFailure(t, probe(t, newProber(t, ""), target(t, s.URL), patient), prober.ReasonStatus, prober.PhaseCheck, "302")
}

// A redirect whose own body never ends does not hold the probe up.
func TestRedirectWithEndlessBody(t *testing.T) {
	s := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Location", "/next")
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(http.StatusFound)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}))
	wantSuccess(t, probe(t, newProber(t, ""), target(t, s.URL), patient))
}
