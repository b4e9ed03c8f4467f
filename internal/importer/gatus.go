package importer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Gatus takes the endpoints of a configuration of Gatus that are probed over HTTP or by WebSocket.
func (im *Importer) Gatus(name string, data []byte) error {
	root, err := parseWith(name, data, "endpoints")
	if err != nil && inBraces.Match(data) { // {url: ${URL}} is YAML once its variables are replaced, which Gatus does first
		if hidden, again := parseWith(name, inBraces.ReplaceAll(data, []byte("\ue000$1\ue001")), "endpoints"); again == nil {
			root, err = hidden, nil
			showBraces(root)
		}
	}
	if err != nil {
		return err
	}
	b := &batch{im: im, file: name}
	endpoints, before := value(root, "endpoints"), len(im.targets)
	for key, v := range pairs(root) {
		switch {
		case key.Value == "endpoints" || v.ShortTag() == "!!null":
		case key.Value == "maintenance" && v.Kind == yaml.MappingNode:
			im.gatusMaintenance(name, plainMap(v))
		default:
			im.gatusSection(name, key.Value, v)
		}
	}
	if endpoints == nil || endpoints.Kind != yaml.SequenceNode {
		im.drop("%s: it has no list of endpoints", name)
		return nil
	}
	for i, n := range endpoints.Content {
		values, ok := plain(n).(map[string]any)
		if !ok {
			im.drop("%s: endpoints[%d]: want a mapping", name, i)
			continue
		}
		b.endpoint(values)
	}
	b.end()
	for _, t := range im.targets[before:] {
		im.gatus[t] = true
	}
	if len(im.targets) > before {
		im.change("%s: requests have no User-Agent of Gatus, and HTTP/2 is spoken where a target offers it", name)
	}
	return nil
}

// inBraces is a variable whose braces YAML may take for those of a mapping. Meanwhile it has characters of nobody around it.
var inBraces = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// showBraces puts back the braces of variables.
func showBraces(n *yaml.Node) {
	n.Value = strings.NewReplacer("\ue000", "${", "\ue001", "}").Replace(n.Value)
	for _, c := range n.Content {
		showBraces(c)
	}
}

// gatusSections are sections of a Gatus configuration, with what there is instead.
var gatusSections = map[string]string{
	"alerting":           "Alertmanager decides who is told: docs/alertmanager.md",
	"external-endpoints": "they report by themselves, so there is nothing to probe",
	"suites":             "a probe here is one request, and not several that build on each other",
	"security":           "docs/access.md says who may read",
	"services":           "it is the old name of endpoints",
}

func (im *Importer) gatusSection(file, key string, v *yaml.Node) {
	switch why := gatusSections[key]; {
	case v.Kind == yaml.SequenceNode && why != "":
		im.drop("%s: %s (%d of them): %s", file, key, len(v.Content), why)
	case why != "":
		im.drop("%s: %s: %s", file, key, why)
	default:
		im.drop("%s: %s: it is not about targets", file, key)
	}
}

// gatusMaintenance takes the maintenance of all endpoints.
func (im *Importer) gatusMaintenance(file string, values map[string]any) {
	values, why := im.expandAll(values)
	r := newRecord(values)
	var windows []window
	if why == "" {
		windows, why = gatusWindows(r)
	}
	if why == "" && len(*r.wrong) > 0 {
		why = strings.Join(*r.wrong, "; ")
	}
	if why != "" {
		im.drop("%s: maintenance: %s", file, why)
		return
	}
	im.maintenance = append(im.maintenance, windows...)
}

// endpoint takes an endpoint, after variables in it were replaced.
func (b *batch) endpoint(values map[string]any) {
	b.pending = nil
	replaced, missing := b.im.expandAll(values)
	r := newRecord(replaced)
	group, address := r.text("group"), strings.TrimSpace(r.text("url"))
	m := &monitor{name: b.title(r.text("name"), address), url: address, labels: r.textMap("extra-labels"), interval: time.Minute}
	if why := cmp.Or(missing, b.notHTTP(r, address)); why != "" {
		b.drop(m.name, "%s", why)
		return
	}
	if group != "" {
		m.instead = visible(group + "/" + m.name)
		m.labels["group"] = group
	}
	b.seenVariables(values)
	m.environment = takeLabel(m.labels, "environment")
	m.interval = r.duration("interval", m.interval)
	for _, v := range r.list("maintenance-windows") {
		values, _ := v.(map[string]any)
		windows, why := gatusWindows(&record{path: "maintenance-windows.", values: values, asked: map[string]bool{}, wrong: r.wrong})
		if why != "" {
			b.drop(m.name, "maintenance-windows: %s", why)
		}
		m.maintenance = append(m.maintenance, windows...)
	}
	g := &gatusEndpoint{batch: b, monitor: m, record: r, codes: anyCode()}
	if g.read() && !b.refused(m.name, r) {
		if r.has("alerts") {
			b.drop(m.name, "alerts: %s", gatusSections["alerting"])
		}
		ui := r.in("ui")
		for _, key := range []string{"hide-hostname", "hide-url"} {
			if ui.yes(key) {
				b.change("ui.%s: the page, the metrics and /sd show its URL", key)
			}
		}
		b.leftKeys(m.name, r)
		b.take(m)
	}
}

