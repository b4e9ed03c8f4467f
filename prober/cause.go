package prober

import "slices"

// Cause says more of why a probe failed than its Reason does, where that can be known, from one closed list. It is one
// of our own words, never text from the target.
type Cause string

// The closed list of causes. Causes says which reasons each may come with.
const (
	CauseNone Cause = ""

	// The certificates were not accepted.
	CauseSelfSigned          Cause = "self_signed"
	CauseMissingIntermediate Cause = "missing_intermediate"
	CauseWeakSignature       Cause = "weak_signature"
	CauseOtherKey            Cause = "other_key"
	CauseAuthorityExpired    Cause = "authority_expired"
	CauseAuthorityNotYet     Cause = "authority_not_yet_valid"
	CauseNoAuthority         Cause = "not_an_authority"
	CauseKeyUsage            Cause = "key_usage"
	CauseNameConstraints     Cause = "name_constraints"
	CauseTooManyAuthorities  Cause = "too_many_authorities"
	CauseCommonName          Cause = "common_name_only"

	// The TLS handshake failed.
	CauseTLSSilent        Cause = "tls_silent"
	CausePlainHTTP        Cause = "plain_http"
	CauseNotTLS           Cause = "not_tls"
	CauseTLSVersion       Cause = "tls_version"
	CauseNoCommonCipher   Cause = "no_common_cipher"
	CauseServerName       Cause = "server_name"
	CauseNoProtocol       Cause = "no_protocol"
	CauseClientCert       Cause = "client_certificate_missing"
	CauseClientCertDenied Cause = "client_certificate_refused"

	// The answer is not proper HTTP.
	CauseSpeaksTLS        Cause = "speaks_tls"
	CauseSpeaksHTTP2      Cause = "speaks_http2"
	CauseGreeting         Cause = "greeting"
	CauseICY              Cause = "icy"
	CauseEmptyLine        Cause = "empty_line"
	CauseStatusLine       Cause = "status_line"
	CauseHeaderLine       Cause = "header_line"
	CauseContentLengths   Cause = "content_lengths"
	CauseContentLength    Cause = "content_length"
	CauseTransferEncoding Cause = "transfer_encoding"

	// The target ended the connection and said why.
	CauseNotTaken      Cause = "not_taken"
	CauseAskedTooOften Cause = "asked_too_often"

	// A proxy refused.
	CauseProxyCredentials Cause = "proxy_credentials"
	CauseProxyScheme      Cause = "proxy_scheme"
	CauseProxyForbids     Cause = "proxy_forbids"

	// The upgrade was answered with 101, but wrongly.
	CauseWebSocketAccept Cause = "websocket_accept"
)

// A CauseInfo describes one Cause for people.
type CauseInfo struct {
	Cause Cause
	// Description completes "what is known: ".
	Description string
	// Reasons are the reasons that it may come with.
	Reasons []Reason
}

// Causes lists every Cause but CauseNone.
func Causes() []CauseInfo {
	untrusted, session := []Reason{ReasonTLSUntrusted}, []Reason{ReasonTLSFailed}
	answer := []Reason{ReasonHTTPVersion, ReasonConnectionClosed}
	return []CauseInfo{
		{CauseSelfSigned, "the certificate is self-signed", untrusted},
		{CauseMissingIntermediate, "the target may leave out an intermediate certificate", untrusted},
		{CauseWeakSignature, "it is signed with an algorithm that is no longer secure, such as SHA-1", untrusted},
		{CauseOtherKey, "the authority of this name that is trusted here has another key", untrusted},
		{CauseAuthorityExpired, "the certificate of its authority has expired", []Reason{ReasonTLSExpired}},
		{CauseAuthorityNotYet, "the certificate of its authority is not valid yet", []Reason{ReasonTLSNotYetValid}},
		{CauseNoAuthority, "it is signed by a certificate that may not sign others", untrusted},
		{CauseKeyUsage, "its key usage does not allow it for a server", untrusted},
		{CauseNameConstraints, "the name constraints of its authority do not allow its names", untrusted},
		{CauseTooManyAuthorities, "the chain to the root is longer than one of its authorities allows", untrusted},
		{CauseCommonName, "it has the name only as its Common Name, and has no SAN", []Reason{ReasonTLSHostname}},

		{CauseTLSSilent, "the target accepted the connection and sent nothing", []Reason{ReasonConnectTimeout}},
		{CausePlainHTTP, "the port speaks HTTP without TLS", session},
		{CauseNotTLS, "the port does not speak TLS", session},
		{CauseTLSVersion, "the two sides have no TLS version in common", session},
		{CauseNoCommonCipher, "the two sides have no cipher suite or curve in common", session},
		{CauseServerName, "the target does not know the server name", session},
		{CauseNoProtocol, "the two sides have no protocol in common (ALPN)", []Reason{ReasonTLSFailed, ReasonHTTPVersion}},
		{CauseClientCert, "the target wants a client certificate", session},
		{CauseClientCertDenied, "the target does not accept the client certificate", session},

		{CauseSpeaksTLS, "it answered with TLS", answer},
		{CauseSpeaksHTTP2, "it answered with HTTP/2 without TLS (h2c)", answer},
		{CauseGreeting, "it answered with the greeting of another protocol", answer},
		{CauseICY, "it answered with ICY, as Shoutcast does", answer},
		{CauseEmptyLine, "there is an empty line before the status line", answer},
		{CauseStatusLine, "its first line is not a status line", answer},
		{CauseHeaderLine, "a header line has no colon, or has characters that are not allowed", answer},
		{CauseContentLengths, "it has two different Content-Length headers", answer},
		{CauseContentLength, "its Content-Length is not a number", answer},
		{CauseTransferEncoding, "its Transfer-Encoding is not chunked", answer},

		{CauseNotTaken, "the target took no request: it is shutting down or overloaded", []Reason{ReasonConnectionClosed}},
		{CauseAskedTooOften, "the target asks for fewer requests", []Reason{ReasonConnectionClosed}},

		{CauseProxyCredentials, "the proxy does not accept the credentials, or wants some", []Reason{ReasonProxy}},
		{CauseProxyScheme, "the proxy wants authentication other than Basic", []Reason{ReasonProxy}},
		{CauseProxyForbids, "the proxy does not allow the connection", []Reason{ReasonProxy}},

		{CauseWebSocketAccept, "the Sec-WebSocket-Accept is wrong", []Reason{ReasonWSHandshake}},
	}
}

// words is the description of c.
func (c Cause) words() string {
	all := Causes()
	if i := slices.IndexFunc(all, func(info CauseInfo) bool { return info.Cause == c }); i >= 0 {
		return all[i].Description
	}
	return ""
}
