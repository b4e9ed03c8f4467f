package page

import (
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A trial is a test of a channel as a page shows it.
type trial struct {
	State   string        // running, passed or failed
	At, Ago template.HTML // when it began
	By      string        // empty: somebody without a name
	Error   string        // why nothing was sent; empty: something was
	Hops    []trialHop
	Again   string // the page that shows what is known a little later
}

// A trialHop is one step of it.
type trialHop struct {
	Up   bool
	Name string
	Said []string
}

// The states of a test.
const (
	trialRunning = "running"
	trialPassed  = "passed"
	trialFailed  = "failed"
)

func trialOf(c *catalogue, t *channels.Test, link string, now time.Time) *trial {
	v := &trial{State: trialFailed, At: clock(t.Started), Ago: ago(c, t.Started, now), By: clean(t.By), Error: printable.Text(t.Error, printable.MaxError), Again: link}
	switch {
	case t.Ended.IsZero():
		v.State = trialRunning
	case t.OK:
		v.State = trialPassed
	}
	for _, h := range t.Hops {
		hop := trialHop{Up: h.OK, Name: printable.Text(h.Name, printable.MaxURL)}
		for _, s := range h.Said {
			hop.Said = append(hop.Said, printable.Text(s, printable.MaxError))
		}
		v.Hops = append(v.Hops, hop)
	}
	return v
}

// TestChannel sends a test alert to the channel that the path names. Its page shows what becomes of that.
func (p *Pages) TestChannel(w http.ResponseWriter, r *http.Request) {
	if p.withoutChannels(w, r) {
		return
	}
	if _, ok := p.formOf(w, r); !ok {
		return
	}
	ch, ok := p.channelNamed(w, r)
	if !ok {
		return
	}
	by := p.Channels.Author(r, access.Operate, ch.Name)
	if err := by.May(ch.Environments()...); err != nil {
		p.Refuse(w, r, statusOf(err), err)
		return
	}
	_, err := p.Channels.Tests.Start(ch.Name, by.Name)
	if _, busy := errors.AsType[*managed.TooManyError](err); busy {
		if t, known := p.Channels.Tests.Last(ch.Name); known && t.Ended.IsZero() {
			err = nil // there is one under way, perhaps since the form was sent twice
		}
	}
	if err != nil {
		p.Refuse(w, r, statusOf(err), err)
		return
	}
	away(w, catalogueFor(r), channelAt(rootOf(r), ch.Name), "channel_testing")
}