// takeLabel removes a label and returns its value.
func takeLabel(labels map[string]string, name string) string {
	v := visible(labels[name])
	delete(labels, name)
	return v
}

var schemeForm = regexp.MustCompile(`^([a-z]+)://`)

// notHTTP says why an endpoint is not probed, or is empty.
func (b *batch) notHTTP(r *record, address string) string {
	scheme := ""
	if m := schemeForm.FindStringSubmatch(address); m != nil {
		scheme = m[1]
	}
	switch enabled := r.text("enabled"); {
	case enabled != "" && !r.yes("enabled"):
		return "it is not enabled"
	case r.has("dns"):
		scheme = "dns"
	case r.has("ssh"):
		scheme = "ssh"
	case scheme == "":
		return "url: want a URL with a scheme"
	}
	if slices.Contains([]string{"http", "https", "ws", "wss"}, scheme) {
		return ""
	}
	return fmt.Sprintf("it is probed by %s, and this exporter probes over HTTP and by WebSocket", scheme)
}

// duration reads a duration of Go, as Gatus does.
func (r *record) duration(key string, fallback time.Duration) time.Duration {
	text := r.text(key)
	d, err := time.ParseDuration(text)
	switch {
	case text == "" || text == "0":
		return fallback
	case err != nil || d < 0:
		r.refuse(key, "a duration such as 30s")
		return fallback
	case d == 0:
		return fallback
	default:
		return d
	}
}

// expandAll replaces the environment variables in all texts, or says why it cannot.
func (im *Importer) expandAll(values map[string]any) (replaced map[string]any, why string) {
	missing := map[string]bool{}
	replaced, _ = mapTexts(values, func(s string) string { return im.expand(s, missing) }).(map[string]any)
	if len(missing) > 0 {
		why = fmt.Sprintf("it needs the environment variables %s: set them for this command", strings.Join(slices.Sorted(maps.Keys(missing)), ", "))
	}
	return replaced, why
}

// expand replaces the environment variables in a text. It adds those that are not set to missing.
func (im *Importer) expand(s string, missing map[string]bool) string {
	return expandVariables(s, func(name string) string {
		if im.options.Env != nil {
			if v, ok := im.options.Env(name); ok {
				return v
			}
		}
		missing[name] = true
		return ""
	})
}

// expandVariables replaces the environment variables in a text by their values, as Gatus does.
func expandVariables(s string, value func(name string) string) string {
	parts := strings.Split(s, "$$")
	for i, part := range parts {
		parts[i] = os.Expand(part, value)
	}
	return strings.Join(parts, "$")
}

// seenVariables says which variables of an endpoint's URL, in which Gatus users keep secrets, everybody can read.
func (b *batch) seenVariables(values map[string]any) {
	var names []string
	address, _ := values["url"].(string)
	expandVariables(seenPart(address), func(name string) string {
		names = append(names, name)
		return ""
	})
	b.seen("environment variable", names)
}

// A gatusEndpoint is an endpoint while it is read.
type gatusEndpoint struct {
	*batch
	monitor *monitor
	record  *record
	client  clientSettings
	http    httpSettings
	codes   *codes
	json    []string // conditions in CEL
	never   bool     // no answer can meet the conditions
}

