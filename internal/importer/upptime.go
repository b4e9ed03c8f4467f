package importer

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/net/http/httpguts"
)

// Upptime takes the sites of a .upptimerc.yml that are probed over HTTP or by WebSocket.
func (im *Importer) Upptime(name string, data []byte) error {
	root, err := parseWith(name, data, "sites")
	if err != nil {
		return err
	}
	sites := value(root, "sites")
	if sites == nil || sites.Kind != yaml.SequenceNode {
		return fmt.Errorf("reading %q: it has no list of sites", name)
	}
	u, before := &upptime{batch: &batch{im: im, file: name}, interval: defaultSchedule}, len(im.targets)
	top := newRecord(plainMap(root))
	u.schedule(top.in("workflowSchedule"))
	top.skip("sites", "owner", "repo")
	for _, key := range top.left() {
		im.drop("%s: %s: it is not about targets", name, key)
	}
	for i, n := range sites.Content {
		values, ok := plain(n).(map[string]any)
		if !ok {
			im.drop("%s: sites[%d]: want a mapping", name, i)
			continue
		}
		u.site(values)
	}
	u.end()
	if len(im.targets) > before {
		im.change("%s: requests have no User-Agent of Upptime, up to %d redirects are followed, and a target is down at its first failed probe, which Upptime repeats twice", name, maxRedirects)
	}
	return nil
}

// An upptime reads the sites of a file.
type upptime struct {
	*batch
	interval time.Duration
}

// defaultSchedule is how often Upptime probes if workflowSchedule does not say.
const defaultSchedule = 5 * time.Minute

var everyMinutes = regexp.MustCompile(`^\*(?:/(\d{1,2}))? \* \* \* \*$`)

// schedule reads how often sites are probed.
func (u *upptime) schedule(r *record) {
	text := strings.Join(strings.Fields(r.text("uptime")), " ")
	if text == "" {
		return
	}
	m := everyMinutes.FindStringSubmatch(text)
	if m == nil {
		m = []string{"", "0"}
	}
	minutes, err := strconv.Atoi(m[1])
	if err != nil { // it is not there
		minutes = 1
	}
	if minutes == 0 {
		u.im.drop("%s: workflowSchedule.uptime: only */N * * * * is understood, taken as 5m", u.file)
		return
	}
	u.interval = time.Duration(minutes) * time.Minute
}

// secretForm is how a site refers to a secret of its repository.
var secretForm = regexp.MustCompile(`\$([A-Z_][A-Z0-9_]*)`)

// secretNames are the names of the secrets in a text.
func secretNames(s string) (names []string) {
	for _, m := range secretForm.FindAllStringSubmatch(s, -1) {
		names = append(names, m[1])
	}
	return names
}

// reveal replaces the secrets in a text by environment variables. It adds those that are not set to missing.
func (im *Importer) reveal(s string, missing map[string]bool) string {
	return secretForm.ReplaceAllStringFunc(s, func(ref string) string {
		if im.options.Env != nil {
			if v, ok := im.options.Env(ref[1:]); ok {
				return v
			}
		}
		missing[ref[1:]] = true
		return ref
	})
}

// upptimeSecrets are the keys of a site in which Upptime replaces secrets. A dollar elsewhere stands for itself.
var upptimeSecrets = []string{"url", "headers", "body"}

// upptimeDegraded are keys that make a site degraded.
var upptimeDegraded = []string{"maxResponseTime", "__dangerous__body_degraded", "__dangerous__body_degraded_if_text_missing"}

func (u *upptime) site(values map[string]any) {
	u.pending = nil
	missing, revealed := map[string]bool{}, maps.Clone(values)
	for _, key := range upptimeSecrets {
		revealed[key] = mapTexts(values[key], func(s string) string { return u.im.reveal(s, missing) })
	}
	r := newRecord(revealed)
	written, _ := scalarText(values["url"])
	written = withScheme(strings.TrimSpace(written))
	address := withScheme(strings.TrimSpace(r.text("url")))
	m := &monitor{name: u.title(r.text("name"), written), url: address, labels: map[string]string{}, interval: u.interval, timeout: 30 * time.Second} //nolint:mnd // that of Upptime
	check := r.text("check")
	switch {
	case len(missing) > 0:
		u.drop(m.name, "it needs the secrets %s: set them as environment variables for this command", strings.Join(slices.Sorted(maps.Keys(missing)), ", "))
		return
	case check != "" && check != "http" && check != "ws":
		u.drop(m.name, "its check is %q, and this exporter probes over HTTP and by WebSocket", check)
		return
	}
	u.seen("secret", secretNames(seenPart(written)))
	if tags := r.texts("tags"); len(tags) > 0 {
		m.labels["tags"] = strings.Join(tags, ",")
	}
	ok := u.request(m, r, check == "ws")
	for _, key := range upptimeDegraded {
		if !empty(r.get(key)) {
			u.drop(m.name, "%s: a target is up or down, and never degraded; the alert HealthcheckTargetSlow of the mixin watches how long answers take", key)
		}
	}
	r.skip("name", "verbose")
	u.leftKeys(m.name, r)
	if ok && !u.refused(m.name, r) {
		u.take(m)
	}
}

