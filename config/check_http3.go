package config

import (
	"crypto/tls"
)

// http3 refuses what contradicts enable_http3: every probe would fail, or not go where the module says. It ignores
// enable_http2, which is true unless somebody switches it off: in either case the module speaks HTTP/3 alone.
func (c *checker) http3(p place, h *HTTP) {
	at := func(key string) place { return c.sub(p, key) }
	if cl := &h.Client; cl.ProxyURL.URL != nil && cl.ProxyURL.String() != "" {
		c.fail(at("proxy_url"), "contradicts enable_http3: HTTP/3 does not go through a proxy")
	} else if cl.ProxyFromEnvironment {
		c.fail(at("proxy_from_environment"), "contradicts enable_http3: HTTP/3 does not go through a proxy")
	}
	if h.SkipResolvePhaseWithProxy {
		c.fail(at("skip_resolve_phase_with_proxy"), "has no effect with enable_http3, which uses no proxy")
	}
	if h.FailIfSSL {
		c.fail(at("fail_if_ssl"), "contradicts enable_http3, which is always over TLS: every probe would fail")
	}
	if v := h.Client.TLSConfig.MaxVersion; v != 0 && v < tls.VersionTLS13 {
		c.fail(c.sub(at("tls_config"), "max_version"), "got %s, and enable_http3 needs TLS13", &v)
	}
}
