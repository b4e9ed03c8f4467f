package page

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// A ChannelEditor changes who hears of what. A [channels.Editor] is one.
type ChannelEditor interface {
	Writable() error
	Known() error
	List() []channels.Channel
	Channel(name string) (channels.Channel, bool)
	Put(ctx context.Context, e managed.Edit, name string, body []byte) (channels.Outcome, error)
	Patch(ctx context.Context, e managed.Edit, name string, patch []byte) (channels.Outcome, error)
	Delete(ctx context.Context, e managed.Edit, name string) (channels.Outcome, error)
	Apply(ctx context.Context, by managed.Author, overwrite bool) (channels.Alertmanager, error)
	Alertmanager() (channels.Alertmanager, error)
}

// ChannelTests send test alerts to channels. [channels.Tests] do.
type ChannelTests interface {
	Start(channel, by string) (channels.Test, error)
	Last(channel string) (channels.Test, bool)
}

// Channels is what the page shows of who hears of what, and what people may do about it. All fields are required.
type Channels struct {
	Editor ChannelEditor
	Tests  ChannelTests
	// Author is who a request is from, to do what needs a role to a channel.
	Author func(r *http.Request, role access.Role, channel string) managed.Author
	// Told are the channels that hear of a target when it is down, also those that are off.
	Told func(*inventory.Entry) []channels.Channel
	// Silences are those of Alertmanager for the alert that a target is down.
	Silences func(*inventory.Entry) []channels.Silence
	// Labels are those of that alert.
	Labels func(*inventory.Entry) map[string]string
	// Receivers are the names of those in the base file that a channel may send to.
	Receivers func() []string
}

// channelsAreOff reports whether nobody can make channels here.
func (p *Pages) channelsAreOff() bool {
	return p.Channels == nil || errors.Is(p.Channels.Editor.Writable(), channels.ErrOff)
}

// withoutChannels sends a browser to the page that says how channels are switched on, if they are off.
func (p *Pages) withoutChannels(w http.ResponseWriter, r *http.Request) bool {
	off := p.channelsAreOff()
	if off {
		away(w, catalogueFor(r), rootOf(r)+"channels", "")
	}
	return off
}

// channelAt is the way to the page of a channel from a page with this root.
func channelAt(root, name string) string { return root + "channels/" + url.PathEscape(name) }

// channelNamed is the channel that the path names. If there is none, channelNamed answers.
func (p *Pages) channelNamed(w http.ResponseWriter, r *http.Request) (channels.Channel, bool) {
	name := r.PathValue("name")
	ch, ok := p.Channels.Editor.Channel(name)
	if err := p.Channels.Editor.Known(); !ok && err != nil {
		p.Refuse(w, r, statusOf(err), err)
		return ch, ok
	}
	if !ok {
		var names []string
		for _, one := range p.Channels.Editor.List() {
			names = append(names, one.Name)
		}
		p.Refuse(w, r, http.StatusNotFound, &channels.MissingError{Name: name, Meant: config.Closest(name, slices.Values(names))})
	}
	return ch, ok
}

// mayChannel reports whether who sent a request may do to a channel what needs a role.
func mayChannel(r *http.Request, role access.Role, ch *channels.Channel) bool {
	return access.May(access.From(r.Context()), role, ch.Environments()...)
}

// selects is how many targets matchers select, and of how many. It is false for those that cannot be read.
func (p *Pages) selects(matchers []string) (n, all int, ok bool) {
	parsed := make([]alertconf.Matcher, len(matchers))
	for i, text := range matchers {
		m, err := alertconf.ParseMatcher(text)
		if err != nil {
			return 0, 0, false
		}
		parsed[i] = m
	}
	entries := p.Board.Inventory().Entries()
	for _, e := range entries {
		labels, selected := p.Channels.Labels(e), true
		for i := range parsed {
			selected = selected && parsed[i].Selects(labels)
		}
		if selected {
			n++
		}
	}
	return n, len(entries), true
}

// readChannelQuery checks the query of a page about channels. It returns the outcome that it tells, in words.
func readChannelQuery(c *catalogue, r *http.Request) (done string, kind alertconf.Kind, err error) {
	q := query.Of(r.URL.Query())
	q.Only("done", "lang", "type")
	q.OneOf("lang", languages...)
	kind = alertconf.Kind(q.OneOf("type", kindNames()...))
	return doneIn(c, q), kind, q.Err()
}

func kindNames() (all []string) {
	for _, k := range alertconf.Kinds() {
		all = append(all, string(k))
	}
	return all
}

// pendingOr is an outcome, or that of a change of which some Alertmanager has still to be told.
func pendingOr(outcome string, pending bool) string {
	return outcome + map[bool]string{true: "_pending"}[pending]
}

// channelRefusal is an error about a channel, in words that say what to do. Empty: the error says it.
func channelRefusal(c *catalogue, err error) string {
	var (
		refused *alertconf.RefusedError
		missing *alertconf.MissingError
	)
	switch {
	case errors.As(err, &refused):
		return c.say("channel.refused", clean(refused.Server), printable.Text(refused.Text, printable.MaxError))
	case errors.As(err, &missing):
		return c.say("channel.missing_files", printable.Text(missing.Error(), printable.MaxError))
	case errors.Is(err, alertconf.ErrFileChanged):
		return c.say("channel.file_changed")
	default:
		return ""
	}
}
