package probetest_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/quic-go/quic-go/http3"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// A server of HTTP/3 answers, counts its connections, and ends with its test even while a request hangs.
func TestHTTP3(t *testing.T) {
	ca := probetest.NewCA(t)
	cert := ca.Issue(t, probetest.Cert{})
	check := probetest.NoLeaks(t)
	t.Run("test", func(t *testing.T) {
		client := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}}
		t.Cleanup(func() { _ = client.Close() })
		get := func(url string) (*http.Response, error) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			return client.RoundTrip(req)
		}
		echo := probetest.EchoHTTP3(t, cert)
		resp, err := get(echo.URL + "/x?y=1")
		if err != nil {
			t.Fatal(err)
		}
		var reply probetest.EchoReply
		if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if reply.Proto != "HTTP/3.0" || reply.RequestURI != "/x?y=1" || reply.Host != echo.Addr || echo.Accepted() != 1 {
			t.Errorf("the server saw %+v by %d connections", reply, echo.Accepted())
		}
		hanging := probetest.HTTP3(t, cert, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}))
		if resp, err = get(hanging.URL); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	})
	check()
}
