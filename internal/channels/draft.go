package channels

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// longestSecret is how long a secret may be, in bytes.
const longestSecret = 4096

// secretKeys are the keys by which the secrets of channels are written. A Receiver has none.
var secretKeys = map[alertconf.Kind]string{
	alertconf.SlackWebhook: "url", alertconf.SlackBot: "token", alertconf.Webhook: "token",
}

// needsSecret are the kinds that do nothing without one.
var needsSecret = map[alertconf.Kind]bool{alertconf.SlackWebhook: true, alertconf.SlackBot: true}

// A draft is what a channel is to become.
type draft struct {
	alertconf.Channel

	definition json.RawMessage // nil: it could not be read
	// secret is what was written of it. nil: it stays. Empty: it is removed.
	secret   *string
	problems []managed.Problem
}

func (d *draft) wrong(pointer, format string, args ...any) {
	d.problems = append(d.problems, managed.Problem{Pointer: pointer, Detail: printable.Text(fmt.Sprintf(format, args...), printable.MaxError)})
}

// read reads what was written of the channel of a name. It may change fields.
func read(name string, fields map[string]any) *draft {
	d := &draft{Channel: alertconf.Channel{Name: name, Enabled: true, SendResolved: true}}
	d.Kind = alertconf.Kind(d.text(fields, "type"))
	if written, ok := fields["name"]; ok && written != name {
		d.wrong("/name", "want %q, as in the path, or no name: a channel is renamed by making another", printable.Text(name, printable.MaxLog))
	}
	if key := secretKeys[d.Kind]; key != "" {
		if _, ok := fields[key]; ok {
			secret := d.text(fields, key)
			d.secret = &secret
		}
		delete(fields, key)
	}
	d.flag(fields, "enabled", &d.Enabled)
	d.flag(fields, "send_resolved", &d.SendResolved)
	d.Channel.Channel, d.URL, d.Receiver = d.text(fields, "channel"), d.text(fields, "url"), d.text(fields, "receiver")
	d.matchers(fields)
	if _, ok := fields["group_wait"]; ok {
		if text := d.text(fields, "group_wait"); !d.says("/group_wait") {
			wait, err := config.ParseDuration(text)
			if err != nil {
				d.wrong("/group_wait", "%v", err)
			}
			d.GroupWait = &wait
		}
	}
	known := []string{"type", "name", "enabled", "send_resolved", "channel", "url", "receiver", "matchers", "group_wait"}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		switch {
		case slices.Contains(known, key):
		case key == "token":
			d.wrong("/token", "is for a %s or a %s", alertconf.SlackBot, alertconf.Webhook)
		default:
			d.wrong("/"+managed.Escape(printable.Text(key, printable.MaxLog)), "unknown key, want %s or token", strings.Join(known, ", "))
		}
	}
	d.define()
	return d
}

// text is a member that is a text.
func (d *draft) text(fields map[string]any, key string) string {
	v, ok := fields[key]
	text, isText := v.(string)
	if ok && !isText {
		d.wrong("/"+key, "want a text")
	}
	return text
}

func (d *draft) flag(fields map[string]any, key string, into *bool) {
	v, ok := fields[key]
	if flag, isFlag := v.(bool); isFlag {
		*into = flag
	} else if ok {
		d.wrong("/"+key, "want true or false")
	}
}

func (d *draft) matchers(fields map[string]any) {
	v, ok := fields["matchers"]
	list, isList := v.([]any)
	if ok && !isList {
		d.wrong("/matchers", `want a list of matchers such as "environment=\"LIVE\""`)
	}
	for i, item := range list {
		text, isText := item.(string)
		if !isText {
			d.wrong(fmt.Sprintf("/matchers/%d", i), "want a text")
		}
		d.Matchers = append(d.Matchers, text)
	}
}

// says reports whether there is something wrong with a member already.
func (d *draft) says(pointer string) bool {
	return slices.ContainsFunc(d.problems, func(p managed.Problem) bool { return p.Pointer == pointer })
}

// define makes the definition, in which all is written that is by default.
func (d *draft) define() {
	fields := map[string]any{"type": d.Kind, "enabled": d.Enabled, "send_resolved": d.SendResolved}
	for key, text := range map[string]string{"channel": d.Channel.Channel, "url": d.URL, "receiver": d.Receiver} {
		if text != "" {
			fields[key] = text
		}
	}
	if len(d.Matchers) > 0 {
		fields["matchers"] = d.Matchers
	}
	if d.GroupWait != nil {
		fields["group_wait"] = d.GroupWait
	}
	d.definition = managed.Encode(fields)
}

// stored is the channel of a record.
func stored(c *managed.Channel) alertconf.Channel {
	fields, _ := managed.ReadObject(c.Definition, false) // it was checked when it was written
	if fields["type"] == string(alertconf.SlackWebhook) {
		delete(fields, "url")
	}
	return read(c.Name, fields).Channel
}

