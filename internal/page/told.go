package page

import (
	"html/template"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// An audience is who is told when a target is down.
type audience struct {
	*catalogue

	Channels []toldChannel
	Fallback bool // no channel hears of it
	Nobody   bool // of those that hear of it none is on
	Quiet    bool // it is muted or in maintenance now
	Silences []silence
	All      string // where all channels are
}

// A toldChannel is one of those that hear of it.
type toldChannel struct {
	link
	Kind, To string
	On       bool
}

// A silence is one of Alertmanager.
type silence struct {
	By, Comment string
	Until       template.HTML
	Href        string // empty: it is not known where Alertmanager is
}

// told says who is told of a target; nil: nobody can make channels here.
func (p *Pages) told(c *catalogue, b *board.Board, e *inventory.Entry) *audience {
	if p.channelsAreOff() {
		return nil
	}
	quiet := b.Target(e).Quiet
	t := &audience{catalogue: c, Nobody: true, Quiet: quiet.Muted || quiet.InMaintenance, All: above + "channels" + c.Query}
	all := p.Channels.Told(e)
	for i := range all {
		ch := &all[i]
		t.Channels = append(t.Channels, toldChannel{
			link: link{channelAt(above, ch.Name) + c.Query, printable.Text(ch.Name, printable.MaxURL)},
			Kind: c.say("channel.kind." + string(ch.Kind)), To: sendsTo(ch), On: ch.Enabled,
		})
		t.Nobody = t.Nobody && !ch.Enabled
	}
	t.Fallback = len(all) == 0
	now := time.Now()
	for _, s := range p.Channels.Silences(e) {
		if !now.Before(s.EndsAt) {
			continue // it was read a little while ago
		}
		t.Silences = append(t.Silences, silence{
			By: clean(s.CreatedBy), Comment: printable.Text(s.Comment, printable.MaxError), Until: clock(s.EndsAt), Href: silenceLink(p.Links().Alertmanager, e.Name, s.ID),
		})
	}
	return t
}

// silenceLink leads to a silence in Alertmanager, whose pages are behind the fragment of its address. Empty: status.links has none.
func silenceLink(alertmanager, target, id string) string {
	if alertmanager == "" {
		return ""
	}
	base, _, _ := strings.Cut(named(alertmanager, target), "#")
	return strings.TrimRight(base, "/") + "/#/silences/" + escaped(id)
}
