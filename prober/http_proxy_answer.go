package prober

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

var (
	quotedString = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	statusError  = regexp.MustCompile(`;\s*error\s*=\s*([a-z_]{1,40})`) // RFC 9209 section 2.1.1
	squidError   = regexp.MustCompile(`^ERR_[A-Z_]{1,40}`)
)

// proxyPages are headers of pages that proxies make themselves, other than the headers that ownAnswer reads.
var proxyPages = []struct{ header, begins string }{
	{"Server", "tinyproxy/"},
	{"Last-Modified", "Wed, 08 Jun 1955 12:00:00 GMT"}, // Privoxy
}

// ownAnswer is the failure of a request by plain HTTP that the proxy answered itself, as far as the answer shows it.
// Such an answer must not be taken for the target's, whatever status the module accepts. It returns nil if the answer
// may be the target's.
func ownAnswer(via *url.URL, resp *http.Response) *failure {
	h := resp.Header
	own := func(mark string) *failure {
		return proxyFailure(via, "it answered %d itself (%s)", resp.StatusCode, mark)
	}
	switch squid := h.Get("X-Squid-Error"); {
	case resp.StatusCode == http.StatusProxyAuthRequired:
		text, why := proxyAuthentication(h, via.User != nil)
		return proxyFailure(via, "it answered 407, %s", text).because(why)
	case squid != "":
		return own(strings.TrimSpace("X-Squid-Error: " + squidError.FindString(squid)))
	}
	if mark := lastProxyError(h); mark != "" {
		return own("Proxy-Status: " + mark)
	}
	for _, page := range proxyPages {
		if !passedOn(h) && strings.HasPrefix(h.Get(page.header), page.begins) {
			return own("its page says so")
		}
	}
	return nil
}

// lastProxyError is the error that the nearest proxy reports in Proxy-Status (RFC 9209 section 2). It is empty if
// none is reported.
func lastProxyError(h http.Header) string {
	all := strings.Split(quotedString.ReplaceAllString(strings.Join(h.Values("Proxy-Status"), ","), ""), ",")
	if m := statusError.FindStringSubmatch(all[len(all)-1]); m != nil {
		return m[1]
	}
	return ""
}

// passedOn reports whether the answer says that a proxy passed it on (RFC 9110 section 7.6.3). Many proxies do not say
// so.
func passedOn(h http.Header) bool { return h.Get("Via") != "" }
