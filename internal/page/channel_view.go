package page

import (
	"html/template"
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A channelView is a channel as a page shows it. It has no secret.
type channelView struct {
	*catalogue

	Name     string
	Link     string // to its page
	Kind, To string // what it sends to, and where that is; To is empty if nobody may see it
	Secret   bool   // it has one
	NoSecret bool   // it has none, and could have one
	Changed  template.HTML
	Matchers []string // empty: it hears of everything
	On       bool
	Resolved bool   // it is told of the end as well
	Foreign  bool   // its receiver is in the base file, which says that
	Wait     string // empty: as in the base file
	Trial    *trial // the last test; nil: there was none

	From string // what the form says that switches it, so that the same page follows
	// Where it is switched, tested and edited; empty: whoever looks may not.
	Switch, Test, Edit string
}

// channelView is a channel for who sent a request to a page with this root.
func (p *Pages) channelView(c *catalogue, r *http.Request, ch *channels.Channel, root string, now time.Time) *channelView {
	at := channelAt(root, ch.Name)
	v := &channelView{
		catalogue: c, Name: printable.Text(ch.Name, printable.MaxURL), Link: at + c.Query, Kind: c.say("channel.kind." + string(ch.Kind)), To: sendsTo(ch),
		Secret: ch.Secret.Set, NoSecret: !ch.Secret.Set && ch.Kind == alertconf.Webhook, On: ch.Enabled, Resolved: ch.SendResolved,
		Foreign: ch.Kind == alertconf.Receiver,
	}
	if !ch.Secret.UpdatedAt.IsZero() {
		v.Changed = ago(c, ch.Secret.UpdatedAt, now)
	}
	for _, m := range ch.Matchers {
		v.Matchers = append(v.Matchers, printable.Text(m, printable.MaxURL))
	}
	if ch.GroupWait != nil {
		v.Wait = ch.GroupWait.String()
	}
	if t, ok := p.Channels.Tests.Last(ch.Name); ok {
		v.Trial = trialOf(c, &t, v.Link, now)
	}
	if mayChannel(r, access.Edit, ch) {
		v.Edit = v.Link
		v.Switch = at + map[bool]string{true: "/off", false: "/on"}[ch.Enabled] + c.Query
	}
	if mayChannel(r, access.Operate, ch) {
		v.Test = at + "/test" + c.Query
	}
	return v
}

// sendsTo is where a channel sends to, as far as that is no secret.
func sendsTo(ch *channels.Channel) string {
	return printable.Text(ch.Channel.Channel+ch.URL+ch.Receiver, printable.MaxURL) // each is of one kind alone
}
