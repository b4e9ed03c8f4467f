package cli

import (
	"fmt"
	"net/http"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// hints say what a tired person can do about a failure. Those of the status depend on the code; see statusHint.
var hints = map[prober.Reason]string{
	prober.ReasonTargetForbidden:  "the exporter's own rules forbid this target; see probe.allow and probe.deny",
	prober.ReasonResolveNotFound:  "is the host name spelt right, and does it have an address of the preferred family? preferred_ip_protocol and ip_protocol_fallback decide",
	prober.ReasonResolveFailed:    "the name server is at fault, not the target: try another look-up from this machine",
	prober.ReasonConnectRefused:   "nothing listens there: is the service running, and is the port right?",
	prober.ReasonConnectTimeout:   "a firewall that drops, a host that is off, or a service too busy to accept: try from the host itself",
	prober.ReasonConnectUnreach:   "this machine has no route there: check the network, or the address family (preferred_ip_protocol)",
	prober.ReasonProxy:            "the proxy is at fault: check proxy_url, its credentials, and whether it may connect to this target",
	prober.ReasonTLSExpired:       "renew the certificate, and reload the service that serves it",
	prober.ReasonTLSNotYetValid:   "compare the clocks of this machine and of the one that issued the certificate",
	prober.ReasonTLSUntrusted:     "if the authority is your own, name its certificate in tls_config.ca_file; if not, the target may leave out an intermediate certificate",
	prober.ReasonTLSHostname:      "probe by a name that the certificate has, or set tls_config.server_name or the hostname parameter",
	prober.ReasonTLSFailed:        "is it really https on that port? tls_config.min_version and max_version bound the versions offered",
	prober.ReasonRequestTimeout:   "the service accepts connections and does not answer: it hangs, or needs longer than the timeout",
	prober.ReasonTransferTimeout:  "the answer is slow or endless: raise the timeout, or probe a smaller page",
	prober.ReasonConnectionClosed: "the service closed the connection: look into its log for a crash at this time; http on a https port looks like this too",
	prober.ReasonRedirectLimit:    "the redirects seem to go in a circle: probe the last page itself, or set follow_redirects: false",
	prober.ReasonHTTPVersion:      "check the port, and valid_http_versions, enable_http2 and enable_http3 of the module",
	prober.ReasonHeader:           "look at the headers with curl -i; fail_if_header_matches and fail_if_header_not_matches of the module decide",
	prober.ReasonSSLForbidden:     "the module has fail_if_ssl; use another module for https targets",
	prober.ReasonSSLRequired:      "the module has fail_if_not_ssl: probe the https address, or use another module",
	prober.ReasonTooLarge:         "raise body_size_limit or message_size_limit, or ask for less",
	prober.ReasonBody:             "look at the body with curl; the body conditions and compression of the module decide",
	prober.ReasonJSON:             "look at the body with curl; the JSON condition of the module decides",
	prober.ReasonWSSubprotocol:    "subprotocols of the module names those to offer; the service's documentation has those that it speaks",
	prober.ReasonWSMessage:        "compare the conversation above with query_response of the module; skip_until_match leaves other messages aside",
	prober.ReasonWSPongTimeout:    "the service keeps the connection and does not answer a ping: it hangs, or its WebSocket library has no pings (ping: false)",
	prober.ReasonWSClosed:         "look into the service's log for why it closed; codes from 3000 on are its own",
	prober.ReasonLocalResource:    "the exporter itself lacks something; the target may be healthy",
	prober.ReasonInternal:         "this is a mistake of the exporter: please report it",
}

// hint is what to do about a failed probe; empty for a successful one.
func hint(r prober.Result, m config.Module) string {
	if text := clientCertHint(r); text != "" {
		return text
	}
	switch {
	case r.Reason == prober.ReasonStatus && r.HTTP != nil:
		return statusHint(r.HTTP, m)
	case r.Reason == prober.ReasonWSHandshake && r.WebSocket != nil:
		return upgradeHint(r.WebSocket.StatusCode, r.TLS != nil)
	}
	return hints[r.Reason]
}

// clientCertHint is what to do about a failure that may well come from the client certificate. It is empty for any other.
func clientCertHint(r prober.Result) string {
	var status int
	switch {
	case r.HTTP != nil:
		status = r.HTTP.StatusCode
	case r.WebSocket != nil:
		status = r.WebSocket.StatusCode
	}
	switch r.Reason { //nolint:exhaustive // the others have nothing to do with it
	case prober.ReasonTLSFailed, prober.ReasonConnectionClosed:
	case prober.ReasonStatus, prober.ReasonWSHandshake:
		// Some servers accept the session and refuse the request; what nginx calls 495 and 496 it sends as 400.
		if status != http.StatusBadRequest && status != http.StatusUnauthorized && status != http.StatusForbidden {
			return ""
		}
	default:
		return ""
	}
	switch {
	case r.TLS == nil:
		return ""
	case r.TLS.ClientCert == prober.ClientCertMissing:
		return "the target asked for a client certificate, and the module has none: tls_config.cert_file and key_file send one"
	case r.TLS.ClientCert == prober.ClientCertSent && r.Reason == prober.ReasonTLSFailed:
		return "the target asked for a client certificate and may not accept the one of tls_config.cert_file: is it of an authority that the target trusts, and still valid?"
	default:
		return ""
	}
}

func statusHint(h *prober.HTTPResult, m config.Module) string {
	path := h.Path
	if path == "" {
		path = "/"
	}
	said := fmt.Sprintf("%s %s answered %d, want %s", h.Method, path, h.StatusCode, m.HTTP.ValidStatusCodes)
	if h.MaybeProxy {
		return said + ": the proxy may have answered itself: can it reach the target? Its log says so."
	}
	if h.WantsTLS {
		return said + ": that port speaks TLS: probe https:// instead of http://"
	}
	var ask string
	switch code := h.StatusCode; {
	case code == http.StatusNotFound:
		ask = fmt.Sprintf("is %s the health path?", path)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		ask = "does the health path need credentials? basic_auth, authorization and http_headers send them."
	case code == http.StatusMethodNotAllowed:
		ask = "does the health path want another method?"
	case code == http.StatusTooManyRequests:
		ask = "the target limits how often it is asked: probe less often."
	case code >= 300 && code < 400 && !m.HTTP.Client.FollowRedirects:
		ask = "follow_redirects: true would follow it."
	case code >= 500:
		ask = "the service answers and is in trouble: look into its log"
	default:
		ask = "is that the answer of a healthy service?"
	}
	if code := h.StatusCode; code < 500 {
		ask += fmt.Sprintf(" valid_status_codes: [%d] accepts it.", code)
	}
	return said + ": " + ask
}

// upgradeHint is what to do about an answer to the upgrade that is none.
func upgradeHint(code int, overTLS bool) string {
	switch {
	case code == http.StatusSwitchingProtocols:
		return "something in between may have answered: a proxy that caches, or rewrites headers"
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return "does it need credentials, or an Origin? http_config, headers and origin of the module send them"
	case code >= 300 && code < 400:
		return "probe the address that it redirects to"
	case code >= 500:
		return "the service answers and is in trouble: look into its log"
	case code == http.StatusBadRequest && !overTLS:
		return "does that port speak TLS? Then probe wss:// instead of ws://. If not: is that the path of the WebSocket?"
	default:
		return "is that the path of the WebSocket? A proxy in front of it has to pass on Upgrade and Connection"
	}
}
