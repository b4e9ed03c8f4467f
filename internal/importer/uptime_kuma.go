package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// UptimeKuma takes the monitors of a backup of Uptime Kuma that are probed over HTTP or by WebSocket.
func (im *Importer) UptimeKuma(name string, data []byte) error {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return fmt.Errorf("reading %q: it is not valid JSON", name) // the error may repeat a secret
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading %q: there is something after the backup", name)
	}
	backup, _ := doc.(map[string]any)
	list, ok := kumaList(doc, backup["monitorList"])
	if !ok {
		return fmt.Errorf("reading %q: it has no monitorList, want a backup of Uptime Kuma", name)
	}
	k := &kuma{batch: &batch{im: im, file: name}, proxies: byID(backup["proxyList"]), monitors: byID(list)}
	before := len(im.targets)
	for i, v := range list {
		values, ok := v.(map[string]any)
		if !ok {
			im.drop("%s: monitorList[%d]: want an object", name, i)
			continue
		}
		k.monitor(newRecord(values))
	}
	if notifications, _ := backup["notificationList"].([]any); len(notifications) > 0 {
		im.drop("%s: notificationList (%d of them): %s", name, len(notifications), gatusSections["alerting"])
	}
	k.end()
	if len(im.targets) > before {
		im.change("%s: requests have no User-Agent and no Accept of Uptime Kuma, and HTTP/2 is spoken where a target offers it", name)
	}
	return nil
}

