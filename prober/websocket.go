package prober

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"

	"golang.org/x/net/http/httpguts"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A webSocketProber probes by WebSocket (RFC 6455), with a new connection for every attempt.
type webSocketProber struct {
	cfg         config.WebSocket
	dialer      *dialer
	headers     *credentials // those of the websocket block
	credentials *credentials // those of its http_config
}

func newWebSocket(cfg config.WebSocket, rules config.TargetRules) (*webSocketProber, error) {
	d, err := newDialer(&cfg.Client, newResolver(cfg.IPProtocol, cfg.IPProtocolFallback), rules, "http/1.1")
	if err != nil {
		return nil, err
	}
	d.skipResolve = cfg.SkipResolvePhaseWithProxy
	d.tunnelAll = true // a proxy need not understand an upgrade
	cr, err := newCredentials(&cfg.Client)
	if err != nil {
		return nil, err
	}
	return &webSocketProber{cfg: cfg, dialer: d, headers: &credentials{headers: &cfg.Headers}, credentials: cr}, nil
}

// Probe makes one attempt.
func (p *webSocketProber) Probe(ctx context.Context, r Request) Result {
	c := newConversation(p)
	c.excerpt = r.Excerpt
	err := c.run(ctx, r)
	c.end()
	res := Result{
		Start: c.trace.start, Duration: c.trace.now(), Attempts: 1,
		Phases: c.trace.phases, Events: c.trace.all(),
		Resolve: c.resolved, TLS: c.tls, WebSocket: c.result,
	}
	if err != nil {
		f := asFailure(err)
		f.cause = cmp.Or(f.cause, c.trace.cause)
		res.fail(f)
	}
	return res
}

// header makes the header of the upgrade. A Host in it is the request's host.
func (p *webSocketProber) header(ctx context.Context, r Request) (http.Header, error) {
	h := http.Header{}
	if err := p.headers.add(ctx, h); err != nil {
		return nil, failf(ReasonLocalResource, PhasePrepare, "%w", err)
	}
	if p.cfg.Origin != "" {
		h.Set("Origin", p.cfg.Origin)
	}
	if r.Hostname != "" {
		h.Set("Host", r.Hostname)
	}
	if host := h.Get("Host"); host != "" {
		h.Set("Host", asciiAuthority(host))
	}
	if h.Get("User-Agent") == "" {
		h.Set("User-Agent", userAgent())
	}
	if u := r.URL.User; u != nil && h.Get("Authorization") == "" {
		password, _ := u.Password()
		(&http.Request{Header: h}).SetBasicAuth(u.Username(), password)
	}
	if err := p.credentials.add(ctx, h); err != nil {
		return nil, failf(ReasonLocalResource, PhasePrepare, "%w", err)
	}
	if err := sendableValues(h); err != nil {
		return nil, err
	}
	return h, nil
}

// sendableValues refuses values that would not be sent as they were read, such as a line break from a file. The values
// are secret.
func sendableValues(h http.Header) error {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			switch {
			case !httpguts.ValidHeaderFieldValue(value):
				return failf(ReasonLocalResource, PhasePrepare, "the value of the header %s has a control character, such as a line break", name)
			case name == "Host" && !ValidHost(value):
				return failf(ReasonLocalResource, PhasePrepare, "the value of the header Host is not a host name, with or without a port")
			}
		}
	}
	return nil
}
