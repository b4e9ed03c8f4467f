package alertconf

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A Kind is what a channel sends to.
type Kind string

// The kinds of channels.
const (
	SlackWebhook Kind = "slack_webhook" // an incoming webhook of Slack, whose URL is the secret
	SlackBot     Kind = "slack_bot"     // a channel of Slack, by the token of an app
	Webhook      Kind = "webhook"       // any server that takes Alertmanager's JSON
	Receiver     Kind = "receiver"      // a receiver of the base file
)

// Kinds are all kinds of channels.
func Kinds() []Kind { return []Kind{SlackWebhook, SlackBot, Webhook, Receiver} }

// A Channel is who hears of what. Its secret is not in it.
type Channel struct {
	Name string `json:"name"`
	Kind Kind   `json:"type"`
	// Enabled is false for one that takes its alerts and sends nothing.
	Enabled bool `json:"enabled"`
	// SendResolved says whether the end of an alert is told, too.
	SendResolved bool `json:"send_resolved"`
	// Matchers select alerts; all of them have to. None: every alert.
	Matchers []string `json:"matchers,omitempty"`
	// GroupWait is how long the first message waits for others of its group. nil: as in the base file.
	GroupWait *config.Duration `json:"group_wait,omitempty"`

	// Channel is where a SlackBot writes: #name, @name or an ID.
	Channel string `json:"channel,omitempty"`
	// URL is where a Webhook sends to. It is no secret: it has no user, password or query.
	URL string `json:"url,omitempty"`
	// Receiver is the name of one in the base file.
	Receiver string `json:"receiver,omitempty"`
}

// The limits of channels.
const (
	MaxChannels  = 200
	MaxMatchers  = 20
	MaxGroupWait = 10 * time.Minute

	longestName  = 100 // in characters
	longestText  = 1000
	ourReceivers = "hc-"
)

// A Problem is what is wrong with a field.
type Problem struct{ Field, Detail string }

// Check returns all that is wrong with a channel on its own. Hosts are those that a URL may have.
func (c *Channel) Check(hosts []string) []Problem {
	var all []Problem
	wrong := func(field, format string, args ...any) {
		all = append(all, Problem{field, fmt.Sprintf(format, args...)})
	}
	if err := checkName(c.Name); err != nil {
		wrong("name", "%v", err)
	}
	switch {
	case c.Kind == "":
		wrong("type", "missing, want one of %q", Kinds())
	case !slices.Contains(Kinds(), c.Kind):
		wrong("type", "got %q, want one of %q", c.Kind, Kinds())
	}
	for _, f := range []struct {
		field, value string
		kind         Kind
	}{{"channel", c.Channel, SlackBot}, {"url", c.URL, Webhook}, {"receiver", c.Receiver, Receiver}} {
		switch {
		case f.kind == c.Kind && f.value == "":
			wrong(f.field, "missing, and a %s needs it", c.Kind)
		case f.kind != c.Kind && f.value != "":
			wrong(f.field, "is for a %s, and this is a %s", f.kind, c.Kind)
		case len(f.value) > longestText:
			wrong(f.field, "has %d bytes, want %d at most", len(f.value), longestText)
		case !printable.Is(f.value):
			wrong(f.field, "has characters that do not print")
		}
	}
	if c.Channel != "" && !slackChannel.MatchString(c.Channel) {
		wrong("channel", "got %q, want #name, @name or the ID of a channel", c.Channel)
	}
	if c.URL != "" && c.Kind == Webhook {
		if err := CheckURL(c.URL, hosts, false); err != nil {
			wrong("url", "%v", err)
		}
	}
	if len(c.Matchers) > MaxMatchers {
		wrong("matchers", "has %d, want %d at most", len(c.Matchers), MaxMatchers)
	}
	for i, text := range c.Matchers {
		field := fmt.Sprintf("matchers/%d", i)
		if len(text) > longestText {
			wrong(field, "has %d bytes, want %d at most", len(text), longestText)
		} else if _, err := ParseMatcher(text); err != nil {
			wrong(field, "%v", err)
		}
	}
	switch wait := c.GroupWait; {
	case wait == nil:
	case *wait < 0 || time.Duration(*wait) > MaxGroupWait:
		wrong("group_wait", "got %s, want 0s to %s", wait, MaxGroupWait)
	case time.Duration(*wait)%time.Millisecond != 0:
		wrong("group_wait", "got %s, want whole milliseconds: Alertmanager has nothing below them", wait)
	}
	return all
}