// request reads what is asked and what is healthy. It returns false if that cannot be taken over, which was reported.
func (u *upptime) request(m *monitor, r *record, webSocket bool) bool {
	h, body := &httpSettings{}, r.text("body")
	headers, ok := u.headers(m, r)
	if !ok {
		return false
	}
	insecure := 0
	for _, key := range []string{"__dangerous__insecure", "__dangerous__disable_verify_peer", "__dangerous__disable_verify_host"} {
		if r.yes(key) {
			insecure++
			h.tls().Insecure = true
		}
	}
	if insecure == 1 && !r.yes("__dangerous__insecure") {
		u.change("insecure_skip_verify accepts any certificate and any name, and the site leaves out only one of both checks")
	}
	ownServerName(m.url, headers, &h.clientSettings)
	u.authorize(headers, &h.clientSettings)
	if webSocket {
		w := &webSocketSettings{}
		if body != "" {
			w.Steps = []step{{Send: body}}
		}
		w.with(headers, h.clientSettings)
		m.settings = settings{Prober: "websocket", WebSocket: w}
		return true
	}
	if body != "" {
		setHeader(headers, "Content-Type", "application/x-www-form-urlencoded") // that of libcurl
	}
	h.Headers, h.Body, h.Method = headers, body, method(r.text("method"))
	if r.has("maxRedirects") && r.number("maxRedirects", 0) == 0 {
		h.FollowRedirects = new(bool)
	}
	if text := r.text("__dangerous__body_down"); text != "" {
		h.BodyMatches = []string{regexp.QuoteMeta(text)}
	}
	if text := r.text("__dangerous__body_down_if_text_missing"); text != "" {
		h.BodyNotMatches = []string{regexp.QuoteMeta(text)}
	}
	m.settings = settings{Prober: "http", HTTP: h}
	u.decoded(h)
	return u.codes(m, r, h)
}

// codes reads the status codes of a site. The default is that of Upptime.
func (u *upptime) codes(m *monitor, r *record, h *httpSettings) bool {
	var valid codes
	for _, text := range r.texts("expectedStatusCodes") {
		code, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			r.refuse("expectedStatusCodes", "a list of numbers")
			return true
		}
		valid.add(code, code)
	}
	if !r.has("expectedStatusCodes") {
		valid.add(200, 208) //nolint:mnd // status codes
		valid.add(226, 226) //nolint:mnd // status codes
		valid.add(300, 308) //nolint:mnd // status codes
	}
	if h.Codes = valid.list(); h.Codes != nil && len(h.Codes) == 0 {
		u.drop(m.name, "expectedStatusCodes: no answer can have one of them")
		return false
	}
	return true
}

// addHeader adds a value to a header, in the way in which several are one (RFC 9110 section 5.3, RFC 6265 section 5.4).
func addHeader(headers map[string]string, name, v string) {
	for have, before := range headers {
		if !strings.EqualFold(have, name) {
			continue
		}
		between := ", "
		if strings.EqualFold(name, "Cookie") {
			between = "; "
		}
		headers[have] = before + between + v
		return
	}
	headers[name] = v
}

// headers reads headers such as "Accept: text/html". As with curl, one without a value is not sent, and several of one name are.
func (u *upptime) headers(m *monitor, r *record) (headers map[string]string, ok bool) {
	headers = map[string]string{}
	for i, line := range r.texts("headers") {
		name, v, ok := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		if !ok || !httpguts.ValidHeaderFieldName(name) { // which may be a secret
			u.drop(m.name, "headers[%d]: want a name, a colon and a value", i)
			return nil, false
		}
		if v = strings.TrimSpace(v); v != "" {
			addHeader(headers, name, v)
		}
	}
	return headers, true
}
