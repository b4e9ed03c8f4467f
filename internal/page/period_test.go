package page

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// people are what people have said: mutes and maintenances by target.
type people struct{ mutes, maintenances map[string]calendar.Period }

// Mute implements inventory.Overlays. Each answer is another copy.
func (p *people) Mute(target string, at time.Time) *calendar.Period {
	return under(p.mutes[target], at)
}

// Maintenance implements inventory.Overlays.
func (p *people) Maintenance(target string, at time.Time) *calendar.Period {
	return under(p.maintenances[target], at)
}

func under(p calendar.Period, at time.Time) *calendar.Period {
	if p.Contains(at) {
		return &p
	}
	return nil
}

func TestSignsOfPeriods(t *testing.T) {
	now := time.Date(2026, 11, 29, 13, 0, 0, 0, time.UTC)
	const hour = `until <time data-clock datetime="2026-11-29T14:30:00Z">14:30:00</time>`
	end := now.Add(90 * time.Minute)
	for _, tc := range []struct {
		name, lang        string
		mute, maintenance calendar.Period
		want              string
	}{
		{"muted", "en", calendar.Period{End: end, By: "alice", Reason: "deploy"}, calendar.Period{}, `⊘</span> muted ` + hour + ` (alice: deploy)</span>`},
		{"without a reason", "en", calendar.Period{End: end, By: "alice"}, calendar.Period{}, `⊘</span> muted ` + hour + ` (alice)</span>`},
		{"nobody knows who", "en", calendar.Period{End: end}, calendar.Period{}, `⊘</span> muted ` + hour + `</span>`},
		{"in maintenance", "en", calendar.Period{}, calendar.Period{End: end, By: "ci"}, `⚙</span> in maintenance ` + hour + ` (ci)</span>`},
		{"until healthy", "en", calendar.Period{}, calendar.Period{End: end, By: "ci", UntilHealthy: true}, `⚙</span> in maintenance until it is healthy, ` + hour[len("until "):] + ` at the latest (ci)</span>`},
		{"tomorrow at this time", "en", calendar.Period{End: now.Add(23*time.Hour + 59*time.Minute), By: "alice"}, calendar.Period{}, `muted until <time datetime="2026-11-30T12:59:00Z">2026-11-30 12:59:00</time> (alice)</span>`},
		{"another day", "en", calendar.Period{End: now.Add(24 * time.Hour), By: "alice"}, calendar.Period{}, `muted until <time datetime="2026-11-30T13:00:00Z">2026-11-30 13:00:00</time> (alice)</span>`},
		{"in Korean", "ko", calendar.Period{End: end, By: "김"}, calendar.Period{}, `⊘</span> <time data-clock datetime="2026-11-29T14:30:00Z">14:30:00</time>까지 알림 꺼짐 (김)</span>`},
		{"hostile", "en", calendar.Period{End: end, By: "<script>\n", Reason: strings.Repeat("\u202e\"&", 5000)}, calendar.Period{}, `muted ` + hour + ` (&lt;script&gt;`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t, "targets: [{name: a, url: 'http://a.example/'}]")
			s.inventory.Overlays = &people{map[string]calendar.Period{"a": tc.mute}, map[string]calendar.Period{"a": tc.maintenance}}
			r := s.row(s.Board.At(now).Target(s.inventory.ByName("a")), newRowIDs(s.inventory), now)
			got := string(appendRow(nil, catalogues[tc.lang], &r, now))
			if !strings.Contains(got, tc.want) {
				t.Errorf("the row lacks\n%s\n%s", tc.want, got)
			}
			if !printable.Is(got) || len(got) > 2<<10 {
				t.Errorf("the row has %d bytes, or does not print: %q", len(got), got)
			}
		})
	}
}

