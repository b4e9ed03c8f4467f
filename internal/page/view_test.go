package page

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// parsed is a view without its filter.
type parsed struct {
	All         bool
	Group, Sort string
	Page, Limit int
	Refresh     time.Duration
}

func TestParseView(t *testing.T) {
	usual := parsed{true, "environment", "state", 1, 200, 0}
	with := func(change func(*parsed)) parsed {
		p := usual
		change(&p)
		return p
	}
	for _, tc := range []struct {
		query   string
		targets int
		want    parsed
		err     string
	}{
		{"", 50, usual, ""},
		{"", 51, with(func(p *parsed) { p.All = false }), ""},
		{"view=all", 51, usual, ""},
		{"view=problems", 3, with(func(p *parsed) { p.All = false }), ""},
		{"view=&q=&environment=&label=&group=&sort=&page=&limit=&refresh=&lang=&state=", 3, usual, ""},
		{"group=none&sort=took&page=3&limit=1000&refresh=60&lang=ko", 3, parsed{true, "none", "took", 3, 1000, time.Minute}, ""},
		{"group=label:team", 3, with(func(p *parsed) { p.Group = "label:team" }), ""},
		{"group=label:", 3, usual, `group is "label:", want environment, none or label:NAME`},
		{"group=team", 3, usual, `group is "team", want environment, none or label:NAME`},
		{"view=some", 3, usual, `view is "some", want one of ["problems" "all"]`},
		{"sort=up", 3, usual, `sort is "up", want one of ["state" "name" "took" "since"]`},
		{"page=0", 3, usual, `page is "0", want a number from 1 to 1000000`},
		{"page=-1", 3, usual, "page is"},
		{"limit=1001", 3, usual, `limit is "1001", want a number from 1 to 1000`},
		{"limit=1&limit=2", 3, usual, "limit is there 2 times, want it once"},
		{"refresh=1", 3, usual, `refresh is "1", want a number of seconds from 5 to 86400`},
		{"refresh=99999999999999999999", 3, usual, "refresh is"},
		{"lang=tlh", 3, usual, `lang is "tlh", want one of ["en" "ko"]`},
		{"label=team", 3, usual, `label is "team", want name:value`},
		{"state=broken", 3, usual, `state is "broken"`},
		{"name=shop", 3, usual, `unknown parameter "name"`},
		{"q=" + strings.Repeat("x", 201), 3, usual, "q has 201 characters, want at most 200"},
		{strings.Repeat("&label=a:b", 5000), 3, usual, ""},
		{manyOf("environment"), 3, usual, "environment is there 21 times, want it 20 times at most"},
	} {
		values, err := url.ParseQuery(tc.query)
		if err != nil {
			t.Fatal(err)
		}
		v, err := parseView(values, tc.targets)
		if tc.err != "" {
			if err == nil || !strings.HasPrefix(err.Error(), tc.err) {
				t.Errorf("%.60q: error %v, want %q", tc.query, err, tc.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%.60q: %v", tc.query, err)
			continue
		}
		if diff := cmp.Diff(tc.want, parsed{v.all, v.group, v.sort, v.page, v.limit, v.refresh}); diff != "" {
			t.Errorf("%.60q (-want +got):\n%s", tc.query, diff)
		}
	}
}

// manyOf names a parameter more often than a view takes it.
func manyOf(name string) string {
	var all []string
	for i := range maxEnvironments + 1 {
		all = append(all, fmt.Sprintf("%s=e%d", name, i))
	}
	return strings.Join(all, "&")
}

const shopTargets = `targets:
  - {name: db, url: 'http://db.example/', environment: LIVE, labels: {team: data}}
  - {name: cart, url: 'http://cart.example/', environment: LIVE, labels: {team: shop}, depends_on: [db]}
  - {name: web, url: 'http://web.example/', environment: LIVE, labels: {team: shop}, depends_on: [cart], notification: "off"}
  - {name: pay, url: 'http://pay.example/', environment: LIVE, labels: {team: shop}}
  - {name: mail, url: 'http://mail.example/', environment: DEV, labels: {team: data}}
  - {name: wiki, url: 'http://wiki.example/', environment: DEV}
  - {name: moved, url: 'http://moved.example/', environment: DEV, maintenance: [{times: [{start_time: '00:00', end_time: '24:00'}]}]}
  - {name: odd, url: 'http://odd.example/', environment: DEV}
  - {name: old, url: 'http://old.example/', environment: DEV}
  - {name: new, url: 'http://new.example/', environment: STAGE}
  - {name: well, url: 'http://well.example/', environment: TEST}
`

// shopStage has a target of each kind.
func shopStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t, shopTargets)
	begin := time.Now()
	s.up(begin, "old", "odd", "well", "mail", "pay")
	for range 2 {
		s.down(begin, "odd")
		s.up(begin, "odd")
	}
	time.Sleep(5 * time.Minute)
	now := time.Now()
	s.up(now, "odd", "well", "mail", "pay", "wiki", "db", "cart", "web", "moved")
	for i, name := range []string{"db", "web", "cart", "pay", "wiki", "moved"} {
		s.down(now.Add(time.Duration(i)*time.Second), name)
	}
	time.Sleep(10 * time.Second)
	return s
}

