package cli

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// TestJSON decodes the report of a failed https probe with only the fields that it may have.
func TestJSON(t *testing.T) {
	ca := probetest.NewCA(t)
	target := probetest.ServeTLS(t, &tls.Config{
		Certificates: []tls.Certificate{ca.Issue(t, probetest.Cert{CommonName: "golden"})}, MaxVersion: tls.VersionTLS12,
	}, http.NotFoundHandler())
	o := options(target.URL + "/<nope>?a=1&b=2")
	o.Format = "json"
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http, timeout: 5s, http: {tls_config: {ca_file: "+ca.File()+"}}}}")
	var out, errOut bytes.Buffer
	if got := probe(t.Context(), &out, &errOut, o); got != ExitFailed {
		t.Errorf("exit status %d, want %d: %s", got, ExitFailed, &errOut)
	}
	d := json.NewDecoder(bytes.NewReader(out.Bytes()))
	d.DisallowUnknownFields()
	var r jsonReport
	if err := d.Decode(&r); err != nil {
		t.Fatalf("%v in\n%s", err, &out)
	}
	if age := time.Since(r.Start); age < 0 || age > time.Minute || r.Start.Location() != time.UTC {
		t.Errorf("start is %s, want now in UTC", r.Start)
	}
	if r.Duration <= 0 || r.Duration > 5 || r.Timeout <= 4 || r.Timeout > 5 {
		t.Errorf("took %g s of %g s, want less than 5 of 5", r.Duration, r.Timeout)
	}
	var phases []string
	for _, p := range r.Phases {
		phases = append(phases, p.Name)
		if p.Start < 0 || p.Duration < 0 || p.Start+p.Duration > r.Duration {
			t.Errorf("phase %+v is not within the %g s of the probe", p, r.Duration)
		}
	}
	if diff := cmp.Diff([]string{"resolve", "connect", "tls", "processing", "transfer"}, phases); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
	if r.TLS == nil || time.Until(r.TLS.NotAfter) > 24*time.Hour || time.Until(r.TLS.NotAfter) < 23*time.Hour {
		t.Fatalf("tls is %+v, want the expiry in a day", r.TLS)
	}
	r.Start, r.Duration, r.Timeout, r.Phases, r.TLS.NotAfter = time.Time{}, 0, 0, nil, time.Time{}
	if c := r.TLS; len(c.Presented) != 1 || c.Presented[0] != c.First || c.First.Name != "CN=golden" || c.ChainNotAfter == nil || c.ChainNotAfter.After(c.First.NotAfter) {
		t.Errorf("the chain is %+v, want the leaf, which ends first", c)
	}
	r.TLS.Presented, r.TLS.First, r.TLS.ChainNotAfter = nil, jsonCertificate{}, nil
	want := jsonReport{
		Target: target.URL + "/%3Cnope%3E?a=***&b=***", Module: "http_2xx",
		Reason: "status", Phase: "check", Error: "status 404, want 2xx",
		Hint:     "GET /%3Cnope%3E answered 404, want 2xx: is /%3Cnope%3E the health path? valid_status_codes: [404] accepts it.",
		Attempts: 1, IP: "127.0.0.1",
		HTTP: &jsonHTTP{URL: target.URL + "/%3Cnope%3E?a=***&b=***", StatusCode: 404, Proto: "HTTP/1.1", BodyBytes: 19},
		TLS:  &jsonTLS{Version: "TLS 1.2", Subject: "CN=golden", Issuer: "CN=probetest root"},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if strings.Contains(out.String(), `\u0026`) {
		t.Errorf("an ampersand is escaped in\n%s", &out)
	}
}
