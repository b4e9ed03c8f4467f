package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/http/httpguts"
)

var (
	// What a mistyped scheme looks like.
	almostScheme = regexp.MustCompile(`^(?i)(https?|wss?)(?:[:;]/*|/+)`)
	// A host that is hardly a token, where nothing marks it as a host: one in lower case with a dot or a port.
	hostLike = regexp.MustCompile(`^(localhost|\[[0-9a-f:.]+\](:[0-9]+)?|[a-z0-9-]+(\.[a-z0-9-]+)+\.?|[a-z0-9.-]+:[0-9]+)$`)
	digits   = regexp.MustCompile(`^\d+$`)
)

// MeantURL guesses the URL that s was meant to be, as the end of an error: ", did you mean http://[::1]:8080?". It shows
// scheme, host and port alone, as everything else may be secret, and "…" for the rest. It is empty if there is no good guess.
func MeantURL(s string) string {
	scheme, rest, named := "http", s, strings.HasPrefix(s, "//")
	if m := almostScheme.FindStringSubmatch(s); m != nil {
		scheme, rest, named = strings.ToLower(m[1]), s[len(m[0]):], true
	}
	rest = strings.TrimPrefix(rest, "//")
	host, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, tail = rest[:i], rest[i:]
	}
	var advice string
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		named = true
		host, advice = "["+strings.ReplaceAll(host, "%", "%25")+"]", " Put an IPv6 address in brackets, and the port after them."
	}
	u, err := url.Parse(scheme + "://" + host)
	if strings.HasPrefix(strings.ToLower(s), scheme+"://"+strings.ToLower(host)) { // that is not what is wrong
		return ""
	}
	if err != nil || strings.Contains(rest, "@") || !named && !hostLike.MatchString(host) || digits.MatchString(host) || !validHostOf(u) {
		return ""
	}
	if len(tail) > 1 {
		tail = "/…"
	}
	return ", did you mean " + u.String() + tail + "?" + advice
}

// validHostOf reports whether a request can be sent to the host and port of u.
func validHostOf(u *url.URL) bool {
	ascii, err := httpguts.PunycodeHostPort(u.Host)
	return err == nil && u.Hostname() != "" && validPort(u) && httpguts.ValidHostHeader(ascii) && u.Opaque == "" && u.Path == ""
}