func TestViewOnBoard(t *testing.T) {
	for _, tc := range []struct {
		query string
		want  []string // groups and their targets
		pages int
	}{
		{"view=all", []string{
			"LIVE: pay db cart web", "DEV: wiki old odd moved mail", "STAGE: new", "TEST: well",
		}, 1},
		{"view=problems", []string{"LIVE: pay db cart web", "DEV: wiki old odd", "STAGE: new", "TEST:"}, 1},
		{"view=all&sort=name&group=none", []string{": cart db mail moved new odd old pay web well wiki"}, 1},
		{"view=all&sort=since&environment=LIVE", []string{"LIVE: pay cart web db"}, 1},
		{"view=problems&sort=state&group=label:team", []string{"data: db", "shop: pay cart web", ": wiki old new odd"}, 1},
		{"view=problems&label=team:data", []string{"LIVE: db", "DEV:"}, 1},
		{"state=up&stale=false&group=none", []string{": odd mail well"}, 1},
		{"state=down&q=W", []string{"LIVE: web", "DEV: wiki", "STAGE:", "TEST:"}, 1},
		{"stale=true&view=problems", []string{"LIVE:", "DEV: old", "STAGE:", "TEST:"}, 1},
		{"muted=true", []string{"LIVE: web"}, 1},
		{"q=nothing", nil, 1},
		{"view=all&limit=3", []string{"LIVE: pay db cart"}, 4},
		{"view=all&limit=3&page=2", []string{"LIVE: web", "DEV: wiki old"}, 4},
		{"view=all&limit=3&page=4", []string{"STAGE: new", "TEST: well"}, 4},
		{"view=all&limit=3&page=99", []string{"STAGE: new", "TEST: well"}, 4},
		{"view=problems&limit=4", []string{"LIVE: pay db cart web"}, 2},
		{"view=problems&limit=4&page=2", []string{"DEV: wiki old odd", "STAGE: new", "TEST:"}, 2},
		{"environment=LIVE&environment=TEST&view=problems&limit=4", []string{"LIVE: pay db cart web", "TEST:"}, 1},
	} {
		t.Run(tc.query, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := shopStage(t)
				values, err := url.ParseQuery(tc.query)
				if err != nil {
					t.Fatal(err)
				}
				b := s.Board.At(time.Now())
				v, err := parseView(values, len(s.inventory.Entries()))
				if err != nil {
					t.Fatal(err)
				}
				on := v.on(b)
				if diff := cmp.Diff(tc.want, laidOut(on)); diff != "" || on.Pages != tc.pages {
					t.Errorf("%d pages, want %d (-want +got):\n%s", on.Pages, tc.pages, diff)
				}
				shown := 0
				for _, e := range s.inventory.Entries() {
					if target := b.Target(e); v.shows(&target) {
						shown++
					}
				}
				if shown != on.Total {
					t.Errorf("the view shows %d targets one by one, and has %d", shown, on.Total)
				}
			})
		})
	}
}

// laidOut are the groups and the names of their targets.
func laidOut(s *selection) (all []string) {
	for _, g := range s.Groups {
		line := []string{g.Name + ":"}
		for _, target := range g.Targets {
			line = append(line, target.Name)
		}
		all = append(all, strings.Join(line, " "))
	}
	return all
}

// A view of as many groups as targets, all of them well, is not longer than a page.
func TestGroupsAreBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString("targets:\n")
	for i := range 2000 {
		fmt.Fprintf(&text, "  - {name: t%d, url: 'http://a.example/%d', labels: {id: i%d}}\n", i, i, i)
	}
	s := newStage(t, text.String())
	names := slices.Collect(s.inventory.Names())
	s.up(time.Now(), names...)
	v, err := parseView(url.Values{"group": {"label:id"}}, len(names))
	if err != nil {
		t.Fatal(err)
	}
	if on := v.on(s.Board.At(time.Now())); len(on.Groups) != maxWell || on.Left != 2000-maxWell {
		t.Errorf("%d groups and %d left out, want %d and the rest", len(on.Groups), on.Left, maxWell)
	}
}

// A target that is down in maintenance is not a problem, and one that is muted is.
func TestProblem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shopStage(t)
		s.restarts["mail"] = "verifying"
		s.Board.Status.Observe(status.Probe{Name: "well", Result: unable})
		b := s.Board.At(time.Now())
		var got []string
		for _, e := range s.inventory.Entries() {
			if target := b.Target(e); problem(&target) {
				got = append(got, e.Name)
			}
		}
		want := []string{"cart", "db", "mail", "new", "odd", "old", "pay", "web", "well", "wiki"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
	})
}

// A link changes what it names and keeps the rest, but for the page.
func TestLinks(t *testing.T) {
	v, err := parseView(url.Values{"lang": {"ko"}, "environment": {"LIVE", "DEV"}, "page": {"2"}, "q": {""}, "label": {"team:a&b"}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ got, want string }{
		{v.link(), "./?environment=LIVE&environment=DEV&label=team%3Aa%26b&lang=ko"},
		{v.link("view", "all", "lang", "", "label", ""), "./?environment=LIVE&environment=DEV&view=all"},
		{v.without("environment", "DEV"), "./?environment=LIVE&label=team%3Aa%26b&lang=ko"},
		{v.withLabel("x:1"), "./?environment=LIVE&environment=DEV&label=team%3Aa%26b&label=x%3A1&lang=ko"},
		{v.pageLink(3), "./?environment=LIVE&environment=DEV&label=team%3Aa%26b&lang=ko&page=3"},
		{(&view{}).link(), "./"},
	} {
		if tc.got != tc.want {
			t.Errorf("link is %s, want %s", tc.got, tc.want)
		}
	}
}