// Whoever looks at the list is told when a period begins, ends, or is changed, also where nothing else happens; and only then.
func TestPeriodsReachViewers(t *testing.T) {
	w := newWall(t, 1, market(3))
	begin := time.Now()
	p := &people{mutes: map[string]calendar.Period{}, maintenances: map[string]calendar.Period{
		"shop-1": {Start: begin.Add(time.Minute), End: begin.Add(time.Hour), By: "alice"},
	}}
	w.inventory.Load().Overlays = p
	scene := w.pages.Live.scene
	before := uint64(0)
	for _, step := range []struct {
		name   string
		after  time.Duration
		change func()
		news   bool
	}{
		{"at first", 0, nil, true},
		{"it has not begun", time.Second, nil, false},
		{"it begins by itself", time.Minute, nil, true},
		{"it goes on", 2 * time.Minute, nil, false},
		{"it is made longer", 3 * time.Minute, func() {
			p.maintenances["shop-1"] = calendar.Period{Start: begin, End: begin.Add(100 * time.Minute), By: "alice"}
		}, true},
		{"by another", 4 * time.Minute, func() {
			p.maintenances["shop-1"] = calendar.Period{Start: begin, End: begin.Add(100 * time.Minute), By: "bob"}
		}, true},
		{"for another reason", 4*time.Minute + time.Second, func() {
			p.maintenances["shop-1"] = calendar.Period{Start: begin, End: begin.Add(100 * time.Minute), By: "bob", Reason: "x"}
		}, true},
		{"muted besides", 4*time.Minute + 2*time.Second, func() {
			p.mutes["shop-1"] = calendar.Period{Start: begin, End: begin.Add(110 * time.Minute), By: "bob", Reason: "x"}
		}, true},
		{"it ends by itself", 100 * time.Minute, nil, true},
		{"the mute does, too", 110 * time.Minute, nil, true},
		{"and that is all", 111 * time.Minute, nil, false},
	} {
		if step.change != nil {
			step.change()
		}
		for _, e := range w.inventory.Load().Entries() {
			w.up(e.Name)
		}
		scene.look(begin.Add(step.after), 0)
		revision := scene.hub.Revision()
		if news := revision != before; news != step.news {
			t.Errorf("%s: viewers are told: %t, want %t", step.name, news, step.news)
		}
		before = revision
	}
}

