package config

import (
	commonconfig "github.com/prometheus/common/config"
)

// DefaultMessageLimit is the longest message in bytes that a probe reads when message_size_limit is not set.
const DefaultMessageLimit = 1 << 20

// WebSocket is the websocket block of a module: a superset of blackbox_exporter's.
type WebSocket struct {
	// IPProtocol is the preferred address family, "ip4" or "ip6". Empty: "ip6".
	IPProtocol string `yaml:"preferred_ip_protocol,omitempty"`
	// IPProtocolFallback allows the other family when the preferred one has no address.
	IPProtocolFallback bool `yaml:"ip_protocol_fallback"`
	// SkipResolvePhaseWithProxy leaves it to the proxy to resolve the target.
	SkipResolvePhaseWithProxy bool `yaml:"skip_resolve_phase_with_proxy,omitempty"`
	// Client holds authentication, TLS and proxy settings, as in every Prometheus component. The handshake is never
	// redirected and speaks HTTP/1.1, whatever the client says.
	Client commonconfig.HTTPClientConfig `yaml:"http_config,omitempty"`

	// Headers are sent with the handshake. "Host" is also the TLS server name.
	Headers commonconfig.Headers `yaml:"headers,omitempty"`
	// Origin is the Origin header (RFC 6455 section 10.2). Empty: none.
	Origin string `yaml:"origin,omitempty"`
	// Subprotocols are offered, and the target has to select one of them. Empty: none is offered or accepted.
	Subprotocols []string `yaml:"subprotocols,omitempty"`
	// PermessageDeflate offers compression (RFC 7692).
	PermessageDeflate bool `yaml:"permessage_deflate,omitempty"`
	// MessageSizeLimit bounds a message in bytes, decompressed. nil: DefaultMessageLimit. See MessageLimit.
	MessageSizeLimit *Size `yaml:"message_size_limit,omitempty"`

	// QueryResponse are the messages that are expected and sent, in order.
	QueryResponse []Step `yaml:"query_response,omitempty"`
	// Ping sends a ping after the last step and waits for its pong (RFC 6455 section 5.5.2).
	Ping bool `yaml:"ping,omitempty"`
	// ExpectCloseCodes are close codes. After the last step the target has to close with one of them. Empty: the probe closes.
	ExpectCloseCodes []int `yaml:"expect_close_codes,omitempty"`
}

// Step waits for a message and then sends one; either may be missing.
type Step struct {
	// Expect has to match the next message, text or binary.
	Expect Regexp `yaml:"expect,omitempty"`
	// ExpectBinary is how the next message begins, which has to be binary. It may be spread over several messages.
	ExpectBinary Hex `yaml:"expect_binary,omitempty"`
	// ExpectJSON has to be true for the next message, a JSON document that is its variable "body".
	ExpectJSON *CEL `yaml:"expect_json,omitempty"`
	// SkipUntilMatch skips the messages before the one that meets the expectation.
	SkipUntilMatch bool `yaml:"skip_until_match,omitempty"`

	// Send is a text message. After Expect it may use its groups: ${1}, ${name}; $$ is a dollar sign.
	Send string `yaml:"send,omitempty"`
	// SendBinary is a binary message.
	SendBinary Hex `yaml:"send_binary,omitempty"`
}

// Expects reports whether the step waits for a message.
func (s *Step) Expects() bool {
	return s.Expect.Regexp != nil || s.ExpectBinary != "" || s.ExpectJSON != nil
}

// MessageLimit returns the length of the longest message that a probe reads, in bytes.
func (w *WebSocket) MessageLimit() int64 {
	if w.MessageSizeLimit == nil {
		return DefaultMessageLimit
	}
	return int64(*w.MessageSizeLimit)
}
