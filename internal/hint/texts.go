package hint

import "github.com/healthcheck-exporter/healthcheck_exporter/prober"

// reasons say what to do if no more than the reason is known. What to do about a status depends on the code.
var reasons = map[prober.Reason]string{
	prober.ReasonTargetForbidden:  "the exporter's own rules forbid this target; see probe.allow and probe.deny",
	prober.ReasonResolveNotFound:  "is the host name spelt right, and does it have an address of the family that preferred_ip_protocol and ip_protocol_fallback allow?",
	prober.ReasonResolveFailed:    "the name server is at fault, not the target: try to look up the name on this machine",
	prober.ReasonConnectRefused:   "nothing listens there: is the service running, and is the port right?",
	prober.ReasonConnectTimeout:   "a firewall that drops, a host that is off, or a service too busy to accept: try from the host itself",
	prober.ReasonConnectUnreach:   "this machine has no route there: check the network, or the address family (preferred_ip_protocol)",
	prober.ReasonProxy:            "the proxy is at fault: check proxy_url, its credentials, and whether it may connect to this target",
	prober.ReasonTLSExpired:       "renew the certificate, and reload the service that serves it",
	prober.ReasonTLSNotYetValid:   "compare the clocks of this machine and of the one that issued the certificate",
	prober.ReasonTLSUntrusted:     "if the authority is your own, name its certificate in tls_config.ca_file; if not, the target may leave out an intermediate certificate",
	prober.ReasonTLSHostname:      "probe by a name that the certificate has, or set tls_config.server_name or the hostname parameter",
	prober.ReasonTLSFailed:        "is it really https on that port? tls_config.min_version and max_version bound the versions offered",
	prober.ReasonRequestTimeout:   "the service accepts connections but does not answer: it hangs, or needs longer than the timeout",
	prober.ReasonTransferTimeout:  "the answer is slow or endless: raise the timeout, or probe a smaller page",
	prober.ReasonConnectionClosed: "the service closed the connection: look into its log for a crash at this time; http on an https port, or ws on a wss port, looks like this, too",
	prober.ReasonRedirectLimit:    "the redirects seem to go in a circle: probe the last page itself, or set follow_redirects: false",
	prober.ReasonStatus:           "look at the answer with curl -i; valid_status_codes of the module decides",
	prober.ReasonHTTPVersion:      "check the port, and valid_http_versions, enable_http2 and enable_http3 of the module",
	prober.ReasonHeader:           "look at the headers with curl -i; fail_if_header_matches and fail_if_header_not_matches of the module decide",
	prober.ReasonSSLForbidden:     "the module has fail_if_ssl; use another module for https targets",
	prober.ReasonSSLRequired:      "the module has fail_if_not_ssl: probe the https address, or use another module",
	prober.ReasonTooLarge:         "raise body_size_limit or message_size_limit, or ask for less",
	prober.ReasonBody:             "look at the body with curl; the body conditions and compression of the module decide",
	prober.ReasonJSON:             "look at the body with curl; the JSON condition of the module decides",
	prober.ReasonWSHandshake:      "check the path of the WebSocket; a proxy in front of it has to pass on Upgrade and Connection",
	prober.ReasonWSSubprotocol:    "set subprotocols of the module to those that the service speaks: its documentation names them",
	prober.ReasonWSMessage:        "compare the conversation with query_response of the module; skip_until_match ignores other messages",
	prober.ReasonWSPongTimeout:    "the service keeps the connection but does not answer a ping: it hangs, or its WebSocket library does not support pings (ping: false)",
	prober.ReasonWSClosed:         "look into the service's log for why it closed; codes from 3000 on are its own",
	prober.ReasonLocalResource:    "the exporter itself lacks something; the target may be healthy: check its files, its limits and its log",
	prober.ReasonInternal:         "this is a bug of the exporter: please report it",
}

