package hint

import (
	"fmt"
	"net/http"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// ofStatus is about a status code that is not accepted.
func ofStatus(f *failed) string {
	h := f.HTTP
	if f.Reason != prober.ReasonStatus || h == nil {
		return ""
	}
	path := h.Path
	if path == "" {
		path = "/"
	}
	said := fmt.Sprintf("%s %s answered %d, want %s: ", h.Method, path, h.StatusCode, f.module.HTTP.ValidStatusCodes)
	if h.WantsTLS {
		return said + "that port speaks TLS: probe https:// instead of http://"
	}
	if h.MaybeProxy {
		said += "the proxy may have answered itself: can it reach the target? Its log says so. If it was the target: "
	}
	ask, acceptable := statusAdvice(f, path)
	if acceptable {
		ask += fmt.Sprintf(" valid_status_codes: [%d] accepts it.", h.StatusCode)
	}
	return said + ask
}

// statusAdvice says what to do about a code, and whether to suggest accepting it, which it never does if a likelier
// cause is known.
func statusAdvice(f *failed, path string) (ask string, acceptable bool) {
	h, m := f.HTTP, &f.module.HTTP
	switch code := h.StatusCode; {
	case code == http.StatusNotFound:
		return fmt.Sprintf("is %s the health path?", path), true
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return credentials(&h.Authentication, "basic_auth, authorization and http_headers send them.")
	case code == http.StatusMethodNotAllowed, code == http.StatusNotImplemented:
		return "does the health path want another method? method of the module sets it.", false
	case code == http.StatusTooManyRequests:
		return "the target limits how often it is asked: probe less often.", true
	case code == http.StatusUpgradeRequired:
		return "it wants another protocol: if it is a WebSocket, probe ws:// or wss:// with a websocket module", false
	case code == http.StatusBadRequest && !h.TLS:
		return "does that port speak TLS? Then probe https://. Otherwise it may want another Host header (the hostname parameter).", false
	case code == http.StatusBadRequest:
		return "check which Host header it wants: the hostname parameter, or headers of the module, sends another Host header.", false
	case code == http.StatusMisdirectedRequest:
		return "it does not serve that name: check tls_config.server_name and the hostname parameter", false
	case code >= 300 && code < 400 && !m.Client.FollowRedirects:
		return "follow_redirects: true would follow it.", true
	case code >= 500:
		return "the service answers, but has a problem: look into its log", false
	default:
		return "is that the answer of a healthy service?", true
	}
}

// credentials is about a status 401 or 403, and whether to suggest accepting it.
func credentials(a *prober.Authentication, senders string) (ask string, acceptable bool) {
	scheme := string(a.Challenge)
	switch a.Challenge {
	case prober.ChallengeDigest, prober.ChallengeNTLM, prober.ChallengeNegotiate:
		return "it wants " + scheme + " authentication, which this exporter does not support: have the health path answer without it, or with Basic or Bearer", false
	case prober.ChallengeNone, prober.ChallengeBasic, prober.ChallengeBearer, prober.ChallengeOther:
	}
	switch {
	case a.Sent && scheme != "":
		return "the credentials were not accepted: check them, and that they are for " + scheme + ": " + senders, false
	case a.Sent:
		return "the credentials were not accepted: check them: " + senders, false
	case scheme != "":
		return "it wants credentials (" + scheme + "): " + senders, false
	default:
		return "does the health path need credentials? " + senders, true
	}
}

// ofUpgrade is about an answer that does not accept the upgrade.
func ofUpgrade(f *failed) string {
	w := f.WebSocket
	if f.Reason != prober.ReasonWSHandshake || w == nil {
		return ""
	}
	switch code := w.StatusCode; {
	case code == http.StatusSwitchingProtocols:
		return "something in between may have answered: check for a proxy that caches, or rewrites headers"
	case code == http.StatusUnauthorized && (w.Authentication.Challenge != "" || w.Authentication.Sent), code == http.StatusForbidden && w.Authentication.Sent:
		ask, _ := credentials(&w.Authentication, "http_config and headers of the module send them")
		return ask
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return "does it need credentials, or an Origin? http_config, headers and origin of the module send them"
	case code >= 300 && code < 400:
		return "probe the address that it redirects to"
	case code >= 500:
		return "the service answers, but has a problem: look into its log"
	case w.WantsTLS:
		return "that port speaks TLS: probe wss:// instead of ws://"
	case code == http.StatusBadRequest && f.TLS == nil:
		return path(&f.module.WebSocket) + ". If that port speaks TLS: probe wss:// instead of ws://"
	default:
		return path(&f.module.WebSocket)
	}
}

// path is about an answer from something that has no WebSocket there, or expects more in the request.
func path(m *config.WebSocket) string {
	text := "is that the path of the WebSocket? Check its query, too: socket.io wants EIO and transport. A proxy in front of it has to pass on Upgrade and Connection"
	if len(m.Subprotocols) == 0 {
		text += "; some servers refuse clients that offer no subprotocol: subprotocols of the module names one"
	}
	return text
}
