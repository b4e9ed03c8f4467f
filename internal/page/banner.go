package page

import (
	"html/template"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// Health is what the exporter knows of itself and of who asks it.
type Health struct {
	// Started is when it began to run: what was not probed before is not missed.
	Started time.Time
	// Discovered and Scraped are when somebody last asked for the list of targets, and for a probe of one by its name. Zero: nobody
	// did.
	Discovered, Scraped time.Time
	// Unknown is why it is not known which targets people have edited, so that they are missing here. nil: it is known.
	Unknown error
	// Broken is why the configuration could not be loaded, so that the one before goes on serving. nil: it could.
	Broken error
	// Unsynced are the Alertmanagers that do not run the channels which are shown, and have not for so long that somebody should know. The
	// worst comes first.
	Unsynced []alertconf.Standing
	// Braked are the scopes in which nothing is restarted, since too much fails at once.
	Braked []string
}

// A banner is what is over the list: the worst that is wrong with the exporter and not with a target. The zero banner says nothing.
type banner struct {
	Kind                string // one of the kinds, a class and the key of its text
	Count               int    // of targets that it is about
	Since               time.Time
	Discovered, Scraped time.Time
	Text                string // what it says besides
	State               alertconf.State
}

// The kinds of banners, the first that holds.
const (
	bannerUnprobed = "unprobed" // nobody probes some targets: alerts cannot fire for them
	bannerUnread   = "unread"   // it is not known what people have edited
	bannerUnsynced = "unsynced" // some Alertmanager does not run the channels that are shown
	bannerBroken   = "broken"   // the configuration could not be loaded
	bannerBraked   = "braked"   // nothing is restarted
	bannerOwn      = "own"      // the exporter probes what Prometheus did probe before
)

// banner is what is over the list of a Board.
func (p *Pages) banner(b *board.Board) banner {
	h := p.Health()
	unprobed, own := p.neglected(b, h.Started)
	switch {
	case unprobed.Count > 0:
		unprobed.Kind, unprobed.Discovered, unprobed.Scraped = bannerUnprobed, h.Discovered, h.Scraped
		return unprobed
	case h.Unknown != nil:
		return banner{Kind: bannerUnread, Text: printable.Text(h.Unknown.Error(), printable.MaxURL)}
	case len(h.Unsynced) > 0:
		names, state := untold(h.Unsynced)
		return banner{Kind: bannerUnsynced, Text: names, State: state}
	case h.Broken != nil:
		first, _, _ := strings.Cut(h.Broken.Error(), "\n") // there is one for each mistake
		return banner{Kind: bannerBroken, Text: printable.Text(first, printable.MaxURL)}
	case len(h.Braked) > 0:
		return banner{Kind: bannerBraked, Text: printable.Text(strings.Join(h.Braked, ", "), printable.MaxURL)}
	case own > 0 && !h.Scraped.IsZero():
		return banner{Kind: bannerOwn, Count: own, Discovered: h.Discovered, Scraped: h.Scraped}
	default:
		return banner{}
	}
}

// toMinute is the banner without the seconds of its times: they go on with each scrape, and it says the same.
func (n banner) toMinute() banner {
	n.Discovered, n.Scraped = n.Discovered.Truncate(time.Minute), n.Scraped.Truncate(time.Minute)
	return n
}

// neglected are the targets that nobody has probed for two intervals, though the exporter has run for as long, and how many it
// probes by itself. Since is when the last one of them was probed, or the exporter began to run.
func (p *Pages) neglected(b *board.Board, started time.Time) (unprobed banner, own int) {
	for _, e := range b.Inventory.Entries() {
		at, _, byUs := p.Board.Status.Last(e.Name)
		if at.Before(started) {
			at, byUs = started, false
		}
		switch {
		case status.Stale(at, time.Duration(e.Interval), b.Now):
			unprobed.Count++
			if at.After(unprobed.Since) {
				unprobed.Since = at
			}
		case byUs:
			own++
		}
	}
	return unprobed, own
}

// A notice is a banner as a template shows it.
type notice struct {
	banner
	c   *catalogue
	now time.Time
}

// Query is what a link of ours has; see catalogue.
func (n notice) Query() string { return n.c.Query }

// Age is how long ago a time was.
func (n notice) Age(at time.Time, form string) template.HTML {
	return template.HTML(appendAge(nil, n.c, at, form, n.now)) //nolint:gosec // it is escaped
}

// At is a time of the day, and how long ago that was.
func (n notice) At(at time.Time) template.HTML {
	if at.IsZero() {
		return template.HTML(appendEscaped(nil, n.c.say("banner.never"))) //nolint:gosec // it is escaped
	}
	b := append(appendClock(nil, at), " ("...)
	return template.HTML(append(appendAge(b, n.c, at, "ago", n.now), ')')) //nolint:gosec // it is escaped
}
