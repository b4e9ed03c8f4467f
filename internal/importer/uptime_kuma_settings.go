package importer

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A kumaPart reads a part of how a monitor is probed, or says why the monitor cannot be taken over.
type kumaPart func(k *kuma, m *monitor, r *record, h *httpSettings) (why string)

// kumaTypes are the types of monitors that are taken over, with what there is to read.
var kumaTypes = map[string][]kumaPart{
	"http":              {(*kuma).headers, (*kuma).auth, (*kuma).network, (*kuma).codes, (*kuma).body},
	"keyword":           {(*kuma).headers, (*kuma).auth, (*kuma).network, (*kuma).codes, (*kuma).body, (*kuma).keyword},
	"json-query":        {(*kuma).headers, (*kuma).auth, (*kuma).network, (*kuma).codes, (*kuma).body, (*kuma).jsonQuery},
	"websocket-upgrade": {(*kuma).headers, (*kuma).auth, (*kuma).network, (*kuma).webSocket},
}

// settings reads how a monitor is probed.
func (k *kuma) settings(m *monitor, r *record, parts []kumaPart) (why string) {
	h := &httpSettings{}
	m.settings = settings{Prober: "http", HTTP: h}
	for _, part := range parts {
		if why := part(k, m, r, h); why != "" {
			return why
		}
	}
	k.authorize(h.Headers, &h.clientSettings)
	if a := h.Authorization; a != nil && a.Credentials == "" { // so are those of a backup without its secrets
		return "bearer_token: want a token"
	}
	if w := m.settings.WebSocket; w != nil {
		w.with(h.Headers, h.clientSettings)
		return ""
	}
	h.Method = method(r.text("method"))
	k.decoded(h)
	return ""
}

