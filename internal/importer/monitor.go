package importer

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A monitor is what another program probes, in the terms of this one.
type monitor struct {
	name, url         string
	instead           string // the name if another target has the first one; empty: the name with a number
	environment       string
	labels            map[string]string
	maintenance       []window
	interval, timeout time.Duration // no timeout: what the interval leaves
	settings          settings
}

// A batch takes the monitors of one file. What is said about several of them is one line.
type batch struct {
	im               *Importer
	file             string
	dropped, changed leftOut
	pending          []string // what was changed of a monitor that is not taken over yet
}

// drop says what of a monitor was not taken over.
func (b *batch) drop(name, format string, args ...any) {
	b.dropped.add(fmt.Sprintf(format, args...), printable.Cut(name, printable.MaxLog))
}

// change says what of a monitor is taken over in another form, once. It is of interest only if the monitor is taken over.
func (b *batch) change(format string, args ...any) {
	if why := fmt.Sprintf(format, args...); !slices.Contains(b.pending, why) {
		b.pending = append(b.pending, why)
	}
}

// settle reports what was changed of a monitor that was taken over.
func (b *batch) settle(name string) {
	for _, why := range b.pending {
		b.changed.add(why, printable.Cut(name, printable.MaxLog))
	}
	b.pending = nil
}

// end reports what was said.
func (b *batch) end() {
	for _, why := range b.dropped.reasons {
		b.im.drop("%s: %s: %s", b.file, targets(b.dropped.targets[why]), why)
	}
	for _, why := range b.changed.reasons {
		b.im.change("%s: %s: %s", b.file, targets(b.changed.targets[why]), why)
	}
}

// leftKeys reports keys of a record that have no equivalent.
func (b *batch) leftKeys(name string, r *record) {
	for _, key := range r.left() {
		b.drop(name, "%q has no equivalent here", printable.Cut(key, printable.MaxLog))
	}
}

// refused reports whether values of a record have the wrong type. Then the monitor is not taken over.
func (b *batch) refused(name string, r *record) bool {
	for _, wrong := range *r.wrong {
		b.drop(name, "%s", wrong)
	}
	return len(*r.wrong) > 0
}

// title is the name of a monitor as a target may have it: its URL if it has none, and nothing that could be a secret.
func (b *batch) title(name, address string) string {
	switch {
	case strings.TrimSpace(name) == "":
		return b.im.shown(address)
	default:
		return visible(urlInName.ReplaceAllStringFunc(name, b.im.shown))
	}
}

// urlInName is a URL in the name of a monitor, where a secret could be.
var urlInName = regexp.MustCompile(`[A-Za-z0-9+.-]*://\S*`)

// visible is a text without the characters that names and labels must not have, and without spaces around it.
func visible(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if printable.Is(s) {
		return s
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !printable.Is(string(r)) {
			return -1
		}
		return r
	}, s))
}

// take takes a monitor over.
func (b *batch) take(m *monitor) {
	b.times(m)
	made := b.im.share(b.file, m.settings)
	for _, wrong := range made.wrong {
		b.drop(m.name, "%s", wrong)
	}
	if len(made.wrong) > 0 {
		return
	}
	fields := map[string]any{"name": m.name, "url": m.url, "module": made.module}
	for key, v := range map[string]string{"environment": m.environment, "interval": config.Duration(m.interval).String(), "timeout": config.Duration(m.timeout).String()} {
		if v != "" {
			fields[key] = v
		}
	}
	if len(m.maintenance) > 0 {
		fields["maintenance"] = m.maintenance
	}
	if labels := b.labels(m); len(labels) > 0 {
		fields["labels"] = labels
	}
	name := b.im.add(b.file, fields, m.name, m.instead)
	if name == "" {
		b.im.forget(made.module)
		return
	}
	b.im.selfProbe = true
	b.keepSecrets(made.module, &m.settings)
	if name != m.name {
		b.change("it is called %q here, because another target has that name", name)
	}
	b.settle(m.name)
}

