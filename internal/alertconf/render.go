package alertconf

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// MarkedReceiver is the receiver of the one route of a base file below which the channels are. What no channel takes goes to it.
const MarkedReceiver = "healthcheck-channels"

// writtenBy begins what is rendered.
const writtenBy = "# Written by healthcheck_exporter from "

// SlackHost is the host to which messages of a SlackBot go, and slackPost where it is there.
const (
	SlackHost = "slack.com"
	slackPost = "https://" + SlackHost + "/api/chat.postMessage"
)

// offReceiver has no integrations: what goes to it is sent to nobody, and does not go to MarkedReceiver either.
const offReceiver = ourReceivers + "off"

// A Rendering is what a base file is rendered with.
type Rendering struct {
	// Base is the path of the base file, for people.
	Base string
	// Revision is that of the channels.
	Revision uint64
	// Secrets is the directory of the secrets as Alertmanager sees it, absolute: it looks for some files from its working
	// directory, and for others from that of its configuration.
	Secrets string
	// HasSecret reports whether a channel has a secret. nil: none has.
	HasSecret func(channel string) bool
}

// Render puts channels below the marked route of a base file. All else of the base stays as it is, but for blank lines.
//
// Its routes are those of the tests, and then those of the channels, each of which takes what it selects and lets the next have it as well.
func Render(base []byte, channels []Channel, r Rendering) ([]byte, error) {
	doc, err := parseBase(base)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Base, err)
	}
	channels = slices.SortedFunc(slices.Values(channels), func(a, b Channel) int { return cmp.Compare(a.Name, b.Name) })
	var tests, routes, receivers []*yaml.Node
	off := false
	for i := range channels {
		c := &channels[i]
		if i > 0 && channels[i-1].Name == c.Name {
			return nil, fmt.Errorf("two channels have the name %q", c.Name)
		}
		if c.Kind == Receiver && !slices.Contains(doc.names, c.Receiver) {
			return nil, fmt.Errorf("channel %q: %s has no receiver %q, want one of %q", c.Name, r.Base, c.Receiver, doc.names)
		}
		if c.Kind != Receiver {
			receivers = append(receivers, r.receiver(c, doc))
		}
		route, err := c.route()
		if err != nil {
			return nil, fmt.Errorf("channel %q: %w", c.Name, err)
		}
		tests, routes = append(tests, c.testRoute()), append(routes, route)
		off = off || !c.Enabled
	}
	if off {
		receivers = append([]*yaml.Node{mapping("name", offReceiver)}, receivers...)
	}
	doc.marked.Content = append(doc.marked.Content, text("routes"), below(tests, routes, doc.intervals()))
	doc.receivers.Content = append(doc.receivers.Content, receivers...)
	var out bytes.Buffer
	fmt.Fprintf(&out, writtenBy+"%s, revision %d. Changes here are found and refused.\n", oneLine(r.Base), r.Revision)
	unfold(doc.root)
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(doc.root), e.Close()); err != nil {
		return nil, fmt.Errorf("%s: writing what was rendered: %w", r.Base, err)
	}
	return out.Bytes(), nil
}

