package config

import (
	"strings"
	"time"

	commonconfig "github.com/prometheus/common/config"
)

// The modules that are used when none is named.
const (
	DefaultModule          = "http_2xx"
	DefaultWebSocketModule = "websocket"
)

// DefaultModuleFor returns the default module for a target, by its scheme.
func DefaultModuleFor(target string) string {
	scheme, _, _ := strings.Cut(strings.ToLower(target), ":")
	if scheme == "ws" || scheme == "wss" {
		return DefaultWebSocketModule
	}
	return DefaultModule
}

// DefaultBodyLimit is how much of a decompressed body is read when body_size_limit is not set.
const DefaultBodyLimit = 10 << 20

// Module says how a target is probed and when the answer counts as healthy.
// It is a superset of a blackbox_exporter module of the http and websocket probers.
type Module struct {
	// Prober names the protocol: "http" or "websocket". Only the block of that name is in use.
	Prober string `yaml:"prober"`
	// Timeout bounds the whole probe, all attempts together. 0: the scrape's own timeout, or 10 s without one.
	Timeout Duration `yaml:"timeout,omitempty"`
	// Attempts is how often a failing target is tried before the probe fails. 0: 1.
	Attempts int `yaml:"attempts,omitempty"`
	// RetryDelay is the pause between two attempts.
	RetryDelay Duration `yaml:"retry_delay,omitempty"`
	// CredentialsFor are the only hosts that are probed. Empty: all.
	CredentialsFor CredentialHosts `yaml:"credentials_for,omitempty"`
	HTTP           HTTP            `yaml:"http,omitempty"`
	WebSocket      WebSocket       `yaml:"websocket,omitempty"`
}

// UnmarshalYAML implements the older of the two interfaces of package yaml, which keeps the decoder strict. It sets the
// defaults first, and clears the block that is not in use.
func (m *Module) UnmarshalYAML(unmarshal func(any) error) error {
	m.HTTP = HTTP{IPProtocolFallback: true, Client: commonconfig.DefaultHTTPClientConfig}
	m.WebSocket = WebSocket{IPProtocolFallback: true, Client: commonconfig.DefaultHTTPClientConfig}
	type plain Module
	if err := unmarshal((*plain)(m)); err != nil {
		return err
	}
	if m.Prober == "websocket" {
		m.HTTP = HTTP{}
	} else {
		m.WebSocket = WebSocket{}
	}
	return nil
}

// HTTP is the http block of a module.
type HTTP struct {
	// ValidStatusCodes are codes, ranges and classes that count as healthy. Empty: 2xx.
	ValidStatusCodes StatusRanges `yaml:"valid_status_codes,omitempty"`
	// ValidHTTPVersions are the accepted protocol versions, as in a status line ("HTTP/1.1"). Empty: any.
	ValidHTTPVersions []string `yaml:"valid_http_versions,omitempty"`
	// IPProtocol is the preferred address family, "ip4" or "ip6". Empty: "ip6".
	IPProtocol string `yaml:"preferred_ip_protocol,omitempty"`
	// IPProtocolFallback allows the other family when the preferred one has no address.
	IPProtocolFallback bool `yaml:"ip_protocol_fallback"`
	// SkipResolvePhaseWithProxy leaves it to the proxy to resolve the target.
	SkipResolvePhaseWithProxy bool `yaml:"skip_resolve_phase_with_proxy,omitempty"`
	// NoFollowRedirects is the old, inverted form of follow_redirects. Load folds it into FollowRedirects.
	NoFollowRedirects *bool `yaml:"no_follow_redirects,omitempty"`
	// EnableHTTP3 makes the module speak HTTP/3 and nothing else, whatever enable_http2 says.
	EnableHTTP3 bool `yaml:"enable_http3,omitempty"`

	FailIfSSL    bool `yaml:"fail_if_ssl,omitempty"`
	FailIfNotSSL bool `yaml:"fail_if_not_ssl,omitempty"`

	// Method is the request's method. Empty: "GET".
	Method string `yaml:"method,omitempty"`
	// Headers are sent with every request to the target. "Host" is also the TLS server name.
	Headers map[string]string `yaml:"headers,omitempty"`
	Body    string            `yaml:"body,omitempty"`
	// BodyFile is read again for every probe.
	BodyFile string `yaml:"body_file,omitempty"`

	FailIfBodyMatches      []Regexp      `yaml:"fail_if_body_matches_regexp,omitempty"`
	FailIfBodyNotMatches   []Regexp      `yaml:"fail_if_body_not_matches_regexp,omitempty"`
	FailIfBodyJSONMatch    *CEL          `yaml:"fail_if_body_json_matches_cel,omitempty"`
	FailIfBodyJSONNotMatch *CEL          `yaml:"fail_if_body_json_not_matches_cel,omitempty"`
	FailIfHeaderMatches    []HeaderMatch `yaml:"fail_if_header_matches,omitempty"`
	FailIfHeaderNotMatches []HeaderMatch `yaml:"fail_if_header_not_matches,omitempty"`

	// Compression is how the body must be compressed: gzip, br, deflate or identity. Empty: not looked at.
	Compression string `yaml:"compression,omitempty"`
	// BodySizeLimit bounds the decompressed body in bytes. nil: DefaultBodyLimit; 0: none. See BodyLimit.
	BodySizeLimit *Size `yaml:"body_size_limit,omitempty"`

	// Client holds authentication, TLS, proxy and redirect settings, as in every Prometheus component.
	Client commonconfig.HTTPClientConfig `yaml:",inline"`
}

// HeaderMatch is a condition on one response header.
type HeaderMatch struct {
	Header string `yaml:"header"`
	Regexp Regexp `yaml:"regexp"`
	// AllowMissing lets an absent header pass.
	AllowMissing bool `yaml:"allow_missing,omitempty"`
}

// NeedsBody reports whether a check needs the whole body.
func (h *HTTP) NeedsBody() bool {
	return len(h.FailIfBodyMatches) > 0 || len(h.FailIfBodyNotMatches) > 0 ||
		h.FailIfBodyJSONMatch != nil || h.FailIfBodyJSONNotMatch != nil
}

// BodyLimit returns how many bytes of a decompressed body a probe reads. 0: no limit, which is only possible if nothing has
// to keep the body in memory.
func (h *HTTP) BodyLimit() int64 {
	switch {
	case h.BodySizeLimit == nil:
		return DefaultBodyLimit
	case *h.BodySizeLimit == 0 && h.NeedsBody():
		return DefaultBodyLimit
	default:
		return int64(*h.BodySizeLimit)
	}
}

// TimeoutOr returns the module's timeout, or d if it does not set one.
func (m *Module) TimeoutOr(d time.Duration) time.Duration {
	if m.Timeout > 0 {
		return time.Duration(m.Timeout)
	}
	return d
}

// Host returns the value of the module's own Host header, or "". In a WebSocket module the header may also come from a file or
// a secret; that is not returned.
func (m *Module) Host() string {
	for name, value := range m.HTTP.Headers {
		if strings.EqualFold(name, "Host") {
			return value
		}
	}
	for name, h := range m.WebSocket.Headers.Headers {
		if strings.EqualFold(name, "Host") && len(h.Values) > 0 {
			return h.Values[0]
		}
	}
	return ""
}
