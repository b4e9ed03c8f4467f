package prober

import (
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// maxRedirects is how many redirects a probe follows.
const maxRedirects = 10

// checkRedirect has the client follow a redirect, return the redirect itself, or give up.
func (x *exchange) checkRedirect(req *http.Request, via []*http.Request) error {
	x.redirects = len(via)
	switch {
	case !x.prober.cfg.Client.FollowRedirects:
		return http.ErrUseLastResponse
	case x.redirects > maxRedirects:
		return failf(ReasonRedirectLimit, PhaseProcessing, "redirected more than %d times", maxRedirects)
	}
	x.location = MaskURL(req.URL)
	x.trace.event("Following redirect", slog.String("location", x.location))
	return nil
}

// stopAtRedirect drops the connection of a redirect that the client will follow, so that its body is not waited for. It
// also checks what the client would complain about, because the client quotes the location.
func (x *exchange) stopAtRedirect(resp *http.Response) (*http.Response, error) {
	location := resp.Header.Get("Location")
	if !x.prober.cfg.Client.FollowRedirects || location == "" || !isRedirect(resp.StatusCode) {
		return resp, nil
	}
	if _, err := url.Parse(location); err != nil {
		return nil, failf(ReasonHeader, PhaseProcessing, "redirected with status %d to a Location that is not a URL", resp.StatusCode)
	}
	x.close()
	resp.Body = http.NoBody
	// The client keeps the response of every redirect, and needs only these.
	resp.Header = http.Header{"Location": {location}, "Set-Cookie": resp.Header["Set-Cookie"]}
	return resp, nil
}

func isRedirect(code int) bool {
	switch code {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	default:
		return false
	}
}

// sameOrigin reports whether credentials for a may be sent to b. It needs the same scheme, host and port, or a step
// from http to https on the same host, with the same port or the default ports of both.
func sameOrigin(a, b *url.URL) bool {
	if !strings.EqualFold(a.Hostname(), b.Hostname()) {
		return false
	}
	_, portA := hostPort(a)
	_, portB := hostPort(b)
	if a.Scheme == "http" && b.Scheme == "https" && portA == "80" && portB == "443" {
		return true
	}
	return portA == portB && (a.Scheme == b.Scheme || b.Scheme == "https")
}

// How many cookies a probe keeps from redirects, and how many bytes of each. RFC 6265 section 6.1 asks for at least
// these.
const (
	maxCookies     = 50
	maxCookieBytes = 4096
)

// A boundedJar is the cookie jar of one probe. Cookies beyond its bounds are not kept.
type boundedJar struct {
	http.CookieJar
	room int // for so many cookies
}

func newJar() (*boundedJar, error) {
	jar, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
	return &boundedJar{jar, maxCookies}, err
}

// SetCookies implements http.CookieJar.
func (j *boundedJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	var kept []*http.Cookie
	for _, c := range cookies {
		if j.room > 0 && len(c.Name)+len(c.Value)+len(c.Domain)+len(c.Path) <= maxCookieBytes {
			kept = append(kept, c)
			j.room--
		}
	}
	j.CookieJar.SetCookies(u, kept)
}
