package page

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// An eventList is the page of events, the newest first.
type eventList struct {
	Form eventForm
	Days []dayOfEvents
	Next string // where older ones are; empty: there are none
}

// A dayOfEvents are those of a day of UTC.
type dayOfEvents struct {
	Title  string
	Events []eventLine
}

// An eventLine is something that happened, in words.
type eventLine struct {
	At           template.HTML
	Class, Icon  string
	What         string
	Target       *link         // nil: it is about no target
	Until        template.HTML // when it ends; empty: it does not
	Before       string        // how long it was otherwise, or who did it; empty: that is unknown
	Lasted       string        // how long it was so; empty: it still is, or that is unknown
	Reason, Text string        // Text is as the target, or the back-end, has it
	Maintenance  bool
}

// Events serves what happened to targets and services.
func (p *Pages) Events(w http.ResponseWriter, r *http.Request) {
	c, now := catalogueFor(r), time.Now()
	values := filled(r.URL.Query())
	q := query.Of(values)
	q.Only(append(board.EventParameters(), "lang")...)
	q.OneOf("lang", languages...)
	f := board.ParseEvents(q, now)
	if err := q.Err(); err != nil {
		p.refuse(w, r, http.StatusBadRequest, "./", err)
		return
	}
	list := p.events(c, &f, now)
	list.Form = formOf(c, values)
	if list.Next != "" {
		values.Set("after", list.Next)
		list.Next = "events?" + values.Encode()
	}
	p.render(w, r, http.StatusOK, shell{catalogue: c, Content: "events", Title: c.say("nav.events"), Here: "events", Root: "./", Body: list}, ofContent)
}

// filled are the parameters of a query that are not empty. A form sends the others, too.
func filled(values url.Values) url.Values {
	q := url.Values{}
	for name, all := range values {
		if all = slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "" }); len(all) > 0 {
			q[name] = all
		}
	}
	return q
}

// events are those that a Filter asks for. Next is the ID after which there are more.
func (p *Pages) events(c *catalogue, f *status.Filter, now time.Time) *eventList {
	found, more := p.Board.Status.Events(*f)
	ended := p.ended(f.Target)
	list := &eventList{}
	for i := range found {
		e := &found[i]
		if day := date(c, e.At, now) + " (UTC)"; len(list.Days) == 0 || list.Days[len(list.Days)-1].Title != day {
			list.Days = append(list.Days, dayOfEvents{Title: day})
		}
		one := eventOf(c, e, "./")
		if d, ok := ended[e.ID]; ok {
			one.Lasted = c.say("event.for", lasted(c, d))
		}
		day := &list.Days[len(list.Days)-1]
		day.Events = append(day.Events, one)
	}
	if more {
		list.Next = strconv.FormatUint(found[len(found)-1].ID, 10)
	}
	return list
}

// ended are how long the states lasted that have ended, by the ID of the event with which they began.
func (p *Pages) ended(target string) map[uint64]time.Duration {
	all, _ := p.Board.Status.Events(status.Filter{Kind: status.KindState, Target: target})
	found, next := map[uint64]time.Duration{}, map[string]time.Time{}
	for i := range all {
		if end, ok := next[all[i].Target]; ok {
			found[all[i].ID] = end.Sub(all[i].At)
		}
		next[all[i].Target] = all[i].At
	}
	return found
}

// deedIcons are the icons of what people do.
var deedIcons = map[status.Kind]string{status.KindEdit: "✎", status.KindMute: "⊘", status.KindChannel: "✉"}

// eventOf puts an event into words. Root is the way to the front page.
func eventOf(c *catalogue, e *status.Event, root string) eventLine {
	one := eventLine{At: clock(e.At), Maintenance: e.Maintenance}
	if e.Target != "" {
		one.Target = &link{root + "targets/" + url.PathEscape(e.Target) + c.Query, printable.Text(e.Target, printable.MaxLog)}
	}
	if e.Channel != "" {
		one.Target = &link{channelAt(root, e.Channel) + c.Query, printable.Text(e.Channel, printable.MaxLog)}
	}
	if e.Kind == status.KindRestart {
		one.Class, one.Icon = "restart", "⟳"
		one.What = c.say("event.restart", printable.Text(e.Service, printable.MaxLog))
		one.Reason = c.say("event.outcome." + e.Outcome)
		if e.Trigger != "" {
			one.Before = c.say("event.trigger." + e.Trigger)
		}
		one.Text = printable.Text(e.Detail, maxWhy)
		return one
	}
	if icon, ok := deedIcons[e.Kind]; ok {
		one.Class, one.Icon, one.What = string(e.Kind), icon, c.say("event.deed."+e.Outcome)
		if e.Who != "" {
			one.Before = c.say("event.by", printable.Text(e.Who, printable.MaxLog))
		}
		if !e.Until.IsZero() {
			one.Until = clock(e.Until)
		}
		one.Text = printable.Text(e.Detail, maxWhy)
		return one
	}
	one.Class, one.Icon, one.What = string(e.State), stateSigns[e.State].sign.icon, c.say("state."+string(e.State))
	after := "event.after_down"
	if e.State == status.StateDown {
		after = "event.after_up"
		one.Reason, one.Text = c.reason(e.Reason), printable.Text(e.Error, maxWhy)
	}
	if e.LastedSeconds != nil {
		one.Before = c.say(after, lasted(c, time.Duration(*e.LastedSeconds*float64(time.Second))))
	}
	return one
}

// An eventForm asks for events.
type eventForm struct {
	Target, Until, Limit, Lang string
	Kinds, Spans               []option
	Filtered                   bool
	All                        string // where all of them are
}

// An option is one that a form may choose.
type option struct {
	Value, Text string
	Chosen      bool
}

// spans are how far back a form may look.
var spans = []struct {
	value  string
	length time.Duration
}{{"1h", time.Hour}, {"1d", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}}

func formOf(c *catalogue, q url.Values) eventForm {
	f := eventForm{
		Target: printable.Text(q.Get("target"), printable.MaxURL), Until: q.Get("until"), Limit: q.Get("limit"), Lang: q.Get("lang"),
		Kinds: []option{{"", c.say("event.all_kinds"), q.Get("kind") == ""}}, Spans: []option{{"", c.say("event.all_time"), q.Get("since") == ""}},
		Filtered: q.Has("target") || q.Has("kind") || q.Has("since") || q.Has("until") || q.Has("after"), All: to(c, "events"),
	}
	for _, kind := range status.Kinds() {
		f.Kinds = append(f.Kinds, option{kind, c.say("event.kind." + kind), q.Get("kind") == kind})
	}
	since, known := q.Get("since"), q.Get("since") == ""
	for _, s := range spans {
		f.Spans = append(f.Spans, option{s.value, c.say("event.last", lasted(c, s.length)), since == s.value})
		known = known || since == s.value
	}
	if !known {
		f.Spans = append(f.Spans, option{since, c.say("event.since", printable.Text(since, printable.MaxLog)), true})
	}
	return f
}