// unfold writes folded texts line by line: the encoder would fold lines that begin with a space into other ones.
func unfold(n *yaml.Node) {
	if n.Style&yaml.FoldedStyle != 0 {
		n.Style = n.Style&^yaml.FoldedStyle | yaml.LiteralStyle
	}
	for _, item := range n.Content {
		unfold(item)
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// receiver is the receiver to which a channel sends.
func (c *Channel) receiver() string {
	if c.Kind == Receiver {
		return c.Receiver
	}
	return ourReceivers + c.Name
}

// downInterval is how soon a message about a target that is down may follow the last one. It may be less than that of the base:
// HealthcheckTargetRecovered inhibits its repeats. It has to be: the end must be told before that inhibits it, too.
const downInterval = "30s"

// anchor is the name of the list of routes of channels, which is there twice.
const anchor = "healthcheck-channels-routes"

// below are the routes below the marked one. Targets that are down have the same channels as other alerts, and another interval,
// also where no channel takes them. All but those of tests have the time intervals of the marked one, which they do not inherit.
func below(tests, routes, intervals []*yaml.Node) *yaml.Node {
	down := mapping("matchers", list(`alertname="HealthcheckTargetDown"`), "group_interval", downInterval)
	rest := mapping() // also without channels: a group is known by its routes, and the first channel must not make new ones of all
	if len(routes) > 0 {
		channels := &yaml.Node{Kind: yaml.SequenceNode, Content: routes, Anchor: anchor}
		down.Content = append(down.Content, text("routes"), channels)
		rest = mapping("routes", &yaml.Node{Kind: yaml.AliasNode, Value: anchor, Alias: channels})
	}
	for _, route := range append([]*yaml.Node{down, rest}, routes...) {
		route.Content = append(route.Content, intervals...)
	}
	return &yaml.Node{Kind: yaml.SequenceNode, Content: append(tests, down, rest)}
}

// testRoute is the route of a test, which is sent even while the channel is off. It comes before the routes of all channels, and
// ends the search: a test of one channel is no message of another. Each test is a group of its own, so that it is told at once,
// and so is its end.
func (c *Channel) testRoute() *yaml.Node {
	return mapping(
		"receiver", c.receiver(),
		"matchers", list(`healthcheck_test="true"`, (&Matcher{Name: "healthcheck_channel", Op: Equal, Value: c.Name}).String()),
		"group_by", list("..."),
		"group_wait", "0s",
		"group_interval", "1s",
	)
}

// route is the route of the channel's alerts.
func (c *Channel) route() (*yaml.Node, error) {
	receiver := c.receiver()
	if !c.Enabled {
		receiver = offReceiver
	}
	var matchers []string
	for _, text := range c.Matchers {
		m, err := ParseMatcher(text)
		if err != nil {
			return nil, err
		}
		matchers = append(matchers, m.String())
	}
	route := mapping("receiver", receiver, "continue", boolean(true))
	if len(matchers) > 0 {
		route.Content = append(route.Content, text("matchers"), list(matchers...))
	}
	if c.GroupWait != nil {
		route.Content = append(route.Content, text("group_wait"), text(model.Duration(*c.GroupWait).String())) // Alertmanager knows no 1.5s
	}
	return route, nil
}

// slackTexts are how a message of Slack looks: the templates of healthcheck.tmpl.
var slackTexts = []any{
	"color", `{{ template "healthcheck.color" . }}`,
	"title", `{{ template "healthcheck.title" . }}`,
	"title_link", `{{ template "healthcheck.title_link" . }}`,
	"text", `{{ template "healthcheck.text" . }}`,
	"fallback", `{{ template "healthcheck.headline" . }}`,
	"footer", "",
	"mrkdwn_in", list("text"),
}

// receiver writes down the receiver of a channel.
func (r *Rendering) receiver(c *Channel, b *base) *yaml.Node {
	secret := path.Join(r.Secrets, SecretFile(c.Name))
	kind, credentials := "slack_configs", ""
	var pairs []any
	switch c.Kind { //nolint:exhaustive // that of a Receiver is in the base
	case SlackWebhook:
		pairs = append([]any{"api_url_file", secret}, slackTexts...)
	case SlackBot:
		credentials = secret
		pairs = append([]any{"api_url", slackPost, "channel", c.Channel}, slackTexts...)
	default: // Webhook
		kind = "webhook_configs"
		pairs = []any{"url", c.URL}
		if r.HasSecret != nil && r.HasSecret(c.Name) {
			credentials = secret
		}
	}
	pairs = append(pairs, "send_resolved", boolean(c.SendResolved), "http_config", b.httpConfig(credentials))
	one := &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{mapping(pairs...)}}
	return mapping("name", c.receiver(), kind, one)
}

// ownClient are the keys of http_config that are a channel's own, and ownCredentials those of a channel with a token.
var (
	ownClient      = setOf("follow_redirects")
	ownCredentials = setOf("follow_redirects", "authorization", "basic_auth", "oauth2", "bearer_token", "bearer_token_file")
)

// httpConfig is how the receiver of a channel sends, with the file of a token if that is not empty. It follows no redirect, which could
// lead to a host that no channel may have. A receiver with a http_config does not have the global one, so what is there is repeated.
func (b *base) httpConfig(credentials string) *yaml.Node {
	own, config := ownClient, mapping("follow_redirects", boolean(false))
	if credentials != "" {
		own = ownCredentials
		config.Content = append(config.Content, text("authorization"), mapping("credentials_file", credentials))
	}
	if b.client != nil {
		left := maxClient
		config.Content = append(config.Content, copied(b.client, own, &left).Content...)
	}
	return config
}

// text is a scalar that is a string, whatever it looks like.
func text(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	return n
}

func boolean(b bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(b)}
}

// list is a list of strings on one line.
func list(texts ...string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, s := range texts {
		item := text(s)
		item.Style = yaml.SingleQuotedStyle
		n.Content = append(n.Content, item)
	}
	return n
}

// mapping makes a mapping of keys and values, which are strings or nodes.
func mapping(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i < len(pairs); i += 2 {
		key, _ := pairs[i].(string)
		value, ok := pairs[i+1].(*yaml.Node)
		if !ok {
			value = text(fmt.Sprint(pairs[i+1]))
		}
		n.Content = append(n.Content, text(key), value)
	}
	return n
}
