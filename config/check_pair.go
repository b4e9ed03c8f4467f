package config

import (
	"net/url"

	commonconfig "github.com/prometheus/common/config"
)

// pair refuses the URL of a target that the module must not probe, or cannot: every probe would fail.
func (c *checker) pair(p place, m Module, address string) {
	u, err := ParseTargetURL(address)
	if err != nil {
		return
	}
	if err := m.CheckCredentials(u, ""); err != nil {
		c.fail(c.sub(p, "url"), "%v", err)
	}
	if !c.clean("modules") {
		return // the module is not what the file says
	}
	var all []contradiction
	switch m.Prober {
	case "http":
		h := &m.HTTP
		all = append(h.schemeContradictions(u.Scheme), family(u, h.IPProtocol, h.IPProtocolFallback, &h.Client))
	case "websocket":
		w := &m.WebSocket
		all = append(all, family(u, w.IPProtocol, w.IPProtocolFallback, &w.Client))
	}
	for _, x := range all {
		c.contradiction(p, x)
	}
}

// schemeContradictions are those between a module and the scheme of a URL. A redirect that is followed may lead to another scheme.
func (h *HTTP) schemeContradictions(scheme string) []contradiction {
	last := !h.Client.FollowRedirects
	at := []string{"url"}
	return []contradiction{
		{h.EnableHTTP3 && scheme == "http", at, "the module speaks HTTP/3, which needs https"},
		{last && scheme == "https" && h.FailIfSSL, at, "the module has fail_if_ssl and follows no redirect, and the URL is https"},
		{last && scheme == "http" && h.FailIfNotSSL, at, "the module has fail_if_not_ssl and follows no redirect, and the URL is http"},
		{
			last && scheme == "http" && !h.EnableHTTP3 && !h.speaks(false) && h.speaks(true), at,
			"the module wants HTTP/2 and follows no redirect, but over http it speaks HTTP/1.1",
		},
	}
}

// family is the contradiction between an address in a URL and the only family that a module connects to. A proxy may know better.
func family(u *url.URL, ip string, fallback bool, client *commonconfig.HTTPClientConfig) contradiction {
	_, addr, _ := parseHost(u.Hostname())
	proxy := client.ProxyFromEnvironment || client.ProxyURL.URL != nil && client.ProxyURL.String() != ""
	return contradiction{
		addr.IsValid() && !fallback && !proxy && addr.Is4() != (ip == "ip4"),
		[]string{"url"},
		"the URL has an address that is not of the preferred_ip_protocol, and ip_protocol_fallback is false",
	}
}

// overlayContradictions refuses what a target changes in its module if that makes every probe fail.
func (c *checker) overlayContradictions(p place, t *Target, m Module) {
	if m.Prober != "http" || !c.clean("modules") {
		return
	}
	key := "method"
	if t.Method == "" {
		key = "valid_status_codes"
	}
	changed, before := t.Overlay(m), m.HTTP.bodyContradictions()
	for i, x := range changed.HTTP.bodyContradictions() {
		if x.holds && !before[i].holds {
			c.fail(c.sub(p, key), "%s: %s%s", x.keys[0], x.text, everyProbe)
		}
	}
}