// kumaList is the list of monitors: the list in a backup, an object with them by their numbers, or all that there is.
func kumaList(doc, monitors any) (list []any, ok bool) {
	if list, ok = doc.([]any); ok {
		return list, true
	}
	byNumber, isObject := monitors.(map[string]any)
	if !isObject {
		list, ok = monitors.([]any)
		return list, ok
	}
	keys := slices.SortedFunc(maps.Keys(byNumber), func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	for _, key := range keys {
		list = append(list, byNumber[key])
	}
	return list, true
}

// byID finds the objects of a list by their number.
func byID(list any) map[string]map[string]any {
	all := map[string]map[string]any{}
	items, _ := list.([]any)
	for _, item := range items {
		if values, ok := item.(map[string]any); ok {
			if id, ok := scalarText(values["id"]); ok && id != "" {
				all[id] = values
			}
		}
	}
	return all
}

// A kuma reads the monitors of a backup.
type kuma struct {
	*batch
	proxies, monitors map[string]map[string]any
}

// kumaTypes are the types of monitors that are taken over, with what reads the rest of them.
var kumaTypes = map[string]func(k *kuma, m *monitor, r *record, h *httpSettings) (why string){
	"http":              func(*kuma, *monitor, *record, *httpSettings) string { return "" },
	"keyword":           (*kuma).keyword,
	"json-query":        (*kuma).jsonQuery,
	"websocket-upgrade": func(*kuma, *monitor, *record, *httpSettings) string { return "" },
}

// kumaElsewhere are keys that are about other types of monitors, about how they are shown, or about what else is kept of them.
var kumaElsewhere = []string{
	"id", "pathName", "childrenIDs", "weight", "forceInactive", "maintenance", "screenshot", "includeSensitiveData", "hostname", "port", "packetSize", "dns_resolve_type",
	"dns_resolve_server", "dns_last_result", "game", "gamedigGivenPortOnly", "docker_container", "docker_host", "pushToken", "grpcUrl", "grpcProtobuf", "grpcMethod", "grpcServiceName",
	"grpcEnableTls", "grpcBody", "grpcMetadata", "databaseConnectionString", "databaseQuery", "radiusUsername", "radiusPassword", "radiusSecret", "radiusCalledStationId",
	"radiusCallingStationId", "mqttTopic", "mqttSuccessMessage", "mqttUsername", "mqttPassword", "mqttCheckType", "mqttWebsocketPath", "kafkaProducerTopic", "kafkaProducerBrokers",
	"kafkaProducerSsl", "kafkaProducerAllowAutoTopicCreation", "kafkaProducerMessage", "kafkaProducerSaslOptions", "remote_browser", "snmpOid", "snmpVersion", "rabbitmqNodes",
	"rabbitmqUsername", "rabbitmqPassword", "smtpSecurity", "ping_count", "ping_numeric", "ping_per_request_timeout", "manual_status", "saveResponse", "saveErrorResponse",
	"responseMaxLength", "authWorkstation", "authDomain", "httpBodyEncoding", "jsonPath", "jsonPathOperator", "expectedValue", "keyword", "invertKeyword", "wsSubprotocol",
	"conditions", "basic_auth_user", "basic_auth_pass", "oauth_client_id", "oauth_client_secret", "oauth_token_url", "oauth_scopes", "oauth_auth_method", "oauth_audience",
	"tlsCa", "tlsCert", "tlsKey", "retryInterval", "retryOnlyOnStatusCodeFailure", "user_id", "subtype", "location", "protocol",
}

// monitor takes one monitor.
func (k *kuma) monitor(r *record) {
	kind, address := r.text("type"), strings.TrimSpace(r.text("url"))
	m := &monitor{name: k.title(r.text("name"), address), url: address, labels: map[string]string{}}
	read := kumaTypes[kind]
	switch {
	case kind == "group":
		k.change(m.name, "it is a group, which is the label group of its monitors")
		return
	case read == nil:
		k.drop(m.name, "its type is %q, and this exporter probes over HTTP and by WebSocket", kind)
		return
	case !k.active(r):
		k.drop(m.name, "it is paused")
		return
	case r.yes("upsideDown"):
		k.drop(m.name, "upsideDown: it is up while it fails, and a target here is up while it is healthy")
		return
	}
	m.interval = seconds(r.number("interval", 60))                         //nolint:mnd // the default there
	m.timeout = seconds(r.number("timeout", 0.8*r.number("interval", 60))) //nolint:mnd // what it was before 1.23
	k.tags(m, r)
	if !k.settings(m, r, kind, read) || k.refused(m.name, r) {
		return
	}
	k.notes(m, r)
	k.take(m)
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// active reports whether a monitor and all of its groups are.
func (k *kuma) active(r *record) bool {
	off := func(values map[string]any) bool {
		v, ok := values["active"]
		return ok && v != nil && !newRecord(values).yes("active")
	}
	if r.skip("active"); off(r.values) {
		return false
	}
	return !slices.ContainsFunc(k.groups(r), off)
}

// maxGroups is how deep groups may be in groups.
const maxGroups = 50

// groups are the groups of a monitor, the innermost first. Each is there once, whatever a file says.
func (k *kuma) groups(r *record) []map[string]any {
	var all []map[string]any
	seen := map[string]bool{}
	parent := r.text("parent")
	for len(all) < maxGroups && k.monitors[parent] != nil && !seen[parent] {
		seen[parent] = true
		group := k.monitors[parent]
		all = append(all, group)
		parent, _ = scalarText(group["parent"])
	}
	return all
}

// tags makes labels of tags and groups. Tags without a value are together in one label.
func (k *kuma) tags(m *monitor, r *record) {
	var flags, path []string
	for _, v := range r.list("tags") {
		values, ok := v.(map[string]any)
		if !ok {
			r.refuse("tags", "a list of objects")
			return
		}
		tag := newRecord(values)
		name, v := visible(tag.text("name")), tag.text("value")
		switch {
		case v == "":
			flags = append(flags, name)
		case m.labels[name] != "":
			k.drop(m.name, "the tag %q: it has several, and a label has one value", name)
		default:
			m.labels[name] = v
		}
	}
	if len(flags) > 0 {
		slices.Sort(flags)
		setLabel(m.labels, "tags", strings.Join(flags, ","))
	}
	for _, group := range k.groups(r) {
		name, _ := scalarText(group["name"])
		path = append(path, visible(name))
	}
	if len(path) > 0 {
		slices.Reverse(path)
		setLabel(m.labels, "group", strings.Join(path, " / "))
	}
	m.environment = takeLabel(m.labels, "environment")
}

// setLabel sets a label unless it is there.
func setLabel(labels map[string]string, name, v string) {
	if labels[name] == "" {
		labels[name] = v
	}
}

// settings reads how a monitor is probed. It returns false if it cannot be taken over, which was reported.
func (k *kuma) settings(m *monitor, r *record, kind string, read func(*kuma, *monitor, *record, *httpSettings) string) bool {
	h := &httpSettings{}
	for _, part := range []func(*monitor, *record, *httpSettings) string{k.headers, k.auth, k.network} {
		if why := part(m, r, h); why != "" {
			k.drop(m.name, "%s", why)
			return false
		}
	}
	if kind == "websocket-upgrade" {
		return k.webSocket(m, r, h)
	}
	for _, part := range []func(*monitor, *record, *httpSettings) string{
		k.codes, k.body, func(m *monitor, r *record, h *httpSettings) string { return read(k, m, r, h) },
	} {
		if why := part(m, r, h); why != "" {
			k.drop(m.name, "%s", why)
			return false
		}
	}
	h.Method = method(r.text("method"))
	m.settings = settings{Prober: "http", HTTP: h}
	k.authorize(m.name, h.Headers, &h.clientSettings)
	k.decoded(m.name, h)
	return true
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
func (k *kuma) codes(m *monitor, r *record, h *httpSettings) (why string) {
	c, why := k.accepted(m, r)
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

func (k *kuma) accepted(_ *monitor, r *record) (all [][2]int, why string) {
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

func (k *kuma) auth(m *monitor, r *record, h *httpSettings) (why string) {
	how := r.text("authMethod")
	if _, ok := r.values["authMethod"]; !ok && r.text("basic_auth_user") != "" { // before 1.18
		how = "basic"
	}
	switch how {
	case "", "null", "none":
	case "basic":
		h.BasicAuth = k.basic(m.name, r.text("basic_auth_user"), r.text("basic_auth_pass"))
	case "mtls":
		t := h.tls()
		t.CA, t.Cert = r.text("tlsCa"), r.text("tlsCert")
		t.Key, t.KeyFile = k.secret(m.name, "key", r.text("tlsKey"))
	case "oauth2-cc":
		h.OAuth2 = &oauth2{ClientID: r.text("oauth_client_id"), TokenURL: r.text("oauth_token_url"), Scopes: strings.Fields(r.text("oauth_scopes"))}
		h.OAuth2.ClientSecret, h.OAuth2.ClientSecretFile = k.secret(m.name, "client secret", r.text("oauth_client_secret"))
		if r.text("oauth_audience") != "" {
			return "oauth_audience: this exporter cannot send it"
		}
	default:
		return fmt.Sprintf("authMethod: this exporter does not know %q", how)
	}
	return ""
}

// maxRedirects is how many redirects a probe follows here, and there by default.
const maxRedirects = 10

// network reads which way a request goes.
func (k *kuma) network(m *monitor, r *record, h *httpSettings) (why string) {
	if r.yes("ignoreTls") {
		h.tls().Insecure = true
	}
	switch n := r.number("maxredirects", maxRedirects); {
	case n == 0:
		h.FollowRedirects = new(bool)
	case n != maxRedirects:
		k.change(m.name, "maxredirects: up to %d redirects are followed here", maxRedirects)
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

// keyword is looked for in the body, in which Uptime Kuma has left out the spaces if it is JSON.
func (k *kuma) keyword(m *monitor, r *record, h *httpSettings) (why string) {
	word, inverted := r.text("keyword"), r.yes("invertKeyword")
	expression := regexp.QuoteMeta(word)
	if strings.Contains(word, `"`) && strings.ContainsAny(word, ":,{}[]") {
		expression = regexp.MustCompile(`(:|,|\\?[{}\[\]])`).ReplaceAllString(expression, `\s*$1\s*`)
		k.change(m.name, "keyword: there may be spaces at its punctuation, because Uptime Kuma looks for it in JSON without spaces")
	}
	switch {
	case word == "" && inverted:
		return "invertKeyword: no body is without an empty keyword"
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
	"":         func(p jsonPath, text string) string { return p.equals([]string{text}) },
	"==":       func(p jsonPath, text string) string { return p.equals([]string{text}) },
	"!=":       func(p jsonPath, text string) string { return "!(" + p.equals([]string{text}) + ")" },
	"contains": func(p jsonPath, text string) string { return "string(" + p.cel() + ").contains(" + celText(text) + ")" },
	"<":        func(p jsonPath, text string) string { return p.compare("<", text) },
	"<=":       func(p jsonPath, text string) string { return p.compare("<=", text) },
	">":        func(p jsonPath, text string) string { return p.compare(">", text) },
	">=":       func(p jsonPath, text string) string { return p.compare(">=", text) },
}

// jsonQuery compares a value of a JSON body.
func (k *kuma) jsonQuery(m *monitor, r *record, h *httpSettings) (why string) {
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
		k.change(m.name, "jsonPath: a list on the way needs an index here, and JSONata looks into each of its items")
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

func (k *kuma) webSocket(m *monitor, r *record, h *httpSettings) bool {
	accepted, why := k.accepted(m, r)
	if why == "" && len(accepted) > 0 && !slices.ContainsFunc(accepted, func(c [2]int) bool { return c[0] <= normalClose && normalClose <= c[1] }) {
		why = fmt.Sprintf("accepted_statuscodes: a WebSocket that is closed normally has the code %d, which is not among them", normalClose)
	}
	if why != "" {
		k.drop(m.name, "%s", why)
		return false
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
	k.authorize(m.name, h.Headers, &h.clientSettings)
	w.with(h.Headers, h.clientSettings)
	r.skip("method", "body")
	m.settings = settings{Prober: "websocket", WebSocket: w}
	return true
}

// notes says what a monitor has besides how it is probed.
func (k *kuma) notes(m *monitor, r *record) {
	if r.number("maxretries", 0) > 0 {
		k.change(m.name, "maxretries, retryInterval: a target is down at its first failed probe here; after how long people hear of it is for the alerts to say")
	}
	if r.yes("expiryNotification") {
		k.change(m.name, "expiryNotification: %s", gatusElsewhere["[CERTIFICATE_EXPIRATION]"])
	}
	if !empty(r.get("notificationIDList")) || !empty(r.get("resendInterval")) {
		k.drop(m.name, "notificationIDList, resendInterval: %s", gatusSections["alerting"])
	}
	r.skip(kumaElsewhere...)
	k.leftKeys(m.name, r)
}
