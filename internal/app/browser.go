package app

import (
	"net/http"
	"net/url"
)

// A reach is from where a browser may be sent to a route. The zero reach is the smallest.
type reach int

const (
	// For what costs something, changes something or needs credentials, which a browser sends along: pages
	// of the exporter itself may ask for it, and the user.
	sameSite reach = iota
	// For what a link of another site may lead to, such as one in a message.
	linked
	// For pictures that pages of other sites show.
	embedded
)

// within refuses what a page of another site makes a browser ask for, beyond the reach of h. Programs do not send these
// headers. For methods that change something http.CrossOriginProtection does the same.
func (a *App) within(reach reach, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.fromElsewhere(r) && !reach.allows(r) {
			a.refuseSite(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// allows reports whether a page of another site may make a browser ask for this.
func (reach reach) allows(r *http.Request) bool {
	switch reach {
	case linked:
		return navigation(r)
	case embedded:
		return navigation(r) || r.Header.Get("Sec-Fetch-Dest") == "image"
	case sameSite:
	}
	return false
}

func (a *App) refuseSite(w http.ResponseWriter, _ *http.Request) {
	a.metrics.refuse(refusedCrossSite)
	http.Error(w, "a page of another site asks for this", http.StatusForbidden)
}

// fromElsewhere reports whether a page of another origin has made a browser ask (Fetch Metadata Request Headers,
// section 2.2). Browsers that do not say so still send an Origin with what a script may read.
func (a *App) fromElsewhere(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
		origin := r.Header.Get("Origin")
		if origin == "" {
			return false
		}
		u, err := url.Parse(origin)
		return err != nil || u.Host != r.Host && origin != a.origin()
	default:
		return true
	}
}

// navigation reports whether the answer replaces what the browser shows, because the user has followed a link.
func navigation(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// contentPolicy is the content security policy: nothing is loaded, nothing is run, no form is sent, and no other page shows the answer in a frame.
const contentPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// safely has a browser take every answer for what it is, show it in no frame, keep it nowhere and tell nobody of it.
func safely(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Content-Security-Policy", contentPolicy)
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		h.ServeHTTP(w, r)
	})
}