// check finds all that is wrong with a draft. Now is the present channel; nil: there is none.
func (d *draft) check(f *force, now *managed.Channel) {
	hosts := d.hosts(f, now)
	for _, p := range d.Check(hosts) {
		if pointer := "/" + p.Field; !d.says(pointer) {
			d.wrong(pointer, "%s", p.Detail)
		}
	}
	if d.Kind == alertconf.Receiver && d.Receiver != "" && !slices.Contains(f.receivers, d.Receiver) {
		d.wrong("/receiver", "%s has no receiver %q, want one of %q", f.settings.Base, printable.Text(d.Receiver, printable.MaxLog), f.receivers)
	}
	if d.Kind == alertconf.Receiver && !d.SendResolved {
		d.wrong("/send_resolved", "is what the receiver in %s says: leave it out here", f.settings.Base)
	}
	if u, err := url.Parse(d.URL); err == nil && d.Kind == alertconf.Webhook && strings.EqualFold(u.Hostname(), slackHooks) {
		d.wrong("/url", "a URL of %s is a secret, and that of a %s is not: want the type %s", slackHooks, alertconf.Webhook, alertconf.SlackWebhook)
	}
	if d.Kind == alertconf.SlackBot && alertconf.CheckURL("https://"+alertconf.SlackHost, hosts, false) != nil {
		d.wrong("/type", "a %s sends to %s, which is not one of alertmanager.channel_hosts: add it there, or use another type", d.Kind, alertconf.SlackHost)
	}
	d.checkSecret(f, now)
	d.checkWay(now)
}

// hosts are those that the channel may have. One that is to be off may keep the one that it has: it was allowed once.
func (d *draft) hosts(f *force, now *managed.Channel) []string {
	if d.Enabled || now == nil {
		return f.settings.Hosts
	}
	before := stored(now)
	u, err := url.Parse(before.URL)
	if err != nil || before.Kind != d.Kind || before.URL != d.URL || before.Channel != d.Channel.Channel {
		return f.settings.Hosts
	}
	host := strings.ToLower(u.Host)
	if d.Kind == alertconf.SlackBot {
		host = alertconf.SlackHost
	}
	return append(slices.Clone(f.settings.Hosts), host)
}

// slackHooks is the host of URLs that are secrets.
const slackHooks = "hooks.slack.com"

// checkSecret finds what is wrong with the secret. No text has any of it, but the host of a URL.
func (d *draft) checkSecret(f *force, now *managed.Channel) {
	pointer := "/" + secretKeys[d.Kind]
	switch {
	case d.says(pointer):
	case d.secret == nil && d.keepsSecret(now):
		// Nobody can read a token, unless they may have it sent to a host of their own.
		if before := stored(now); d.Kind == alertconf.Webhook && !alertconf.SameHost(before.URL, d.URL) && !d.says("/url") {
			d.wrong(pointer, "the present one is for another host: write it again, or \"\" if this one needs none")
		}
	case d.secret == nil || *d.secret == "":
		if needsSecret[d.Kind] {
			d.wrong(pointer, "missing, and a %s needs it", d.Kind)
		}
	case len(*d.secret) > longestSecret:
		d.wrong(pointer, "has %d bytes, want %d at most", len(*d.secret), longestSecret)
	case d.Kind == alertconf.SlackWebhook:
		if err := alertconf.CheckURL(*d.secret, f.settings.Hosts, true); err != nil {
			d.wrong(pointer, "%v", err)
		}
	case !printable.Is(*d.secret) || strings.ContainsFunc(*d.secret, unicode.IsSpace):
		d.wrong(pointer, "has a space, a line break or a character that does not print")
	}
}

// checkWay finds out whether a token would be sent to a URL that everybody on the way could listen to.
func (d *draft) checkWay(now *managed.Channel) {
	if d.Kind != alertconf.Webhook || !d.hasSecret(now) || d.says("/url") {
		return
	}
	if err := alertconf.CheckConfidential(d.URL); err != nil {
		d.wrong("/url", "%v", err)
	}
}

// hasSecret reports whether there is one once the draft is kept.
func (d *draft) hasSecret(now *managed.Channel) bool {
	if d.secret == nil {
		return d.keepsSecret(now)
	}
	return *d.secret != ""
}

// keepsSecret reports whether the secret of the present channel is that of the draft if none is written: it is if it has one, and the
// type stays.
func (d *draft) keepsSecret(now *managed.Channel) bool {
	return now != nil && !now.SecretAt.IsZero() && kindOf(now) == d.Kind
}

func kindOf(c *managed.Channel) alertconf.Kind { return stored(c).Kind }
