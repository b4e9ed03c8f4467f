package page

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A row is a target as the list shows it. It is the same in every view, so that all who look at it in one language can share it.
type row struct {
	board.Target
	ID string // of the element
	// Hint says what to do about it. Empty: it is up, or nobody knows.
	Hint   string
	Glance status.Glance
}

// maxWhy is how much of an error a row shows, in bytes. The page of the target has more.
const maxWhy = printable.MaxLog

// row is the row of a target of a Board.
func (p *Pages) row(t board.Target, ids rowIDs, now time.Time) row {
	return row{Target: t, ID: ids.of(t.Name), Hint: p.hintFor(&t), Glance: p.Board.Status.Glance(t.Name, now)}
}

// errRemembered stands for the error of a failure of which only the reason is known.
var errRemembered = errors.New("as it was remembered")

// hintFor says what to do about a target that is down. Where its last failure is not kept the reason has to do.
func (p *Pages) hintFor(t *board.Target) string {
	if t.State != status.StateDown {
		return ""
	}
	r, ok := p.Board.Status.Failure(t.Name)
	if !ok || r.Reason != t.Reason {
		r = prober.Result{Reason: t.Reason, Err: errRemembered}
	}
	return p.HintOf(t.Module, &r)
}

// idEncoding makes words that an id may have.
var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// idBytes is how much of a hash an id has: 40 bits.
const idBytes = 5

// rowID is the id of the row of a target, unless another one has it; see rowIDs.
func rowID(name string) string { return "t" + hashed(name) }

// groupID is the id of the rows of a group.
func groupID(name string) string { return "g" + hashed(name) }

func hashed(name string) string {
	sum := sha256.Sum256([]byte(name))
	return idEncoding.EncodeToString(sum[:idBytes])
}

// rowIDs are the ids of the rows of an inventory: that of rowID, and a number after it where that is taken.
type rowIDs map[string]string

func newRowIDs(inv *inventory.Inventory) rowIDs { return rowIDsBy(inv, rowID) }

func rowIDsBy(inv *inventory.Inventory, id func(string) string) rowIDs {
	all := make(rowIDs, len(inv.Entries()))
	taken := make(map[string]int, len(inv.Entries()))
	for _, e := range inv.Entries() {
		id := id(e.Name)
		n := taken[id]
		taken[id]++
		if n > 0 {
			id += "-" + strconv.Itoa(n)
		}
		all[e.Name] = id
	}
	return all
}

// of is the id of the row of a target of the inventory.
func (ids rowIDs) of(name string) string { return ids[name] }

// appendRow appends the row of a target: one line, the same as testdata/row.html makes of it.
func appendRow(b []byte, c *catalogue, r *row, now time.Time) []byte {
	b = append(b, `<tr id="`...)
	b = append(b, r.ID...)
	b = append(b, `" class="`...)
	b = append(b, r.class()...)
	if r.Cause != "" {
		b = append(b, ` dep`...)
	}
	b = append(b, `"><th scope="row"><a href="targets/`...)
	b = appendEscaped(b, url.PathEscape(r.Name))
	b = append(b, c.Query...)
	b = append(b, `">`...)
	b = appendText(b, r.Name, printable.MaxURL)
	b = append(b, `</a><span class="env">`...)
	b = appendText(b, r.Environment, printable.MaxLog)
	b = append(b, `</span></th><td>`...)
	b = appendState(b, c, r, now)
	b = append(b, `</td><td>`...)
	b = appendWhy(b, c, r)
	b = append(b, `</td><td>`...)
	b = appendAge(b, c, r.Since, "", now)
	b = append(b, `</td><td>`...)
	b = appendTook(b, c, r, now)
	b = append(b, `</td><td>`...)
	b = appendShare(b, c, r.Glance.Day)
	b = append(b, `</td><td>`...)
	b = appendBar(b, c, r.Glance.Minutes[:])
	return append(b, `</td></tr>`...)
}

// class is how the row looks.
func (r *row) class() string {
	if r.Stale {
		return "stale"
	}
	return string(r.State)
}

// A sign stands beside the state, with a word.
type sign struct {
	icon, key string
	// period is what a person has set, of which the key is without its end; nil: nobody has set it.
	period *calendar.Period
}

