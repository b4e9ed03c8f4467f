package page

import (
	"cmp"
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// channelDocs is the page about channels, for who has none yet.
const channelDocs = "https://github.com/healthcheck-exporter/healthcheck_exporter/blob/main/docs/channels.md"

// sectionOfChannels is what a configuration needs so that people can make channels.
const sectionOfChannels = `alertmanager:
  base: alertmanager-small.base.yml
  dir: /etc/alertmanager/healthcheck
  servers:
    - {name: am-1, url: 'http://127.0.0.1:9093'}
`

// A channelList is the page of all channels, and of the Alertmanagers that run them.
type channelList struct {
	*catalogue

	Done    string // what somebody has just done, in words; empty: nothing
	Off     bool   // nobody can make channels
	Section string // which switches them on
	Docs    string
	Unknown bool   // nobody knows which channels there are
	Why     string // why nothing can be changed although they are on; empty: it can
	Add     string // where one is added; empty: whoever looks may not
	Rows    []*channelView
	Acts    bool // whoever looks may do something to one of them
	Servers *servers
}

// ListChannels serves all channels, and how the Alertmanagers are that run them.
func (p *Pages) ListChannels(w http.ResponseWriter, r *http.Request) {
	c := catalogueFor(r)
	done, _, err := readChannelQuery(c, r)
	if err != nil {
		p.Refuse(w, r, http.StatusBadRequest, err)
		return
	}
	p.showChannels(w, r, http.StatusOK, done, nil)
}

// showChannels writes the page of all channels. Wrong is why something was not done to them; nil: nobody has tried.
func (p *Pages) showChannels(w http.ResponseWriter, r *http.Request, status int, done string, wrong error) {
	c, now, root := catalogueFor(r), time.Now(), rootOf(r)
	l := &channelList{catalogue: c, Done: done, Off: p.channelsAreOff(), Section: sectionOfChannels, Docs: channelDocs}
	if !l.Off {
		l.Servers = p.servers(c, r, root, now, wrong)
		all := p.Channels.Editor.List()
		for i := range all {
			row := p.channelView(c, r, &all[i], root, now)
			l.Acts = l.Acts || row.Edit != "" || row.Test != ""
			l.Rows = append(l.Rows, row)
		}
		unknown := p.Channels.Editor.Known()
		if l.Unknown = unknown != nil; l.Unknown {
			status = statusOf(unknown)
		}
		if err := cmp.Or(unknown, p.Channels.Editor.Writable()); err != nil {
			l.Why = printable.Text(err.Error(), printable.MaxError)
		} else if access.From(r.Context()).Role.Includes(access.Edit) {
			l.Add = root + "add-channel" + c.Query
		}
	}
	p.render(w, r, status, shell{catalogue: c, Content: "channels", Title: c.say("nav.channels"), Here: "channels", Root: root, Body: l}, ofContent)
}

// fromChannel is what a form says that is on the page of a channel.
const fromChannel = "channel"

// SwitchChannel serves what switches the channel on or off that the path names.
func (p *Pages) SwitchChannel(on bool) http.Handler {
	outcome, patch := "channel_off", `{"enabled":false}`
	if on {
		outcome, patch = "channel_on", `{"enabled":true}`
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.withoutChannels(w, r) {
			return
		}
		in, ok := p.formOf(w, r, "from")
		if !ok {
			return
		}
		ch, ok := p.channelNamed(w, r)
		if !ok {
			return
		}
		c, edit := catalogueFor(r), p.channelEdit(r, ch.Name)
		edit.If.Any = true // whatever else it has become, it is to be on or off
		done, err := p.Channels.Editor.Patch(r.Context(), edit, ch.Name, []byte(patch))
		if err != nil {
			p.refuseChannel(w, r, c, err)
			return
		}
		to := rootOf(r) + "channels"
		if in.line("from") == fromChannel {
			to = channelAt(rootOf(r), ch.Name)
		}
		away(w, c, to, pendingOr(outcome, done.Pending))
	})
}

// refuseChannel writes a page that says why a channel was not changed, and what to do.
func (p *Pages) refuseChannel(w http.ResponseWriter, r *http.Request, c *catalogue, err error) {
	if channelRefusal(c, err) != "" {
		p.showChannels(w, r, statusOf(err), "", err)
		return
	}
	p.Refuse(w, r, statusOf(err), err)
}