// A list of what is muted has only the groups in which something is, and what was counted on a page is counted down.
func TestMutedAreCounted(t *testing.T) {
	w := newWall(t, 1, market(3))
	begin := time.Now()
	w.inventory.Load().Overlays = &people{mutes: map[string]calendar.Period{"shop-1": {Start: begin, End: begin.Add(time.Hour)}}}
	scene := w.pages.Live.scene
	view, err := parseView(url.Values{"muted": {"true"}, "view": {"all"}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		after  time.Duration
		groups []string
		say    string
		live   string // what the group LIVE says
	}{
		{"muted", 0, []string{"LIVE: shop-1"}, "1 up", "1 up"},
		{"the end", time.Hour, nil, "no targets", "no targets"},
	} {
		now := begin.Add(tc.after)
		scene.look(now, 0)
		v := &viewer{view: view, c: catalogues["en"]}
		v.query[0] = byte(len(tc.name))
		on := view.on(w.pages.Board.At(now))
		if diff := cmp.Diff(tc.groups, laidOut(on)); diff != "" {
			t.Errorf("%s: groups (-want +got):\n%s", tc.name, diff)
		}
		sum := scene.sum(v)
		if got := sum.Texts["n-"+groupID("LIVE")]; sum.Say != tc.say || got != tc.live {
			t.Errorf("%s: viewers are told %q, and %q of LIVE; want %q and %q", tc.name, sum.Say, got, tc.say, tc.live)
		}
	}
}

// The page of a target has who, why and until when in full, escaped, and what the inventory says beside it.
func TestDetailOfPeriods(t *testing.T) {
	s := siteOf(t, `targets: [{name: a, url: 'http://a.example/', maintenance: [{years: ['2001']}]}, {name: b, url: 'http://b.example/', notification: "off"}]`)
	end := time.Now().Add(time.Hour).UTC()
	at := `<time datetime="` + end.Format(time.RFC3339) + `">` + end.Format(time.DateTime) + `</time>`
	s.inventory.Overlays = &people{
		mutes:        map[string]calendar.Period{"a": {End: end, By: "alice", Reason: "<b>deploy" + strings.Repeat("!", 5000)}},
		maintenances: map[string]calendar.Period{"a": {End: end, By: "ci", UntilHealthy: true}},
	}
	body := s.get("/targets/a").Body.String()
	expect(t, "a", body, "<p>Muted until "+at+": nobody is notified when it is down. Set by alice: &lt;b&gt;deploy!!!!",
		"<p>In maintenance until it is healthy again, "+at+" at the latest: nobody is notified, and it is not restarted. Set by ci.</p>",
		"It has 1 maintenance window, which is not open now.")
	if n := strings.Count(body, "!"); n > 2*printable.MaxError || strings.Contains(body, "notification: off") || strings.Contains(body, "window of this target is open") {
		t.Errorf("%d characters of the reason are shown, or what is not so:\n%s", n, body)
	}
	expect(t, "b", s.get("/targets/b").Body.String(), "Muted: nobody is notified when it is down (notification: off).")
	expect(t, "in Korean", s.get("/targets/a?lang=ko").Body.String(), at+"까지 알림 꺼짐: 장애가 나도 알림을 보내지 않습니다. 설정: alice: &lt;b&gt;deploy")
}

// What begins later is on the page of its target, for whoever may end it to do so, and not in its row.
func TestPlannedPeriods(t *testing.T) {
	d := deskOf(t)
	start := time.Now().Add(2 * time.Hour).UTC()
	end := start.Add(time.Hour)
	at := func(t time.Time) string {
		return `<time datetime="` + t.Format(time.RFC3339) + `">` + t.Format(time.DateTime) + `</time>`
	}
	d.notes.periods = map[managed.Kind]*calendar.Period{managed.Maintenance: {Start: start, End: end, By: "ci", Reason: "<b>release", UntilHealthy: true}}
	d.who = access.Identity{Name: "ops", Role: access.Operate, Listed: true}
	says(t, d.does("GET", "/targets/shop"), 200,
		"<p>Maintenance is planned: "+at(start)+" – "+at(end)+". Set by ci: &lt;b&gt;release.</p>", `action="../targets/shop/end-maintenance"`)
	if body := d.does("GET", "/targets/shop").Body.String(); strings.Contains(body, "in maintenance until") || strings.Contains(body, "/unmute") {
		t.Errorf("it is in maintenance before that begins, or muted:\n%s", body)
	}
}

// What people did is among the events, with who, why and until when.
func TestEventsOfPeople(t *testing.T) {
	s := siteOf(t, `targets: [{name: a, url: 'http://a.example/'}]`)
	end := time.Now().Add(time.Hour).UTC()
	at := `<time datetime="` + end.Format(time.RFC3339) + `">` + end.Format(time.DateTime) + `</time>`
	s.tracker.Record(status.Event{At: time.Now(), Kind: status.KindMute, Target: "a", Outcome: status.Muted, Who: "alice", Detail: "<b>deploy", Until: end})
	s.tracker.Record(status.Event{At: time.Now(), Kind: status.KindEdit, Outcome: status.Imported, Who: "ci", Detail: "3 created"})
	const muted, imported = `<span aria-hidden="true">⊘</span> muted</b> <a href="./targets/a">a</a> until `, `<span aria-hidden="true">✎</span> targets imported</b> <small>by ci</small> <span lang="en">3 created</span>`
	all := s.get("/events").Body.String()
	expect(t, "all", all, muted+at+` <small>by alice</small> <span lang="en">&lt;b&gt;deploy</span>`, imported, `<option value="mute">mutes and maintenance</option>`)
	for kind, want := range map[string][2]bool{"mute": {true, false}, "edit": {false, true}, "state": {}, "restart": {}} {
		body := s.get("/events?kind=" + kind).Body.String()
		if got := [2]bool{strings.Contains(body, muted), strings.Contains(body, imported)}; got != want {
			t.Errorf("of the kind %s there are %v, want %v", kind, got, want)
		}
	}
	expect(t, "in Korean", s.get("/events?lang=ko").Body.String(), "알림 꺼짐</b>", "종료 예정 "+at, "<small>alice</small>")
}
