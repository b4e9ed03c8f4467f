package prober

// Reason says why a probe failed, from one closed list. The empty Reason means that it did not fail.
type Reason string

// The closed list of reasons. [Reasons] describes each.
const (
	ReasonNone             Reason = ""
	ReasonResolveNotFound  Reason = "resolve_not_found"
	ReasonResolveFailed    Reason = "resolve_failed"
	ReasonConnectRefused   Reason = "connect_refused"
	ReasonConnectTimeout   Reason = "connect_timeout"
	ReasonConnectUnreach   Reason = "connect_unreachable"
	ReasonTLSExpired       Reason = "tls_expired"
	ReasonTLSNotYetValid   Reason = "tls_not_yet_valid"
	ReasonTLSUntrusted     Reason = "tls_untrusted"
	ReasonTLSHostname      Reason = "tls_hostname"
	ReasonTLSFailed        Reason = "tls_failed"
	ReasonRequestTimeout   Reason = "request_timeout"
	ReasonTransferTimeout  Reason = "transfer_timeout"
	ReasonConnectionClosed Reason = "connection_closed"
	ReasonRedirectLimit    Reason = "redirect_limit"
	ReasonStatus           Reason = "status"
	ReasonHeader           Reason = "header"
	ReasonBody             Reason = "body"
	ReasonJSON             Reason = "json"
	ReasonTooLarge         Reason = "too_large"
	ReasonHTTPVersion      Reason = "http_version"
	ReasonSSLRequired      Reason = "ssl_required"
	ReasonSSLForbidden     Reason = "ssl_forbidden"
	ReasonWSHandshake      Reason = "ws_handshake"
	ReasonWSSubprotocol    Reason = "ws_subprotocol"
	ReasonWSMessage        Reason = "ws_message"
	ReasonWSPongTimeout    Reason = "ws_pong_timeout"
	ReasonWSClosed         Reason = "ws_closed"
	ReasonProxy            Reason = "proxy"
	ReasonTargetForbidden  Reason = "target_forbidden"
	ReasonLocalResource    Reason = "local_resource"
	ReasonInternal         Reason = "internal"
)

// A ReasonInfo describes one Reason for people.
type ReasonInfo struct {
	Reason Reason
	// Description is one sentence that completes "The probe failed: ".
	Description string
}

// Reasons lists every Reason but ReasonNone, in the order in which a probe can meet them.
func Reasons() []ReasonInfo {
	return []ReasonInfo{
		{ReasonTargetForbidden, "the rules of this exporter forbid probing this address."},
		{ReasonResolveNotFound, "the host name has no address of the wanted family."},
		{ReasonResolveFailed, "the name server did not answer, or answered with an error."},
		{ReasonConnectRefused, "nothing listens on that address and port."},
		{ReasonConnectTimeout, "the connection, or its TLS handshake, was not established in time."},
		{ReasonConnectUnreach, "there is no route to the address."},
		{ReasonProxy, "the proxy could not be reached or refused to connect to the target."},
		{ReasonTLSExpired, "the certificate has expired."},
		{ReasonTLSNotYetValid, "the certificate is not valid yet; a clock may be wrong."},
		{ReasonTLSUntrusted, "the certificate is signed by an authority that is not trusted here, or not for this use."},
		{ReasonTLSHostname, "the certificate is for another host name."},
		{ReasonTLSFailed, "the TLS handshake failed for another reason, or the session after it did."},
		{ReasonRequestTimeout, "the target accepted the request and sent no byte of an answer in time."},
		{ReasonTransferTimeout, "the answer began but did not end in time."},
		{ReasonConnectionClosed, "the target closed the connection before the answer was complete."},
		{ReasonRedirectLimit, "there were more than 10 redirects."},
		{ReasonHTTPVersion, "the wanted HTTP version is not spoken, the answer's is not accepted, or the answer is not proper HTTP."},
		{ReasonStatus, "the status code is not accepted."},
		{ReasonHeader, "a header condition is not met."},
		{ReasonSSLForbidden, "the answer came over TLS and the module forbids it."},
		{ReasonSSLRequired, "the answer did not come over TLS and the module requires it."},
		{ReasonTooLarge, "the answer is larger than the limit."},
		{ReasonBody, "a body condition is not met, or the body cannot be decompressed."},
		{ReasonJSON, "the JSON condition is not met, or the body is not JSON."},
		{ReasonWSHandshake, "the WebSocket handshake was refused."},
		{ReasonWSSubprotocol, "another WebSocket subprotocol was negotiated than wanted."},
		{ReasonWSMessage, "the expected WebSocket message did not come."},
		{ReasonWSPongTimeout, "the WebSocket ping was not answered in time."},
		{ReasonWSClosed, "the WebSocket was closed with an unexpected code."},
		{ReasonLocalResource, "the exporter lacked something of its own: a credential file, a token, a file descriptor."},
		{ReasonInternal, "the exporter made a mistake; please report it."},
	}
}
