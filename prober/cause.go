package prober

import "slices"

// Cause says more of why a probe failed than its Reason does, where that can be known, from one closed list. It is a word of
// our own, and never text of the target.
type Cause string

// The closed list of causes. Causes has the reasons that each may come with.
const (
	CauseNone Cause = ""

	// The certificates are not accepted.
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

	// The TLS handshake does not succeed.
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

	// The target ends the connection, and says why.
	CauseNotTaken      Cause = "not_taken"
	CauseAskedTooOften Cause = "asked_too_often"

	// A proxy refuses.
	CauseProxyCredentials Cause = "proxy_credentials"
	CauseProxyScheme      Cause = "proxy_scheme"
	CauseProxyForbids     Cause = "proxy_forbids"

	// The upgrade is answered with 101, and wrongly.
	CauseWebSocketAccept Cause = "websocket_accept"
)

// A CauseInfo describes one Cause for people.
type CauseInfo struct {
	Cause Cause
	// Description completes "what is known: ".
	Description string
	// Reasons are those that it may come with.
	Reasons []Reason
}

// Causes lists every Cause but CauseNone.
func Causes() []CauseInfo {
	untrusted, session := []Reason{ReasonTLSUntrusted}, []Reason{ReasonTLSFailed}
	answer := []Reason{ReasonHTTPVersion, ReasonConnectionClosed}
	return []CauseInfo{
		{CauseSelfSigned, "the certificate is signed by its own key", untrusted},
		{CauseMissingIntermediate, "the target may leave out an intermediate certificate", untrusted},
		{CauseWeakSignature, "it is signed by an algorithm that is not secure any more, such as SHA-1", untrusted},
		{CauseOtherKey, "the authority of this name that is trusted here has another key", untrusted},
		{CauseAuthorityExpired, "the certificate of its authority has expired", []Reason{ReasonTLSExpired}},
		{CauseAuthorityNotYet, "the certificate of its authority is not valid yet", []Reason{ReasonTLSNotYetValid}},
		{CauseNoAuthority, "it is signed by a certificate that may not sign others", untrusted},
		{CauseKeyUsage, "its key usage does not allow it for a server", untrusted},
		{CauseNameConstraints, "the name constraints of its authority do not allow its names", untrusted},
		{CauseTooManyAuthorities, "more authorities are between it and the root than one of them allows", untrusted},
		{CauseCommonName, "it has the name as its Common Name alone, and no SAN", []Reason{ReasonTLSHostname}},

		{CauseTLSSilent, "the target accepted the connection and sent no byte of a handshake", []Reason{ReasonConnectTimeout}},
		{CausePlainHTTP, "the port speaks HTTP without TLS", session},
		{CauseNotTLS, "the port does not speak TLS", session},
		{CauseTLSVersion, "there is no TLS version that both sides speak", session},
		{CauseNoCommonCipher, "the target finds no cipher suite or curve that both sides speak", session},
		{CauseServerName, "the target does not know the server name", session},
		{CauseNoProtocol, "there is no protocol that both sides speak on TLS (ALPN)", []Reason{ReasonTLSFailed, ReasonHTTPVersion}},
		{CauseClientCert, "the target wants a client certificate", session},
		{CauseClientCertDenied, "the target does not accept the client certificate", session},

		{CauseSpeaksTLS, "it answered with TLS", answer},
		{CauseSpeaksHTTP2, "it answered with HTTP/2, which it speaks without TLS here (h2c)", answer},
		{CauseGreeting, "it answered with the greeting of another protocol", answer},
		{CauseICY, "it answered with ICY, as Shoutcast does", answer},
		{CauseEmptyLine, "an empty line is in front of the status line", answer},
		{CauseStatusLine, "its first line is not a status line", answer},
		{CauseHeaderLine, "a header line has no colon, or characters that none may have", answer},
		{CauseContentLengths, "it has two Content-Length headers that differ", answer},
		{CauseContentLength, "its Content-Length is not a number", answer},
		{CauseTransferEncoding, "its Transfer-Encoding is not chunked", answer},

		{CauseNotTaken, "the target took no request: it is shutting down, or has too many", []Reason{ReasonConnectionClosed}},
		{CauseAskedTooOften, "the target wants fewer requests", []Reason{ReasonConnectionClosed}},

		{CauseProxyCredentials, "the proxy does not accept the credentials, or wants some", []Reason{ReasonProxy}},
		{CauseProxyScheme, "the proxy wants another authentication than Basic", []Reason{ReasonProxy}},
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