// times fits the times of a monitor into what a target may have.
func (b *batch) times(m *monitor) {
	if m.interval > config.MaxInterval {
		b.drop(m.name, "interval: got %s, taken as %s: a target without a sample for longer counts as gone", config.Duration(m.interval), config.Duration(config.MaxInterval))
		m.interval = config.MaxInterval
	}
	m.interval = m.interval.Truncate(time.Millisecond)
	longest := time.Duration(probing(config.Duration(m.interval)))
	if m.timeout > longest {
		b.change("timeout: got %s, taken as %s, which is what the interval of %s leaves", config.Duration(m.timeout), config.Duration(longest), config.Duration(m.interval))
	}
	if m.timeout <= 0 || m.timeout > longest {
		m.timeout = longest
	}
	m.timeout = max(m.timeout.Truncate(time.Millisecond), time.Millisecond)
}

// labels are the labels of a monitor with names and values that labels may have.
func (b *batch) labels(m *monitor) map[string]string {
	all := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(m.labels)) {
		label, v := labelName(name), visible(m.labels[name])
		if v == "" {
			continue
		}
		if _, ok := all[label]; ok {
			b.drop(m.name, "the label %q: another one is called %q, too", printable.Cut(name, printable.MaxLog), label)
			continue
		}
		if label != name {
			b.change("the label %q is called %q", printable.Cut(name, printable.MaxLog), label)
		}
		all[label] = v
	}
	return all
}

// labelName is the name, or a similar one, that a label may have.
func labelName(name string) string {
	label := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_':
			return r
		default:
			return '_'
		}
	}, name)
	if config.CheckLabel(label) != nil {
		label = "tag_" + strings.TrimLeft(label, "_")
	}
	return label
}

// authorize moves the header Authorization to where secrets belong. It wins over other credentials.
func (b *batch) authorize(headers map[string]string, client *clientSettings) {
	for header, v := range headers {
		if !strings.EqualFold(header, "Authorization") {
			continue
		}
		scheme, credentials, ok := strings.Cut(strings.TrimSpace(v), " ")
		credentials = strings.TrimSpace(credentials)
		client.Authorization, client.BasicAuth, client.OAuth2 = nil, nil, nil
		switch user, password, basic := decodeBasic(scheme, credentials); {
		case basic:
			client.BasicAuth = &basicAuth{user, password}
		case !ok || strings.EqualFold(scheme, "Basic"):
			b.change("its header Authorization is in the configuration")
			continue
		default:
			client.Authorization = &authorization{scheme, credentials}
		}
		delete(headers, header)
	}
}

func decodeBasic(scheme, credentials string) (user, password string, ok bool) {
	text, err := base64.StdEncoding.DecodeString(credentials)
	if err != nil || !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	return strings.Cut(string(text), ":")
}

// ownServerName keeps the TLS server name of a URL where a Host header would replace it.
func ownServerName(address string, headers map[string]string, client *clientSettings) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "wss" {
		return
	}
	for header, v := range headers {
		if strings.EqualFold(header, "Host") && !strings.EqualFold(v, u.Hostname()) {
			client.tls().ServerName = u.Hostname()
		}
	}
}

func (c *clientSettings) tls() *tlsSettings {
	if c.TLS == nil {
		c.TLS = &tlsSettings{}
	}
	return c.TLS
}

// setHeader sets a header unless the headers have it.
func setHeader(headers map[string]string, name, v string) {
	for have := range headers {
		if strings.EqualFold(have, name) {
			return
		}
	}
	headers[name] = v
}

// method is what a module has for a method. GET is the default.
func method(name string) string {
	name = strings.ToUpper(strings.TrimSpace(name))
	if name == http.MethodGet {
		return ""
	}
	return name
}

// webSocket makes headers and client settings those of a WebSocket.
func (w *webSocketSettings) with(headers map[string]string, client clientSettings) {
	if len(headers) > 0 {
		w.Headers = map[string]headerValue{}
	}
	for name, v := range headers {
		w.Headers[name] = headerValue{[]string{v}}
	}
	if client != (clientSettings{}) {
		w.Client = &client
	}
}

// decoded removes a header that asks for a compressed body where a condition has to see the body: other programs decompress
// it unasked.
func (b *batch) decoded(h *httpSettings) {
	if len(h.BodyMatches)+len(h.BodyNotMatches) == 0 && h.JSONNotMatches == "" {
		return
	}
	for header := range h.Headers {
		if strings.EqualFold(header, "Accept-Encoding") {
			delete(h.Headers, header)
			b.change("its header Accept-Encoding is left out, so that the body can be judged; compression asks for one and decompresses it")
		}
	}
}