// slackChannel is one that is no template: what Alertmanager would make of a broken one shows only when an alert fires.
var slackChannel = regexp.MustCompile(`^[#@]?[^\s#@{}]+$`)

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("missing, want the name of the channel")
	case !printable.Is(name):
		return fmt.Errorf("got %q, which has characters that do not print", name)
	case utf8.RuneCountInString(name) > longestName:
		return fmt.Errorf("has %d characters, want %d at most", utf8.RuneCountInString(name), longestName)
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("got %q, want no space at the ends", name)
	case ourReceivers+name == offReceiver:
		return fmt.Errorf("got %q, which is the name of what channels go to that are off: want another", name)
	case name == ".", name == "..":
		return fmt.Errorf("got %q, want a name that is not a step in a path", name)
	}
	return nil
}

// CheckURL returns why Alertmanager must not send to a URL. Hosts are those that it may have: an editor must not make
// Alertmanager post to the inside of a network. One without a port allows that of the scheme alone. The text shows nothing of
// a secret URL but its host.
func CheckURL(s string, hosts []string, secret bool) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("it is not an absolute URL with the scheme https or http")
	case u.User != nil:
		return errors.New("it has a user or a password, which belong in the token")
	case strings.ContainsAny(s, "{} ") || !printable.Is(s):
		return errors.New("it has a brace, a space or a character that does not print")
	case !secret && (u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#")):
		return errors.New("it has a query or a fragment, which everybody who may read would see")
	case !slices.Contains(hosts, hostOf(u)) && !slices.Contains(hosts, hostOf(u)+schemePorts[u.Scheme]):
		return fmt.Errorf("the host %q is not one of alertmanager.channel_hosts, which allows %q: add it there, or use another URL", hostOf(u), hosts)
	case secret:
		return CheckConfidential(s)
	}
	return nil
}

// CheckConfidential returns why a URL that CheckURL has nothing against must not get a secret.
func CheckConfidential(s string) error {
	u, err := url.Parse(s)
	if err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		return errors.New("its scheme is http, want https: anybody on the way could read the secret")
	}
	return nil
}

// SameHost reports whether two URLs have one host, and so are for one server.
func SameHost(a, b string) bool {
	one, errOne := url.Parse(a)
	other, errOther := url.Parse(b)
	return errOne == nil && errOther == nil && hostOf(one) == hostOf(other)
}

// schemePorts are what a URL has after its host if it has the port of its scheme.
var schemePorts = map[string]string{"https": ":443", "http": ":80"}

// hostOf is the host of a URL in lower case, with its port unless that is the one of the scheme.
func hostOf(u *url.URL) string {
	return strings.TrimSuffix(strings.ToLower(u.Host), schemePorts[u.Scheme])
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Selects reports whether an alert with these labels is one of the channel's.
func (c *Channel) Selects(labels map[string]string) bool {
	for _, text := range c.Matchers {
		m, err := ParseMatcher(text)
		if err != nil || !m.Selects(labels) {
			return false
		}
	}
	return true
}

var (
	plainName  = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,99}$`)
	hashedName = regexp.MustCompile(`^x-[0-9a-f]{32}$`)
)

// SecretFile is the name of the file that has the secret of a channel: that of the channel, or a hash of it where a file
// system may not take that, or may not tell large letters from small ones.
func SecretFile(channel string) string {
	if plainName.MatchString(channel) && !hashedName.MatchString(channel) {
		return channel
	}
	sum := sha256.Sum256([]byte(channel))
	return "x-" + hex.EncodeToString(sum[:16])
}
