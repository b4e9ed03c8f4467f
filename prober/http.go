package prober

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/prometheus/common/version"
	"github.com/quic-go/quic-go/http3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// maxResponseHeader bounds in bytes the status line and headers of a response. Common servers and proxies send at most
// some 32 KiB, and the heads of ten redirects are kept during a probe.
const maxResponseHeader = 64 << 10

// An httpProber probes by HTTP/1.1 or HTTP/2, or by HTTP/3 alone, with a new connection for every request.
type httpProber struct {
	cfg         config.HTTP
	method      string
	dialer      *dialer
	credentials *credentials
	hosts       config.CredentialHosts // that the credentials are for
	http2       *http.Transport        // for connections on which HTTP/2 was negotiated
	http3       *http3.Transport       // nil: HTTP/3 is not used; otherwise only HTTP/3 is
}

func newHTTP(cfg config.HTTP, rules config.TargetRules, hosts config.CredentialHosts) (*httpProber, error) {
	protocols := []string{"http/1.1"}
	if cfg.Client.EnableHTTP2 {
		protocols = []string{"h2", "http/1.1"}
	}
	d, err := newDialer(&cfg.Client, newResolver(cfg.IPProtocol, cfg.IPProtocolFallback), rules, protocols...)
	if err != nil {
		return nil, err
	}
	d.skipResolve = cfg.SkipResolvePhaseWithProxy
	cr, err := newCredentials(&cfg.Client)
	if err != nil {
		return nil, err
	}
	p := &httpProber{cfg: cfg, method: cfg.Method, dialer: d, credentials: cr, hosts: hosts, http2: newHTTP2()}
	if p.method == "" {
		p.method = http.MethodGet
	}
	if cfg.EnableHTTP3 {
		p.http3 = newHTTP3()
	}
	return p, nil
}

// Probe makes one attempt.
func (p *httpProber) Probe(ctx context.Context, r Request) Result {
	t := newTrace()
	x := &exchange{prober: p, trace: t, target: r.URL, home: true, excerpt: r.Excerpt}
	err := x.run(ctx, r)
	x.close()

	res := Result{
		Start: t.start, Duration: t.now(), Attempts: 1,
		Phases: t.phases, Events: t.all(),
		Redirects: x.redirects, Away: !x.home,
		Resolve: x.resolved, TLS: x.tls, HTTP: x.result,
	}
	if err != nil {
		f := asFailure(err)
		f.cause = cmp.Or(f.cause, t.cause)
		if x.location != "" {
			f = failf(f.reason, f.phase, "after a redirect to %s: %w", x.location, f.err).because(f.cause)
		}
		res.fail(f)
	}
	return res
}

// request makes the first request with what every host may see. The rest is added by exchange.RoundTrip.
func (p *httpProber) request(ctx context.Context, r Request) (*http.Request, error) {
	body, err := p.requestBody()
	if err != nil {
		return nil, failf(ReasonLocalResource, PhasePrepare, "%w", err)
	}
	req, err := http.NewRequestWithContext(ctx, p.method, "http://target/", bytes.NewReader(body))
	if err != nil {
		return nil, failf(ReasonInternal, PhasePrepare, "making the request: %w", err)
	}
	if len(body) == 0 {
		req.Body, req.GetBody, req.ContentLength = nil, nil, 0
	}
	// The target's URL itself: parsing its text again could change it.
	target := *r.URL
	target.User = nil // RoundTrip sends it, to the target alone
	req.URL, req.Host = &target, ""
	for name, value := range p.cfg.Headers {
		switch {
		case http.CanonicalHeaderKey(name) == "Host":
			req.Host = value
		case config.PublicHeader(name):
			req.Header.Set(name, value)
		}
	}
	if r.Hostname != "" {
		req.Host = r.Hostname
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", userAgent())
	}
	if c := p.cfg.Compression; c != "" && req.Header.Get("Accept-Encoding") == "" {
		req.Header.Set("Accept-Encoding", c)
	}
	return req, nil
}

func userAgent() string { return "healthcheck_exporter/" + version.Version }

func (p *httpProber) requestBody() ([]byte, error) {
	if p.cfg.BodyFile == "" {
		return []byte(p.cfg.Body), nil
	}
	b, err := os.ReadFile(p.cfg.BodyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the request body: %w", err)
	}
	return b, nil
}