func (k *kuma) headers(_ *monitor, r *record, h *httpSettings) (why string) {
	h.Headers = map[string]string{}
	text := r.text("headers")
	if strings.TrimSpace(text) == "" {
		return ""
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var values map[string]any
	if d.Decode(&values) != nil {
		return "headers: want a text that is a JSON object"
	}
	for name, v := range values {
		s, ok := scalarText(v)
		if !ok {
			return "headers: want texts in the JSON object"
		}
		h.Headers[name] = s
	}
	return ""
}

// codes reads the accepted status codes: codes and ranges.
func (k *kuma) codes(_ *monitor, r *record, h *httpSettings) (why string) {
	if !r.has("accepted_statuscodes") { // 2xx there, and here
		return ""
	}
	c, why := accepted(r)
	if why != "" {
		return why
	}
	var valid codes
	for _, one := range c {
		valid.add(one[0], one[1])
	}
	if h.Codes = valid.list(); h.Codes != nil && len(h.Codes) == 0 {
		return "accepted_statuscodes: no answer can have one of them"
	}
	return ""
}

var rangeForm = regexp.MustCompile(`^\s*(\d{1,6})(?:-(\d{1,6}))?\s*$`)

// accepted are the first and the last code of each accepted range.
func accepted(r *record) (all [][2]int, why string) {
	for _, text := range r.texts("accepted_statuscodes") {
		found := rangeForm.FindStringSubmatch(text)
		if found == nil {
			return nil, "accepted_statuscodes: want codes and ranges such as 200-299"
		}
		from, _ := strconv.Atoi(found[1])
		to := from
		if found[2] != "" {
			to, _ = strconv.Atoi(found[2])
		}
		all = append(all, [2]int{from, to})
	}
	return all, ""
}

// kumaBodies are the content types of bodies by their encoding.
var kumaBodies = map[string]string{"": "application/json", "json": "application/json", "form": "application/x-www-form-urlencoded", "xml": "text/xml; charset=utf-8"}

func (k *kuma) body(_ *monitor, r *record, h *httpSettings) (why string) {
	body, encoding := r.text("body"), r.text("httpBodyEncoding")
	contentType, ok := kumaBodies[encoding]
	switch {
	case strings.TrimSpace(body) == "":
		return ""
	case !ok:
		return "httpBodyEncoding: want json, form or xml"
	case contentType == kumaBodies[""] && !json.Valid([]byte(body)):
		return "body: it is not JSON, which its encoding wants"
	}
	h.Body = body
	setHeader(h.Headers, "Content-Type", contentType)
	return ""
}

func (k *kuma) auth(_ *monitor, r *record, h *httpSettings) (why string) {
	how := r.text("authMethod")
	if _, ok := r.values["authMethod"]; !ok && r.text("basic_auth_user") != "" { // before 1.18
		how = "basic"
	}
	switch how {
	case "", "null", "none":
	case "basic":
		h.BasicAuth = &basicAuth{r.text("basic_auth_user"), r.text("basic_auth_pass")}
	case "bearer":
		h.Authorization = &authorization{"Bearer", r.text("bearer_token")}
	case "mtls":
		t := h.tls()
		t.CA, t.Cert, t.Key = r.text("tlsCa"), r.text("tlsCert"), r.text("tlsKey")
	case "oauth2-cc":
		h.OAuth2 = &oauth2{ClientID: r.text("oauth_client_id"), ClientSecret: r.text("oauth_client_secret"), TokenURL: r.text("oauth_token_url"), Scopes: strings.Fields(r.text("oauth_scopes"))}
		if audience := r.text("oauth_audience"); audience != "" {
			h.OAuth2.Params = map[string]string{"audience": audience}
		}
	default:
		return fmt.Sprintf("authMethod: this exporter cannot do %q", how)
	}
	return ""
}

// maxRedirects is how many redirects a probe follows here, and there by default.
const maxRedirects = 10

// network reads which way a request goes.
func (k *kuma) network(_ *monitor, r *record, h *httpSettings) (why string) {
	if r.yes("ignoreTls") {
		h.tls().Insecure = true
	}
	switch n := r.number("maxredirects", maxRedirects); {
	case n == 0:
		h.FollowRedirects = new(bool)
	case n != maxRedirects:
		k.change("maxredirects: up to %d redirects are followed here", maxRedirects)
	}
	switch family := r.text("ipFamily"); family {
	case "ipv4", "ipv6":
		h.IPProtocol, h.IPFallback = "ip"+family[3:], new(bool)
	case "", "auto":
	default:
		return fmt.Sprintf("ipFamily: this exporter does not know %q", family)
	}
	id := r.text("proxyId")
	if id == "" {
		return ""
	}
	values, ok := k.proxies[id]
	if !ok {
		return "proxyId: the backup does not have this proxy"
	}
	h.ProxyURL, why = kumaProxy(newRecord(values))
	return why
}

// kumaProxy is the URL of a proxy. It is empty if the proxy is not in use.
func kumaProxy(p *record) (address, why string) {
	protocol := p.text("protocol")
	switch {
	case p.has("active") && !p.yes("active"):
		return "", ""
	case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, protocol):
		return "", fmt.Sprintf("proxyId: this exporter does not know proxies of %q", protocol)
	}
	u := url.URL{Scheme: protocol, Host: p.text("host") + ":" + p.text("port")}
	if p.yes("auth") {
		u.User = url.UserPassword(p.text("username"), p.text("password"))
	}
	return u.String(), ""
}

// punctuation is that of JSON, in a regular expression.
var punctuation = regexp.MustCompile(`(:|,|\\?[{}\[\]])`)

// keyword is looked for in the body, in which Uptime Kuma has left out the spaces if it is JSON.
func (k *kuma) keyword(_ *monitor, r *record, h *httpSettings) (why string) {
	word, inverted := r.text("keyword"), r.yes("invertKeyword")
	expression := regexp.QuoteMeta(word)
	if strings.Contains(word, `"`) && strings.ContainsAny(word, ":,{}[]") {
		expression = punctuation.ReplaceAllString(expression, `\s*$1\s*`)
		k.change("keyword: spaces around its punctuation do not matter, because Uptime Kuma looks for it in JSON without spaces")
	}
	if strings.ContainsFunc(word, func(r rune) bool { return r > unicode.MaxASCII || strings.ContainsRune(`/<>&'`, r) }) {
		k.change(`keyword: it is looked for as it is, while Uptime Kuma reads JSON before: in a body of JSON it is not found where that has \u and a number, or \/`)
	}
	switch {
	case word == "" && inverted:
		return "invertKeyword: the keyword is empty, and every body contains that"
	case word == "":
	case inverted:
		h.BodyMatches = []string{expression}
	default:
		h.BodyNotMatches = []string{expression}
	}
	return ""
}