// stateSigns are the icons of states, and the keys of their words.
var stateSigns = map[status.State]struct{ sign, stale sign }{
	status.StateUp:      {sign{icon: "●", key: "state.up"}, sign{icon: "⌛", key: "state.stale_up"}},
	status.StateDown:    {sign{icon: "✖", key: "state.down"}, sign{icon: "⌛", key: "state.stale_down"}},
	status.StateUnknown: {sign{icon: "○", key: "state.unknown"}, sign{icon: "○", key: "state.unknown"}},
}

// signs are what else there is to say, in the order of a row.
func (r *row) signs() (all [5]sign, n int) {
	for _, s := range []struct {
		is bool
		sign
	}{
		{r.Restarting != "", sign{icon: "⟳", key: "state.restarting." + r.Restarting}},
		{r.Flapping, sign{icon: "↕", key: "state.flapping"}},
		{r.Unable, sign{icon: "⚠", key: "state.unable"}},
		{r.Quiet.InMaintenance, sign{"⚙", "state.maintenance", r.Quiet.Maintenance}},
		{r.Quiet.Muted, sign{"⊘", "state.muted", r.Quiet.Mute}},
	} {
		if s.is {
			all[n] = s.sign
			n++
		}
	}
	return all, n
}

func appendState(b []byte, c *catalogue, r *row, now time.Time) []byte {
	words := stateSigns[r.State]
	s := words.sign
	if r.Stale {
		s = words.stale
	}
	b = appendSign(b, c, `<b>`, s, `</b>`, now)
	if r.Stale {
		b = append(b, ' ')
		b = appendAge(b, c, r.LastProbe, "ago", now)
	}
	signs, n := r.signs()
	for _, s := range signs[:n] {
		b = appendSign(b, c, ` <span class="sign">`, s, `</span>`, now)
	}
	return b
}

func appendSign(b []byte, c *catalogue, before string, s sign, after string, now time.Time) []byte {
	b = append(b, before...)
	b = append(b, `<span aria-hidden="true">`...)
	b = append(b, s.icon...)
	b = append(b, `</span> `...)
	if s.period != nil {
		b = appendPeriod(b, c, s.key, s.period, now)
	} else {
		b = appendEscaped(b, c.say(s.key))
	}
	return append(b, after...)
}

// appendWhy says why a target is down, and what to do.
func appendWhy(b []byte, c *catalogue, r *row) []byte {
	if r.State != status.StateDown {
		return b
	}
	if r.Cause != "" {
		b = append(b, `<a class="cause" href="targets/`...)
		b = appendEscaped(b, url.PathEscape(r.Cause))
		b = append(b, c.Query...)
		b = append(b, `"><span aria-hidden="true">↳</span> `...)
		before, after := c.around("why.cause")
		b = appendEscaped(b, before)
		b = appendText(b, r.Cause, printable.MaxURL)
		b = appendEscaped(b, after)
		b = append(b, `</a> `...)
	}
	b = append(b, `<span class="reason">`...)
	b = appendEscaped(b, c.reason(r.Reason))
	b = append(b, `</span>`...)
	switch {
	case r.Error != "":
		b = append(b, ` <span lang="en">`...)
		b = appendText(b, r.Error, maxWhy)
		b = append(b, `</span>`...)
	case r.StatusCode != 0:
		b = append(b, ` <span>`...)
		b = strconv.AppendInt(b, int64(r.StatusCode), 10)
		b = append(b, `</span>`...)
	}
	if r.Hint != "" {
		b = append(b, `<small lang="en">`...)
		b = appendText(b, r.Hint, printable.MaxURL)
		b = append(b, `</small>`...)
	}
	return b
}

// appendTook says how long the last probe took, how long ago it was, and whose it was.
func appendTook(b []byte, c *catalogue, r *row, now time.Time) []byte {
	if r.LastProbe.IsZero() {
		return append(b, none...)
	}
	b = append(b, `<span class="ms">`...)
	b = appendDuration(b, r.Duration)
	b = append(b, `</span> <small>`...)
	b = appendAge(b, c, r.LastProbe, "ago", now)
	if r.Own {
		b = append(b, ' ')
		b = appendEscaped(b, c.say("list.own"))
	}
	return append(b, `</small>`...)
}

// appendShare says how often a target was found up, and of how many probes.
func appendShare(b []byte, c *catalogue, n status.Count) []byte {
	if n.Total() == 0 {
		return append(b, none...)
	}
	b = appendPercent(b, c, n)
	before, after := c.around("list.of_probes")
	b = append(b, `<span class="vh"> `...)
	b = appendEscaped(b, before)
	b = appendCount(b, n.Total())
	b = appendEscaped(b, after)
	return append(b, `</span>`...)
}
