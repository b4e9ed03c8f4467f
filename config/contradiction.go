package config

import (
	"slices"
	"strings"
)

// A contradiction is a combination of settings with which every probe fails. What only makes it unlikely that one
// succeeds is not one: blackbox_exporter loads it, and it may be meant.
type contradiction struct {
	holds bool
	keys  []string // all keys that cause it; it is reported at the first
	text  string
}

const everyProbe = ": every probe would fail"

// contradictions refuses a module with which every probe fails.
func (c *checker) contradictions(p place, h *HTTP) {
	for _, x := range slices.Concat(h.versionContradictions(), h.bodyContradictions(), h.matchContradictions()) {
		c.contradiction(p, x)
	}
}

// contradiction reports x if it holds and all keys that cause it were read.
func (c *checker) contradiction(p place, x contradiction) {
	if x.holds && !slices.ContainsFunc(x.keys, func(key string) bool { return !c.read(p.field(key)) }) {
		c.fail(c.sub(p, x.keys[0]), "%s%s", x.text, everyProbe)
	}
}

// spoken returns the HTTP versions that an answer may have. HTTP/2 is only spoken over TLS.
func (h *HTTP) spoken(overTLS bool) []string {
	switch {
	case h.EnableHTTP3:
		return []string{versions["HTTP/3"]}
	case h.Client.EnableHTTP2 && overTLS:
		return []string{versions["HTTP/1.0"], versions["HTTP/1.1"], versions["HTTP/2"]}
	default:
		return []string{versions["HTTP/1.0"], versions["HTTP/1.1"]}
	}
}

// speaks reports whether an answer can have one of valid_http_versions. A wrong name is reported elsewhere.
func (h *HTTP) speaks(overTLS bool) bool {
	v := h.ValidHTTPVersions
	return len(v) == 0 || slices.Contains(v, "") || slices.ContainsFunc(h.spoken(overTLS), func(s string) bool { return slices.Contains(v, s) })
}

func (h *HTTP) versionContradictions() []contradiction {
	want := "want one that the module speaks, " + orList(h.spoken(!h.FailIfSSL)) + " (HTTP/2 needs enable_http2 and TLS, HTTP/3 needs enable_http3)"
	if h.EnableHTTP3 {
		want = "contradicts enable_http3: HTTP/3 is not among them"
	}
	return []contradiction{
		{!h.speaks(!h.FailIfSSL), []string{"valid_http_versions", "enable_http3", "enable_http2", "fail_if_ssl"}, want},
		{h.FailIfSSL && h.FailIfNotSSL, []string{"fail_if_not_ssl", "fail_if_ssl"}, "contradicts fail_if_ssl"},
	}
}

// onlyCodes reports whether there are valid status codes, and all of them are among these.
func (h *HTTP) onlyCodes(among func(code int) bool) bool {
	return len(h.ValidStatusCodes) > 0 && !slices.ContainsFunc(h.ValidStatusCodes, func(r StatusRange) bool {
		for code := r.From; code <= r.To; code++ {
			if !among(code) {
				return true
			}
		}
		return false
	})
}

// Status codes (RFC 9110 section 15) and a method that say what an answer may have.
const (
	statusSwitching   = 101
	statusOK          = 200
	statusNoContent   = 204
	statusNotModified = 304
	methodHead        = "HEAD"
)

// interim reports whether a status code never ends an answer (RFC 9110 section 15.2).
func interim(code int) bool {
	return minStatus <= code && code < statusOK && code != statusSwitching
}

// bodiless reports whether an answer with the status code has no body (RFC 9110 section 6.4.1).
func bodiless(code int) bool {
	return code < statusOK || code == statusNoContent || code == statusNotModified
}

// bodyContradictions are those about the body of an answer. An answer without a body is judged like an empty one, which is
// not JSON.
func (h *HTTP) bodyContradictions() []contradiction {
	empty, keys, why := h.Method == methodHead, []string{"method"}, "the answer to HEAD has no body"
	if !empty {
		empty, keys, why = h.onlyCodes(bodiless), []string{"valid_status_codes"}, "no answer with one of valid_status_codes has a body"
	}
	matches := func(re Regexp) bool { return re.Regexp != nil && re.MatchString("") }
	differs := func(re Regexp) bool { return re.Regexp != nil && !re.MatchString("") }
	at := func(key string) []string { return append([]string{key}, keys...) }
	return []contradiction{
		{h.onlyCodes(interim), []string{"valid_status_codes"}, "has only codes that another answer follows"},
		{empty && slices.ContainsFunc(h.FailIfBodyMatches, matches), at("fail_if_body_matches_regexp"), why + ", and the expression matches an empty one"},
		{empty && slices.ContainsFunc(h.FailIfBodyNotMatches, differs), at("fail_if_body_not_matches_regexp"), why + ", and the expression does not match an empty one"},
		{empty && h.FailIfBodyJSONMatch != nil, at("fail_if_body_json_matches_cel"), why + ", and so no JSON"},
		{empty && h.FailIfBodyJSONNotMatch != nil, at("fail_if_body_json_not_matches_cel"), why + ", and so no JSON"},
	}
}

// matchContradictions are conditions that forbid and demand the same.
func (h *HTTP) matchContradictions() []contradiction {
	body := slices.ContainsFunc(h.FailIfBodyMatches, func(re Regexp) bool {
		return re.Regexp != nil && slices.ContainsFunc(h.FailIfBodyNotMatches, func(other Regexp) bool {
			return other.Regexp != nil && other.String() == re.String()
		})
	})
	header := slices.ContainsFunc(h.FailIfHeaderMatches, func(m HeaderMatch) bool {
		return m.Regexp.Regexp != nil && slices.ContainsFunc(h.FailIfHeaderNotMatches, func(other HeaderMatch) bool {
			return other.Regexp.Regexp != nil && strings.EqualFold(m.Header, other.Header) && other.Regexp.String() == m.Regexp.String() &&
				(!m.AllowMissing || !other.AllowMissing)
		})
	})
	forbidden, wanted := h.FailIfBodyJSONMatch, h.FailIfBodyJSONNotMatch
	return []contradiction{
		{
			body,
			[]string{"fail_if_body_not_matches_regexp", "fail_if_body_matches_regexp"},
			"has an expression that is also in fail_if_body_matches_regexp",
		},
		{
			header,
			[]string{"fail_if_header_not_matches", "fail_if_header_matches"},
			"has a header with an expression that is also in fail_if_header_matches",
		},
		{
			forbidden != nil && wanted != nil && forbidden.Expression == wanted.Expression,
			[]string{"fail_if_body_json_not_matches_cel", "fail_if_body_json_matches_cel"},
			"is also the expression of fail_if_body_json_matches_cel",
		},
	}
}