// jsonataPath is a path through objects and by indexes in JSONata (https://docs.jsonata.org/simple).
var jsonataPath = regexp.MustCompile("^(?:[A-Za-z_][A-Za-z0-9_]*|`[^`.\\[\\]]+`)(?:\\[\\d+\\])*(?:\\.(?:[A-Za-z_][A-Za-z0-9_]*|`[^`.\\[\\]]+`)(?:\\[\\d+\\])*)*$")

// kumaOperators make conditions in CEL from a path and a text.
var kumaOperators = map[string]func(p jsonPath, text string) string{
	"":   func(p jsonPath, text string) string { return p.equals([]string{text}) },
	"==": func(p jsonPath, text string) string { return p.equals([]string{text}) },
	"!=": kumaNotEqual,
	"contains": func(p jsonPath, text string) string {
		return "string(" + p.converted() + ").contains(" + celText(text) + ")"
	},
	"<":  func(p jsonPath, text string) string { return p.compare("<", text) },
	"<=": func(p jsonPath, text string) string { return p.compare("<=", text) },
	">":  func(p jsonPath, text string) string { return p.compare(">", text) },
	">=": func(p jsonPath, text string) string { return p.compare(">=", text) },
}

// kumaNotEqual is true of other values that are a text, a number or a bool. As there, what is null, a list or an object is neither equal nor
// unequal: it has no text.
func kumaNotEqual(p jsonPath, text string) string {
	return "!(" + p.equals([]string{text}) + ") && string(" + p.converted() + ") != " + celText(text)
}

// jsonQuery compares a value of a JSON body.
func (k *kuma) jsonQuery(_ *monitor, r *record, h *httpSettings) (why string) {
	query := strings.TrimSpace(r.text("jsonPath"))
	var p jsonPath
	if rest := strings.TrimPrefix(query, "$"); rest != "" {
		rest = strings.TrimPrefix(rest, ".")
		ok := jsonataPath.MatchString(rest)
		if ok {
			p, ok = dotted(strings.ReplaceAll(rest, "`", ""))
		}
		if !ok {
			return "jsonPath: only a path of keys and indexes is taken over, such as $.checks[0].status"
		}
		k.change("jsonPath: a list in the path needs an index here, while Uptime Kuma looks into each of its items")
	} else {
		k.change("jsonPath: a body that is not JSON fails here, while Uptime Kuma compares it as a text")
	}
	condition := kumaOperators[r.text("jsonPathOperator")]
	if condition == nil {
		return fmt.Sprintf("jsonPathOperator: this exporter does not know %q", r.text("jsonPathOperator"))
	}
	if h.JSONNotMatches = condition(p, r.text("expectedValue")); h.JSONNotMatches == "" {
		return "expectedValue: want a number to compare with"
	}
	return ""
}

// normalClose is the code with which a WebSocket is closed that did what it should (RFC 6455 section 7.4.1).
const normalClose = 1000

func (k *kuma) webSocket(m *monitor, r *record, h *httpSettings) (why string) {
	accepted, why := accepted(r)
	if why == "" && len(accepted) > 0 && !slices.ContainsFunc(accepted, func(c [2]int) bool { return c[0] <= normalClose && normalClose <= c[1] }) {
		why = fmt.Sprintf("accepted_statuscodes: a WebSocket that is closed normally has the code %d, which is not among them", normalClose)
	}
	if why != "" {
		return why
	}
	if r.yes("wsIgnoreSecWebsocketAcceptHeader") {
		k.drop(m.name, "wsIgnoreSecWebsocketAcceptHeader: a handshake without that header fails here")
	}
	w := &webSocketSettings{IPProtocol: h.IPProtocol, IPFallback: h.IPFallback}
	for name := range strings.SplitSeq(r.text("wsSubprotocol"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			w.Subprotocols = append(w.Subprotocols, name)
		}
	}
	r.skip("method", "body")
	m.settings = settings{Prober: "websocket", WebSocket: w}
	return ""
}
