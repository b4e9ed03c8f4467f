// Package hint says what to do about a failed probe. The command line, the debug output, the page and the explanations
// of restarts all get their hints from it.
package hint

import (
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// For says in one line what to do about a failed probe by the module m. It is empty for a successful probe. Its only
// text from the target is the path that was asked for.
func For(r *prober.Result, m *config.Module) string {
	if r.Success() {
		return ""
	}
	f := failed{Result: r, module: m}
	for _, known := range []func(*failed) string{clientCertificate, proxied, ofCause, closed, ofStatus, ofUpgrade, ofBody} {
		if text := known(&f); text != "" {
			return text
		}
	}
	return reasons[r.Reason]
}

// A failed probe with its module.
type failed struct {
	*prober.Result
	module *config.Module
}

// status is the status of the answer; 0 if there was none.
func (f *failed) status() int {
	switch {
	case f.HTTP != nil:
		return f.HTTP.StatusCode
	case f.WebSocket != nil:
		return f.WebSocket.StatusCode
	default:
		return 0
	}
}

// clientCertificate is about a failure that probably comes from the client certificate.
func clientCertificate(f *failed) string {
	const missing = "the target asked for a client certificate, and the module has none: tls_config.cert_file and key_file send one"
	const refused = "the target asked for a client certificate and may not accept the one of tls_config.cert_file: is it of an authority that the target trusts, and still valid?"
	if f.TLS == nil {
		return ""
	}
	switch f.Reason { //nolint:exhaustive // the others have nothing to do with it
	case prober.ReasonTLSFailed, prober.ReasonConnectionClosed:
	case prober.ReasonStatus, prober.ReasonWSHandshake:
		// Some servers accept the session and refuse the request. nginx sends its 495 and 496 as 400.
		if s := f.status(); s != 400 && s != 401 && s != 403 {
			return ""
		}
	default:
		return ""
	}
	switch {
	case f.TLS.ClientCert == prober.ClientCertMissing:
		return missing
	case f.TLS.ClientCert == prober.ClientCertSent && f.Reason == prober.ReasonTLSFailed:
		return refused
	default:
		return ""
	}
}

// ofCause is about what is known beyond the reason.
func ofCause(f *failed) string { return causes[f.Cause] }

// closed is about a connection that ended after TLS was established. So it was not http on a port for https.
func closed(f *failed) string {
	if f.Reason != prober.ReasonConnectionClosed || f.TLS == nil {
		return ""
	}
	return "the service closed the connection: look for a crash at this time in its log, and in the log of a proxy in front of it"
}

// proxied is about a proxy that may have to resolve names itself.
func proxied(f *failed) string {
	client, skipped := &f.module.HTTP.Client, f.module.HTTP.SkipResolvePhaseWithProxy
	if f.module.Prober == "websocket" {
		client, skipped = &f.module.WebSocket.Client, f.module.WebSocket.SkipResolvePhaseWithProxy
	}
	has := client.ProxyURL.URL != nil && client.ProxyURL.String() != "" || client.ProxyFromEnvironment
	switch {
	case !has || skipped:
		return ""
	case f.Reason == prober.ReasonResolveNotFound, f.Reason == prober.ReasonResolveFailed:
		return "the name was looked up on this machine: skip_resolve_phase_with_proxy: true leaves it to the proxy, which may know names that this machine does not"
	case f.Cause == prober.CauseProxyForbids:
		return "the proxy does not allow the address: skip_resolve_phase_with_proxy: true sends it the name, and some proxies allow only names; otherwise check its rules for this target and port"
	default:
		return ""
	}
}

// ofBody is about conditions on a body in another character set. They see bytes.
func ofBody(f *failed) string {
	if f.HTTP == nil || f.HTTP.Charset == "" || f.Reason != prober.ReasonBody && f.Reason != prober.ReasonJSON {
		return ""
	}
	return "the page says that it is in " + f.HTTP.Charset + ", but conditions are in UTF-8: match ASCII text only, or ask for UTF-8 with the header Accept-Charset"
}