// causes say what to do if more is known than the reason.
var causes = map[prober.Cause]string{
	prober.CauseSelfSigned:          "it is self-signed: name the certificate in tls_config.ca_file, or have an authority issue one",
	prober.CauseMissingIntermediate: "configure the target to send its intermediate certificate, too (with a file such as fullchain.pem); if the authority is your own, name it in tls_config.ca_file",
	prober.CauseWeakSignature:       "renew the certificate with SHA-256: an authority in tls_config.ca_file does not help, because such signatures are no longer accepted",
	prober.CauseOtherKey:            "the authority in tls_config.ca_file has the right name but another key: fetch its current certificate; or the target's certificate is from an older authority",
	prober.CauseAuthorityExpired:    "renew the certificate of the authority, not the target's own, and reload the service that sends it",
	prober.CauseAuthorityNotYet:     "compare the clocks of this machine and of the authority; until then serve the chain of its older certificate",
	prober.CauseNoAuthority:         "issue the certificate from one that may sign others (CA:TRUE, keyCertSign), and serve the chain without the one that may not",
	prober.CauseKeyUsage:            "issue the certificate again with the extended key usage serverAuth; this one is for something else, such as clients",
	prober.CauseNameConstraints:     "issue the certificate from an authority that may sign for these names: this one may only sign for others",
	prober.CauseTooManyAuthorities:  "issue the certificate from an authority nearer to the root: one in the chain allows only a shorter path",
	prober.CauseCommonName:          "issue the certificate again with the name as a SAN (subjectAltName): clients no longer look at the Common Name",

	prober.CauseTLSSilent:        "it accepted the connection but says nothing: check whether the port speaks TLS (try http://), and whether the service hangs",
	prober.CausePlainHTTP:        "that port speaks HTTP without TLS: probe http:// instead of https://, ws:// instead of wss://",
	prober.CauseNotTLS:           "that port does not speak TLS: check the port, and whether it is http:// or https://",
	prober.CauseTLSVersion:       "tls_config.min_version and max_version bound the versions offered, TLS12 and newer by default: old devices need min_version: TLS10",
	prober.CauseNoCommonCipher:   "old devices support only RSA key exchange: start the exporter with GODEBUG=tlsrsakex=1, or tlsrsakex=1,tls3des=1 if they support only 3DES; DHE and CBC with SHA-256 are never offered, so enable other suites on the target; or check tls_config.min_version and max_version",
	prober.CauseServerName:       "the target has no certificate for that name: set tls_config.server_name or the hostname parameter",
	prober.CauseNoProtocol:       "enable_http2 and enable_http3 of the module decide which protocols are offered: check what that port speaks",
	prober.CauseClientCert:       "the target wants a client certificate: tls_config.cert_file and key_file send one",
	prober.CauseClientCertDenied: "the target may not accept the client certificate of tls_config.cert_file: is it of an authority that the target trusts, and still valid?",

	prober.CauseSpeaksTLS:        "that port speaks TLS: probe https:// instead of http://, wss:// instead of ws://",
	prober.CauseSpeaksHTTP2:      "that port speaks HTTP/2 without TLS (h2c), as gRPC servers do, which this exporter cannot probe: check the port",
	prober.CauseGreeting:         "that port belongs to another service, such as mail, SSH or a database: check the port",
	prober.CauseICY:              "that is a Shoutcast server, which HTTP clients do not understand: probe its status page on another port or path",
	prober.CauseEmptyLine:        "the service sends an extra empty line: repair it, or check the port",
	prober.CauseStatusLine:       "check the port: the answer does not begin as HTTP does",
	prober.CauseHeaderLine:       "repair the service's headers: look at them with curl -i; browsers and proxies read such a line in different ways",
	prober.CauseContentLengths:   "repair the service, or what is in front of it: it sends two different Content-Length headers (curl -i shows them)",
	prober.CauseContentLength:    "repair the service: its Content-Length has to be a number of bytes (curl -i shows it)",
	prober.CauseTransferEncoding: "repair the service: the only Transfer-Encoding of HTTP/1.1 is chunked (curl -i shows it)",

	prober.CauseNotTaken:      "it is shutting down or overloaded: if that lasts, look into its log, and into the log of a proxy in front of it",
	prober.CauseAskedTooOften: "the target limits how often it is asked: probe less often, or raise its limit",

	prober.CauseProxyCredentials: "check the user and password in proxy_url: the proxy wants Basic authentication",
	prober.CauseProxyScheme:      "check the proxy's settings: proxy_url sends Basic authentication, and this proxy wants another kind, such as NTLM",
	prober.CauseProxyForbids:     "check the rules of the proxy for this target and port",

	prober.CauseWebSocketAccept: "check what answers: a cache, or a server that does not compute Sec-WebSocket-Accept as RFC 6455 says",
}
