// Package collector turns a [prober.Result] into metrics and serves /probe. Every name, label and help text of a
// probe_* metric is in this file.
package collector

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// A Metric documents one metric of a probe. A test checks docs/metrics.md against [Metrics].
type Metric struct {
	Name   string
	Help   string
	Labels []string

	desc  *prometheus.Desc
	order []int // the indices of Labels in the order of their names
	place int   // in byName
}

func metric(name, help string, labels ...string) *Metric {
	m := &Metric{Name: name, Help: help, Labels: labels, desc: prometheus.NewDesc(name, help, labels, nil)}
	for _, label := range slices.Sorted(slices.Values(labels)) {
		m.order = append(m.order, slices.Index(labels, label))
	}
	return m
}

// byName are the Metrics in the order in which a scrape has them.
var byName = func() []*Metric {
	all := slices.SortedFunc(slices.Values(Metrics()), func(a, b *Metric) int { return strings.Compare(a.Name, b.Name) })
	for i, m := range all {
		m.place = i
	}
	return all
}()

// The names and meanings up to probe_timeout_seconds, and those of HTTP, WebSocket and TLS, are those of
// blackbox_exporter. Of WebSocket it has only the first four.
var (
	probeSuccess  = metric("probe_success", "Whether the probe succeeded.")
	probeDuration = metric("probe_duration_seconds", "How long the probe took, all attempts together.")
	probeTimeout  = metric("probe_timeout_seconds", "How long the probe was allowed to take.")
	probeAttempts = metric("probe_attempts", "How many times the target was tried.")
	probeFailure  = metric("probe_failure_info", "Why and in which phase the probe failed; absent when it succeeded.", "reason", "phase")

	targetMuted       = metric("probe_target_muted", "Whether nobody wants to be told of the target; absent for all others.")
	targetMaintenance = metric("probe_target_maintenance_active", "Whether the target was in maintenance when the probe began or ended; absent for all others.")

	dnsLookupTime = metric("probe_dns_lookup_time_seconds", "How long the first address look-up took.")
	ipProtocol    = metric("probe_ip_protocol", "The IP version that the probe used, 4 or 6.")
	ipAddrHash    = metric("probe_ip_addr_hash", "A hash of the address that the probe used, to see when it changes.")

	httpDuration      = metric("probe_http_duration_seconds", "How long each phase of the HTTP requests took, summed over all redirects.", "phase")
	httpContentLength = metric("probe_http_content_length", "The Content-Length of the last response, -1 where it has none.")
	httpBodyLength    = metric("probe_http_uncompressed_body_length", "How many bytes of body were read, after decompression.")
	httpRedirects     = metric("probe_http_redirects", "How many redirects were received.")
	httpSSL           = metric("probe_http_ssl", "Whether the last response came over TLS.")
	httpStatusCode    = metric("probe_http_status_code", "The status code of the last response, 0 without one.")
	httpVersion       = metric("probe_http_version", "The HTTP version of the last response.")
	httpLastModified  = metric("probe_http_last_modified_timestamp_seconds", "The Last-Modified header of the last response.")
	failedDueToRegex  = metric("probe_failed_due_to_regex", "Whether a regular expression on headers or body failed the probe.")
	failedDueToCEL    = metric("probe_failed_due_to_cel", "Whether a CEL expression on the body failed the probe.")

	wsStatusCode       = metric("probe_websocket_status_code", "The status code of the answer to the upgrade, 0 without one.")
	wsUpgraded         = metric("probe_websocket_connection_upgraded", "Whether the opening handshake succeeded.")
	wsFailedDueToRegex = metric("probe_websocket_failed_due_to_regex", "Whether the query_response failed the probe.")
	wsDuration         = metric("probe_websocket_duration_seconds", "How long each phase of the WebSocket probe took; that of the ping is a round trip.", "phase")
	wsReceived         = metric("probe_websocket_received_messages", "How many messages came.")
	wsSubprotocol      = metric("probe_websocket_subprotocol_info", "The subprotocol that was selected.", "subprotocol")
	wsCompressed       = metric("probe_websocket_compressed", "Whether permessage-deflate was negotiated.")
	wsCloseCode        = metric("probe_websocket_close_code", "The code that the target closed with, 1005 for a close without a code, 1006 for an end without a close.")

	sslEarliestExpiry  = metric("probe_ssl_earliest_cert_expiry", "When the first of the presented certificates expires, in unix time.")
	sslLifetime        = metric("probe_ssl_earliest_cert_lifetime_seconds", "How long the first of the presented certificates to expire is valid in all.")
	sslLastChainExpiry = metric("probe_ssl_last_chain_expiry_timestamp_seconds", "When the longest lasting chain expires; that of the presented chain where none was verified.")
	sslChainLifetime   = metric("probe_ssl_last_chain_lifetime_seconds", "How long the certificate is valid in all that expires first of the longest lasting chain.")
	sslClientExpiry    = metric("probe_ssl_client_cert_expiry_timestamp_seconds", "When the client certificate that was sent expires.")
	sslLastChainInfo   = metric("probe_ssl_last_chain_info", "The leaf certificate that was presented.", "fingerprint_sha256", "subject", "issuer", "subjectalternative", "serialnumber")
	tlsVersion         = metric("probe_tls_version_info", "The TLS version that was negotiated.", "version")
	tlsCipher          = metric("probe_tls_cipher_info", "The TLS cipher suite that was negotiated.", "cipher")
)

// Metrics lists every metric that a probe can have, in the order of docs/metrics.md.
func Metrics() []*Metric {
	return []*Metric{
		probeSuccess, probeDuration, probeTimeout, probeAttempts, probeFailure, targetMuted, targetMaintenance,
		dnsLookupTime, ipProtocol, ipAddrHash,
		httpDuration, httpContentLength, httpBodyLength, httpRedirects, httpSSL, httpStatusCode, httpVersion,
		httpLastModified, failedDueToRegex, failedDueToCEL,
		wsStatusCode, wsUpgraded, wsFailedDueToRegex, wsDuration, wsReceived, wsSubprotocol, wsCompressed, wsCloseCode,
		sslEarliestExpiry, sslLifetime, sslLastChainExpiry, sslChainLifetime, sslClientExpiry, sslLastChainInfo, tlsVersion, tlsCipher,
	}
}