// read reads how an endpoint is probed. It returns false if it cannot be taken over, which was reported.
func (g *gatusEndpoint) read() bool {
	r, m := g.record, g.monitor
	headers, body := r.textMap("headers"), r.text("body")
	if !g.readClient(r.in("client")) {
		return false
	}
	body, ok := g.body(body, headers)
	if !ok {
		return false
	}
	for i, text := range r.texts("conditions") {
		g.condition(i, text)
	}
	if g.never || len(g.codes.list()) == 0 && g.codes.list() != nil {
		g.drop(m.name, "no answer can meet its conditions")
		return false
	}
	ownServerName(m.url, headers, &g.client)
	webSocket := strings.HasPrefix(m.url, "ws")
	if g.client.OAuth2 != nil && !webSocket { // over HTTP, Gatus sends the token in the place of such a header
		maps.DeleteFunc(headers, func(name, _ string) bool { return strings.EqualFold(name, "Authorization") })
	}
	g.authorize(headers, &g.client)
	if webSocket {
		g.webSocket(body, headers)
		return true
	}
	h := &g.http
	h.Codes, h.Method, h.Headers, h.Body, h.JSONNotMatches = g.codes.list(), method(r.text("method")), headers, body, strings.Join(g.json, " && ")
	h.clientSettings = g.client
	m.settings = settings{Prober: "http", HTTP: h}
	g.decoded(h)
	return true
}

// unlike are keys of a client without which a probe would ask something else.
var unlike = []string{"identity-aware-proxy", "kerberos", "tunnel"}

func (g *gatusEndpoint) readClient(r *record) bool {
	m := g.monitor
	for _, key := range unlike {
		if r.has(key) {
			g.drop(m.name, "client.%s: this exporter cannot do that", key)
			return false
		}
	}
	m.timeout = r.duration("timeout", 10*time.Second) //nolint:mnd // Gatus' default
	if r.yes("insecure") {
		g.client.tls().Insecure = true
	}
	if r.yes("ignore-redirect") {
		g.http.FollowRedirects = new(bool)
	}
	g.client.ProxyURL = r.text("proxy-url")
	if files := r.in("tls"); len(files.values) > 0 {
		t := g.client.tls()
		t.CertFile, t.KeyFile = files.text("certificate-file"), files.text("private-key-file")
		g.leftKeys(m.name, files)
	}
	if o := r.in("oauth2"); len(o.values) > 0 {
		g.client.OAuth2 = &oauth2{ClientID: o.text("client-id"), ClientSecret: o.text("client-secret"), TokenURL: o.text("token-url"), Scopes: o.texts("scopes")}
		g.leftKeys(m.name, o)
		g.client.OAuth2.ProxyURL = g.client.ProxyURL // the same client asks for the token
		if t := g.client.TLS; t != nil {
			same := *t
			g.client.OAuth2.TLS = &same
		}
	}
	if r.has("dns-resolver") {
		g.drop(m.name, "client.dns-resolver: names are resolved as the system does it")
	}
	r.skip("network") // for ICMP
	g.leftKeys(m.name, r)
	return true
}

var changing = regexp.MustCompile(`\[(RANDOM_STRING_\d+|LOCAL_ADDRESS)\]`)

// body is what is sent, with the placeholders that are always the same.
func (g *gatusEndpoint) body(body string, headers map[string]string) (text string, ok bool) {
	if p := changing.FindString(body); p != "" {
		g.drop(g.monitor.name, "body: %s is another text each time, and a body here is always the same", p)
		return "", false
	}
	body = strings.NewReplacer("[ENDPOINT_NAME]", g.record.text("name"), "[ENDPOINT_GROUP]", g.record.text("group"), "[ENDPOINT_URL]", g.record.text("url")).Replace(body)
	if !g.record.yes("graphql") {
		return body, true
	}
	setHeader(headers, "Content-Type", "application/json")
	query, err := json.Marshal(map[string]string{"query": body})
	return string(query), err == nil
}

// webSocket makes the settings of an endpoint that is asked by WebSocket: Gatus sends the body and waits for a message.
func (g *gatusEndpoint) webSocket(body string, headers map[string]string) {
	m, w := g.monitor, &webSocketSettings{Origin: "http://localhost"}
	for name, v := range headers {
		if strings.EqualFold(name, "Origin") {
			w.Origin = strings.TrimSuffix(v, "/")
			delete(headers, name)
		}
	}
	if body != "" {
		w.Steps = append(w.Steps, step{Send: body})
	} else {
		g.change("no empty message is sent before the target's own is awaited")
	}
	answer := step{Expect: `[\s\S]*`}
	matches := g.http.BodyNotMatches
	switch {
	case len(g.json) > 0:
		answer = step{ExpectJSON: strings.Join(g.json, " && ")}
	case len(matches) > 0:
		answer = step{Expect: matches[0]}
		matches = matches[1:]
	}
	if len(matches)+len(g.http.BodyMatches) > 0 {
		g.drop(m.name, "conditions: a message is judged by one regular expression or by JSON, and it has more conditions")
	}
	w.Steps = append(w.Steps, answer)
	w.with(headers, g.client)
	m.settings = settings{Prober: "websocket", WebSocket: w}
}
