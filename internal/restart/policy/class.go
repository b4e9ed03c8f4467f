package policy

import (
	"net/http"
	"slices"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// Repairable reports whether a restart can repair a failure. It does not repair names, certificates, routes or a wrong health
// path. A failure that is not known to be repairable is not repaired. The switch has a case for every Reason: the linter
// "exhaustive" complains about a missing one.
func (p *Policy) Repairable(e Evidence) bool {
	if e.Away || slices.Contains(p.NeverRestartOnReasons, e.Reason) || slices.Contains(p.NeverRestartOn, e.StatusCode) {
		return false // if it is Away, the service itself has answered
	}
	if slices.Contains(p.RestartOnReasons, e.Reason) {
		return true
	}
	switch e.Reason {
	case prober.ReasonConnectRefused, prober.ReasonConnectTimeout, prober.ReasonRequestTimeout,
		prober.ReasonTransferTimeout, prober.ReasonConnectionClosed, prober.ReasonWSPongTimeout:
		return true
	case prober.ReasonWSMessage:
		return e.TimedOut
	case prober.ReasonWSClosed:
		return e.CloseCode == closedAbnormally || e.CloseCode == internalError
	case prober.ReasonStatus, prober.ReasonWSHandshake:
		return repairableStatus(e) || slices.Contains(p.RestartOn, e.StatusCode)
	case prober.ReasonNone,
		prober.ReasonTargetForbidden, prober.ReasonResolveNotFound, prober.ReasonResolveFailed,
		prober.ReasonConnectUnreach, prober.ReasonProxy,
		prober.ReasonTLSExpired, prober.ReasonTLSNotYetValid, prober.ReasonTLSUntrusted, prober.ReasonTLSHostname, prober.ReasonTLSFailed,
		prober.ReasonRedirectLimit, prober.ReasonHTTPVersion, prober.ReasonHeader,
		prober.ReasonSSLForbidden, prober.ReasonSSLRequired,
		prober.ReasonTooLarge, prober.ReasonBody, prober.ReasonJSON,
		prober.ReasonWSSubprotocol,
		prober.ReasonLocalResource, prober.ReasonInternal:
		return false
	}
	return false
}

// outage reports whether enough of the service fails to restart all of it. A check whose failure a restart does not repair, such
// as one with a wrong path, does not count. One percent means any check, however many there are.
func (p *Policy) outage(e Evidence) bool {
	failing, checks := e.extent()
	return p.OutagePercent <= 1 || (failing-e.Beyond)*100 >= checks*p.OutagePercent
}

// extent is how many checks failed, of how many.
func (e *Evidence) extent() (failing, checks int) {
	if e.Checks == 0 && !e.Healthy {
		return 1, 1
	}
	return e.Failing, e.Checks
}

// The close codes of a WebSocket server that has crashed or is broken (RFC 6455 section 7.4.1).
const (
	closedAbnormally = 1006
	internalError    = 1011
)

// repairableStatus knows the codes of a service that is up and broken. One that asks to wait is overloaded: a restart
// would make it worse.
func repairableStatus(e Evidence) bool {
	switch e.StatusCode {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	case http.StatusServiceUnavailable:
		return !e.RetryAfter
	default:
		return false
	}
}
