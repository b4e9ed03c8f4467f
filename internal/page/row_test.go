package page

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

var rowTemplate = template.Must(template.ParseFiles("testdata/row.html"))

// A templated is a row as testdata/row.html has it. It says the same as appendRow, by other means.
type templated struct {
	c   *catalogue
	r   *row
	now time.Time

	ID, Class, Cause, Path, Query, Name, Environment string

	Stale           bool
	State           word
	Signs           []word
	StaleAge, Since age
	Why             *why
	Took            *took
	Share           *share
	Bar             *bar
}

// The parts of a row.
type (
	word struct {
		Icon, Word string
		Until      *ending
	}
	ending struct {
		Clock                bool
		At, Text, After, Who string
	}
	age struct{ At, Form, Text string }
	why struct {
		Cause, CausePath, Query, Reason, Error, Hint string
		StatusCode                                   int
	}
	took struct {
		Text, Own string
		Age       age
	}
	share struct{ Percent, Base string }
	path  struct{ Class, D string }
	bar   struct {
		Paths   []path
		Percent string
	}
)

// byTemplate is the row as html/template makes it.
func byTemplate(t *testing.T, c *catalogue, r *row, now time.Time) string {
	t.Helper()
	d := templated{
		c: c, r: r, now: now,
		ID: r.ID, Class: string(r.State), Cause: r.Cause, Path: url.PathEscape(r.Name), Query: c.Query,
		Name: printable.Text(r.Name, printable.MaxURL), Environment: printable.Text(r.Environment, printable.MaxLog), Stale: r.Stale,
	}
	d.StaleAge, d.Since = d.age(r.LastProbe, "ago"), d.age(r.Since, "")
	d.setState()
	d.setWhy()
	d.setTook()
	d.setShare()
	d.setBar()
	var b bytes.Buffer
	if err := rowTemplate.ExecuteTemplate(&b, "row", d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func (d *templated) age(at time.Time, form string) age {
	if at.IsZero() {
		return age{}
	}
	past := max(d.now.Sub(at), 0)
	n, unit := int(past.Seconds()), "seconds"
	switch {
	case past >= 48*time.Hour:
		n, unit = int(past.Hours())/24, "days"
	case past >= time.Hour:
		n, unit = int(past.Hours()), "hours"
	case past >= time.Minute:
		n, unit = int(past.Minutes()), "minutes"
	}
	if form != "" {
		unit += "_" + form
	}
	return age{at.UTC().Format("2006-01-02T15:04:05Z"), form, d.c.say("age."+unit, strconv.Itoa(n))}
}

func (d *templated) setState() {
	r := d.r
	d.State = word{Icon: map[status.State]string{"up": "●", "down": "✖", "unknown": "○"}[r.State], Word: d.c.say("state." + string(r.State))}
	if r.Stale {
		d.Class = "stale"
		if r.State != status.StateUnknown {
			d.State = word{Icon: "⌛", Word: d.c.say("state.stale_" + string(r.State))}
		}
	}
	for _, s := range []struct {
		is        bool
		icon, key string
		period    *calendar.Period
	}{
		{r.Restarting != "", "⟳", "restarting." + r.Restarting, nil},
		{r.Flapping, "↕", "flapping", nil},
		{r.Unable, "⚠", "unable", nil},
		{r.Quiet.InMaintenance, "⚙", "maintenance", r.Quiet.Maintenance},
		{r.Quiet.Muted, "⊘", "muted", r.Quiet.Mute},
	} {
		if s.is {
			w := word{Icon: s.icon, Word: d.c.say("state." + s.key)}
			if s.period != nil {
				w = d.until(s.icon, "state."+s.key, s.period)
			}
			d.Signs = append(d.Signs, w)
		}
	}
}

func (d *templated) until(icon, key string, p *calendar.Period) word {
	key += map[bool]string{false: "_until", true: "_until_healthy"}[p.UntilHealthy]
	before, after, _ := strings.Cut(d.c.say(key, "|"), "|")
	e := &ending{After: after, At: p.End.UTC().Format(time.RFC3339), Text: p.End.UTC().Format("2006-01-02 15:04:05")}
	if p.End.Sub(d.now) < 24*time.Hour {
		e.Clock, e.Text = true, e.Text[len("2006-01-02 "):]
	}
	e.Who = printable.Text(strings.TrimSuffix(p.By+": "+p.Reason, ": "), maxSaid)
	if p.By == "" {
		e.Who = printable.Text(p.Reason, maxSaid)
	}
	return word{Icon: icon, Word: before, Until: e}
}

func (d *templated) setWhy() {
	r := d.r
	if r.State != status.StateDown {
		return
	}
	d.Why = &why{
		CausePath: url.PathEscape(r.Cause), Query: d.c.Query, Reason: d.c.say("reason." + cmp.Or(string(r.Reason), "unknown")),
		Error: printable.Text(r.Error, maxWhy), Hint: printable.Text(r.Hint, printable.MaxURL), StatusCode: r.StatusCode,
	}
	if r.Cause != "" {
		d.Why.Cause = d.c.say("why.cause", printable.Text(r.Cause, printable.MaxURL))
	}
}

func (d *templated) setTook() {
	r := d.r
	if r.LastProbe.IsZero() {
		return
	}
	ms := r.Duration.Seconds() * 1000
	d.Took = &took{Text: fmt.Sprintf("%.1f s", ms/1000), Age: d.age(r.LastProbe, "ago")}
	switch {
	case r.Duration < 10*time.Millisecond:
		d.Took.Text = fmt.Sprintf("%.1f ms", ms)
	case r.Duration < time.Second:
		d.Took.Text = fmt.Sprintf("%.0f ms", ms)
	}
	if r.Own {
		d.Took.Own = d.c.say("list.own")
	}
}

func (d *templated) percent(n status.Count) string {
	exact := 100 * float64(n.Up) / float64(n.Total())
	switch {
	case n.Down == 0:
		return d.c.say("list.percent", "100")
	case exact >= 99:
		return d.c.say("list.percent", fmt.Sprintf("%.2f", math.Floor(exact*100+1e-9)/100))
	default:
		return d.c.say("list.percent", fmt.Sprintf("%.1f", math.Floor(exact*10+1e-9)/10))
	}
}

func (d *templated) setShare() {
	n := d.r.Glance.Day
	if n.Total() == 0 {
		return
	}
	base := strconv.Itoa(n.Total())
	for i := len(base) - 3; i > 0; i -= 3 {
		base = base[:i] + "," + base[i:]
	}
	d.Share = &share{d.percent(n), d.c.say("list.of_probes", base)}
}

func (d *templated) setBar() {
	var hour status.Count
	var paths [2]string
	minutes := d.r.Glance.Minutes[:]
	for i := 0; i < len(minutes); {
		m, n := heights(minutes[i]), 0
		for ; i+n < len(minutes) && heights(minutes[i+n]) == m; n++ {
			hour.Up += minutes[i+n].Up
			hour.Down += minutes[i+n].Down
		}
		for k := range paths {
			if m[k] > 0 {
				paths[k] += fmt.Sprintf("M%d 12v-%dh%dv%dz", i, m[k], n, m[k])
			}
		}
		i += n
	}
	if hour.Total() == 0 {
		return
	}
	d.Bar = &bar{Percent: d.percent(hour)}
	for k, class := range []string{"ok", "no"} {
		if paths[k] != "" {
			d.Bar.Paths = append(d.Bar.Paths, path{class, paths[k]})
		}
	}
}

// heights are those of what was up and of what was not.
func heights(m status.Count) [2]int {
	switch {
	case m.Total() == 0:
		return [2]int{}
	case m.Down == 0:
		return [2]int{4, 0}
	default:
		return [2]int{0, 4 + 8*m.Down/m.Total()}
	}
}

// A row is what html/template makes of it, whatever the target is called and answers.
func FuzzAppendRow(f *testing.F) {
	for _, hostile := range []string{
		"shop", `"><script>alert(1)</script>`, "</tr>'&+\x00", "\u202eevil\u2066", "\x1b[31m\r\n", "서버 1", "\U0001f4a9\U0001d54f", "\xff\xc3", "a/../b?c=d#e%2F",
		"it's", "a+b", "a&b", "a<b", "a>b", `a"b`, "a\x00b", "javascript:alert(1)", strings.Repeat("x", 2000), strings.Repeat("\u202e", 900),
	} {
		for flags := range uint16(5) {
			f.Add(hostile, hostile, hostile, hostile, min(flags, 3)*0x5555|flags/4*0xe001, int64(flags)*1e9, flags*77, []byte(hostile))
		}
	}
	f.Fuzz(func(t *testing.T, name, cause, text, advice string, flags uint16, took int64, counts uint16, minutes []byte) {
		now := time.Date(2026, 11, 29, 14, 3, 20, 0, time.UTC)
		is := func(bit int) bool { return flags&(1<<bit) != 0 }
		pick := func(bit int, s string) string {
			if is(bit) {
				return s
			}
			return ""
		}
		r := row{ID: rowID(name), Hint: advice, Target: board.Target{
			Entry: &inventory.Entry{Target: config.Target{Name: name, Environment: text}},
			Cause: pick(1, cause), Restarting: pick(2, "verifying"), Quiet: inventory.Quiet{Muted: is(0), InMaintenance: is(3)},
		}}
		if is(13) {
			r.Quiet.Mute = &calendar.Period{End: now.Add(time.Duration(took%int64(720*time.Hour)) + 720*time.Hour), By: pick(14, name), Reason: pick(15, text)}
			r.Quiet.Maintenance = &calendar.Period{End: now.Add(time.Duration(took % int64(time.Minute))), By: pick(15, text), Reason: pick(14, advice), UntilHealthy: is(1)}
		}
		r.State = status.States()[int(flags>>4)%3]
		r.Stale, r.Flapping, r.Unable, r.Own = is(6), is(7), is(8), is(9)
		r.Error, r.Duration, r.StatusCode = pick(10, text), time.Duration(took&math.MaxInt64), int(counts)%600
		if reasons := prober.Reasons(); is(11) {
			r.Reason = reasons[int(counts)%len(reasons)].Reason
		}
		if is(12) {
			r.Since, r.LastProbe = now.Add(-r.Duration), now.Add(-r.Duration/2)
		}
		r.Glance.Day = status.Count{Up: int(counts), Down: len(text) % 5}
		for i := range min(len(minutes), len(r.Glance.Minutes)) {
			r.Glance.Minutes[i] = status.Count{Up: int(minutes[i] & 7), Down: int(minutes[i]>>3) & 3}
		}
		for _, c := range []*catalogue{catalogues["en"], asked["ko"]} {
			got, want := string(appendRow(nil, c, &r, now)), byTemplate(t, c, &r, now)
			if got != want {
				t.Errorf("in %s\n%s\nwant\n%s", c.Lang, got, want)
			}
			if strings.ContainsAny(got, "\r\n") || !printable.Is(got) {
				t.Errorf("in %s the row is not one line that prints: %q", c.Lang, got)
			}
		}
	})
}

// Two targets whose names have the same hash have two ids.
func TestRowIDsAreDifferent(t *testing.T) {
	s := newStage(t, fleet(30))
	ids := rowIDsBy(s.inventory, func(name string) string { return name[:2] })
	seen := map[string]string{}
	for name := range s.inventory.Names() {
		id := ids.of(name)
		if other, ok := seen[id]; ok || !strings.HasPrefix(id, name[:2]) {
			t.Errorf("%s has the id %q, and %q has it, too", name, id, other)
		}
		seen[id] = name
	}
	if got, want := newRowIDs(s.inventory).of("shop-shop-000"), rowID("shop-shop-000"); got != want || len(got) != 9 {
		t.Errorf("the id is %q, want %q of 9 characters", got, want)
	}
}

// Probes that find what the last one found do not change the face of a row; everything else does.
func TestFace(t *testing.T) {
	s := newStage(t, "targets: [{name: a, url: 'http://a.example/'}]")
	now := time.Now()
	at := func(now time.Time) face {
		target := s.Board.At(now).Target(s.inventory.ByName("a"))
		return faceOf(&target, s.hintFor(&target))
	}
	unknown := at(now)
	s.up(now, "a")
	up := at(now)
	s.up(now.Add(20*time.Second), "a")
	if same := at(now.Add(25 * time.Second)); same != up || up == unknown {
		t.Errorf("after another probe the face is %+v, want %+v", same, up)
	}
	stale := at(now.Add(time.Hour))
	s.down(now.Add(30*time.Second), "a")
	down := at(now.Add(30 * time.Second))
	s.restarts["a"] = "executing"
	if restarting := at(now.Add(30 * time.Second)); stale == up || down == up || restarting == down || down.hint == "" {
		t.Errorf("of %+v, %+v, %+v and %+v two are the same, or there is no hint", up, stale, down, restarting)
	}
}
