package page

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/send"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// The colours of a badge. White text has a contrast of 4.5 and more on each.
const (
	badgeGreen = "2e7d32"
	badgeAmber = "8a5a00"
	badgeRed   = "c62828"
	badgeGrey  = "5f6368"
)

// What a badge may show.
const (
	badgeState = "state"
	badgeDay   = "uptime-24h"
	badgeWeek  = "uptime-7d"
	badgeMonth = "uptime-30d"
	badgeTook  = "took"
)

// badgeCaching lets everybody keep a badge for a while.
const badgeCaching = "max-age=30"

// maxLabel is how much of a name a badge has, in bytes.
const maxLabel = 100

// A badge is a label and what there is to say, in the format of https://shields.io/badges/endpoint-badge.
type badge struct {
	SchemaVersion int    `json:"schemaVersion"`
	Label         string `json:"label"`
	Message       string `json:"message"`
	Color         string `json:"color"`
	IsError       bool   `json:"isError,omitempty"`
}

// An answer is all that a request is answered with.
type answer struct {
	status int
	kind   string // Content-Type
	body   []byte
}

// send answers a request. Where all is well it may be kept as long as caching says.
func (a *answer) send(w http.ResponseWriter, r *http.Request, caching string) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	if a.status != http.StatusOK {
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body) // who asked is gone
		return
	}
	h.Set("Cache-Control", caching)
	sendText(w, r, send.ETag(a.body), a.body)
}

// Badge serves a picture of a target for pages of others, NAME.svg, or what it says, NAME.json.
func (p *Pages) Badge(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	p.badge(r, func(*inventory.Entry) bool { return true }).send(w, r, badgeCaching)
}

// badge answers for the targets that are shown. Of others it says the same as of those that do not exist.
func (p *Pages) badge(r *http.Request, shown func(*inventory.Entry) bool) *answer {
	q := query.Of(filled(r.URL.Query()))
	q.Only("kind", "lang")
	kind := cmp.Or(q.OneOf("kind", badgeState, badgeDay, badgeWeek, badgeMonth, badgeTook), badgeState)
	lang := cmp.Or(q.OneOf("lang", languages...), languages[0]) // not that of who looks at the page that shows it
	if err := q.Err(); err != nil {
		return &answer{http.StatusBadRequest, "text/plain; charset=utf-8", []byte(printable.Text(err.Error(), printable.MaxError) + "\n")}
	}
	c, now := catalogues[lang], time.Now()
	file := r.PathValue("file")
	name, isJSON := strings.CutSuffix(file, ".json")
	name, isSVG := strings.CutSuffix(name, ".svg")
	if isJSON {
		name = strings.TrimSuffix(file, ".json")
	} else if !isSVG {
		return &answer{http.StatusNotFound, "text/plain; charset=utf-8", []byte("a badge is NAME.svg or NAME.json\n")}
	}
	made, code := &badge{Label: c.say("badge.target"), Message: c.say("badge.missing"), Color: badgeGrey, IsError: true}, http.StatusNotFound
	b := p.Board.At(now)
	if e := b.Inventory.ByName(name); e != nil && shown(e) {
		made, code = p.badgeOf(c, b, e, kind), http.StatusOK
	}
	if isJSON {
		made.SchemaVersion = 1
		text, _ := json.Marshal(made) // it is made of texts
		return &answer{code, "application/json", append(text, '\n')}
	}
	return &answer{code, "image/svg+xml; charset=utf-8", made.svg()}
}

func (p *Pages) badgeOf(c *catalogue, b *board.Board, e *inventory.Entry, kind string) *badge {
	t := b.Target(e)
	made := &badge{Label: printable.Text(e.Name, maxLabel)}
	made.Message, made.Color = badgeWord(c, &t)
	u := p.Board.Status.Uptime(e.Name, b.Now)
	switch kind {
	case badgeTook:
		if !t.LastProbe.IsZero() {
			made.Message = spent(t.Duration)
		}
	case badgeDay:
		made.share(c, "age.hours", 24, u.Day)
	case badgeWeek:
		made.share(c, "age.days", 7, u.Week)
	case badgeMonth:
		made.share(c, "age.days", 30, u.Month)
	}
	return made
}

// badgeWord is how a target is, in a word and a colour.
func badgeWord(c *catalogue, t *board.Target) (word, colour string) {
	switch {
	case t.Quiet.InMaintenance:
		return c.say("state.maintenance"), badgeGrey
	case t.State == status.StateUnknown:
		return c.say("state.unknown"), badgeGrey
	case t.Stale:
		return c.say("state.stale_" + string(t.State)), badgeGrey
	case t.State == status.StateDown:
		return c.say("state.down"), badgeRed
	default:
		return c.say("state.up"), badgeGreen
	}
}

// The shares of probes, in hundredths of a percent, below which a badge is not green, and is red.
const (
	badgeGood = 99_00
	badgeFair = 95_00
)

// share has a badge say how often a target was up.
func (b *badge) share(c *catalogue, unit string, n int, count status.Count) {
	before, after := c.around(unit)
	b.Label += " · " + before + strconv.Itoa(n) + after
	if count.Total() == 0 {
		b.Message, b.Color = none, badgeGrey
		return
	}
	b.Message = string(appendPercent(nil, c, count)) // there is nothing in it to escape
	switch hundredths := count.Up * 100_00 / count.Total(); {
	case hundredths >= badgeGood:
		b.Color = badgeGreen
	case hundredths >= badgeFair:
		b.Color = badgeAmber
	default:
		b.Color = badgeRed
	}
}

// The sizes of a badge, in pixels.
const (
	badgeHeight = 20
	badgePad    = 6
)

// svg draws a badge: the label on the left, and the message on the right.
func (b *badge) svg() []byte {
	label, message := textWidth(b.Label), textWidth(b.Message)
	left, right := label+2*badgePad, message+2*badgePad
	var s bytes.Buffer
	escape := func(text string) { _ = xml.EscapeText(&s, []byte(text)) } // a Buffer takes it
	number := func(before string, n int) {
		s.WriteString(before)
		s.WriteString(strconv.Itoa(n))
	}
	number(`<svg xmlns="http://www.w3.org/2000/svg" width="`, left+right)
	number(`" height="`, badgeHeight)
	s.WriteString(`" role="img" aria-label="`)
	escape(b.Label + ": " + b.Message)
	s.WriteString(`"><title>`)
	escape(b.Label + ": " + b.Message)
	number(`</title><path fill="#3c4043" d="M0 0h`, left)
	number(`v20H0z"/><path fill="#`+b.Color+`" d="M`, left)
	number(` 0h`, right)
	number(`v20h-`, right)
	s.WriteString(`z"/><g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">`)
	for _, t := range []struct {
		text     string
		x, width int
	}{{b.Label, badgePad, label}, {b.Message, left + badgePad, message}} {
		number(`<text y="14" x="`, t.x)
		number(`" textLength="`, t.width)
		s.WriteString(`">`)
		escape(t.text)
		s.WriteString(`</text>`)
	}
	s.WriteString("</g></svg>\n")
	return s.Bytes()
}
