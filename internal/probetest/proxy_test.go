package probetest

import (
	"bufio"
	"crypto/tls"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// newProxyClient returns a client that goes through the proxy.
func newProxyClient(t *testing.T, proxy string, user *url.Userinfo, cfg *tls.Config) *http.Client {
	t.Helper()
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	u.User = user
	c := newClient(t, cfg)
	tr := c.Transport.(*http.Transport)
	tr.Proxy = http.ProxyURL(u)
	tr.ProxyConnectHeader = http.Header{"X-Connect": {"yes"}}
	return c
}

func TestProxy(t *testing.T) {
	p := Proxy(t)
	ca := NewCA(t)
	plain, secure, bad := Echo(t), EchoTLS(t, ca.Issue(t, Cert{})), CloseAtOnce(t)
	defer NoLeaks(t)()
	c := newProxyClient(t, p.URL, url.UserPassword("joe", "pw"), &tls.Config{RootCAs: ca.Pool()})
	defer c.CloseIdleConnections()
	for _, u := range []string{plain.URL + "/a?b", secure.URL + "/a?b"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u, strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		got := echoOf(t, c, req)
		if got.RequestURI != "/a?b" || got.Body != "body" || got.Host != req.URL.Host || got.Header.Get("Proxy-Authorization") != "" {
			t.Errorf("%s: target saw %+v, want the request without the proxy's credentials", u, got)
		}
	}
	p.Answer(http.StatusProxyAuthRequired)
	c.CloseIdleConnections()
	if status, _, err := get(t, c, plain.URL, time.Minute); status != 407 || err != nil {
		t.Errorf("refused request: %d, %v, want 407", status, err)
	}
	if _, _, err := get(t, c, secure.URL, time.Minute); err == nil || !strings.Contains(err.Error(), "Proxy Authentication Required") {
		t.Errorf("refused CONNECT: error %v, want the proxy's", err)
	}
	p.Answer(0)
	if status, _, err := get(t, c, bad.URL, time.Minute); status != 502 || err != nil {
		t.Errorf("bad target: %d, %v, want 502", status, err)
	}
	if _, _, err := get(t, c, "https://127.0.0.1:1", time.Minute); err == nil || !strings.Contains(err.Error(), "Bad Gateway") {
		t.Errorf("CONNECT to where nothing listens: error %v, want the proxy's", err)
	}

	got := p.Requests()
	const auth = "Basic am9lOnB3"
	want := []ProxyRequest{
		{Method: "POST", Target: plain.URL + "/a?b", Authorization: auth},
		{Method: "CONNECT", Target: secure.Addr, Authorization: auth},
		{Method: "GET", Target: plain.URL + "/", Authorization: auth},
		{Method: "CONNECT", Target: secure.Addr, Authorization: auth},
	}
	if diff := cmp.Diff(want, got[:4], cmpopts.IgnoreFields(ProxyRequest{}, "Header")); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if got[1].Header.Get("X-Connect") != "yes" {
		t.Errorf("headers of CONNECT are %v, want X-Connect", got[1].Header)
	}
}

func TestProxyIsNoOrigin(t *testing.T) {
	if status, _, err := get(t, newClient(t, nil), Proxy(t).URL, time.Minute); status != 400 || err != nil {
		t.Errorf("status %d, %v, want 400", status, err)
	}
}

func TestSOCKS5(t *testing.T) {
	s := SOCKS5(t)
	target := Echo(t)
	defer NoLeaks(t)()
	port := target.Addr[strings.LastIndex(target.Addr, ":"):]
	for _, tc := range []struct {
		host string
		user *url.Userinfo
		want SOCKS5Request
	}{
		{"127.0.0.1", nil, SOCKS5Request{Target: "127.0.0.1" + port}},
		{"localhost", url.UserPassword("joe", "pw"), SOCKS5Request{Target: "localhost" + port, Username: "joe", Password: "pw"}},
	} {
		c := newProxyClient(t, s.URL, tc.user, nil)
		if status, _, err := get(t, c, "http://"+tc.host+port, time.Minute); status != 200 || err != nil {
			t.Errorf("%s: %d, %v, want 200", tc.host, status, err)
		}
		c.CloseIdleConnections()
		requests := s.Requests()
		if diff := cmp.Diff(tc.want, requests[len(requests)-1]); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	}

	c := newProxyClient(t, s.URL, nil, nil)
	s.Answer(5)
	if _, _, err := get(t, c, target.URL, time.Minute); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("refused: error %v, want connection refused", err)
	}
	s.Answer(0)
	if _, _, err := get(t, c, "http://[::1]:1/", time.Minute); err == nil {
		t.Error("nothing listens on the target: no error, want one")
	}
	if n := len(s.Requests()); s.Requests()[n-1].Target != "[::1]:1" {
		t.Errorf("requests are %v, want [::1]:1 at the end", s.Requests())
	}
}

func TestSOCKS5SpeaksNothingElse(t *testing.T) {
	s := SOCKS5(t)
	for _, hello := range []string{"\x04\x01\x00", "\x05\x01\x00\x05\x02\x00\x01", "\x05\x01\x00\x05\x01\x00\x09"} {
		c := dial(t, s.Addr)
		if _, err := io.WriteString(c, hello); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, bufio.NewReader(c)); err != nil {
			t.Errorf("%q: %v, want the end of the connection", hello, err)
		}
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests, want 0", n)
	}
}
