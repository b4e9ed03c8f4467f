package prober

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"

	"golang.org/x/net/publicsuffix"
)

// What a probe keeps of the cookies that redirects set, as RFC 6265 section 6.1 asks for at least: how many, and how many
// bytes of each.
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
