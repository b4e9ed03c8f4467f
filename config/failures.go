package config

import "strconv"

// Failures are ways to fail.
type Failures []Failure

// A Failure is a status code, or the reason of a failed probe.
type Failure string

// FailureReasons are the reasons of a failed probe that say something about the service, in the order in which a probe may meet them.
var FailureReasons = []string{
	"resolve_not_found", "resolve_failed", "connect_refused", "connect_timeout", "connect_unreachable", "proxy",
	"tls_expired", "tls_not_yet_valid", "tls_untrusted", "tls_hostname", "tls_failed", "request_timeout",
	"transfer_timeout", "connection_closed", "redirect_limit", "http_version", "status", "header", "ssl_forbidden",
	"ssl_required", "too_large", "body", "json", "ws_handshake", "ws_subprotocol", "ws_message", "ws_pong_timeout",
	"ws_closed",
}

func (f Failure) code() (code int, ok bool) {
	code, err := strconv.Atoi(string(f))
	return code, err == nil
}

// Codes returns the status codes among them.
func (all Failures) Codes() []int {
	var codes []int
	for _, f := range all {
		if code, ok := f.code(); ok {
			codes = append(codes, code)
		}
	}
	return codes
}

// Reasons returns the reasons among them.
func (all Failures) Reasons() []string {
	var reasons []string
	for _, f := range all {
		if _, ok := f.code(); !ok {
			reasons = append(reasons, string(f))
		}
	}
	return reasons
}
