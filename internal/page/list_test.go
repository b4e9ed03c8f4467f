package page

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// Every kind of list is complete in every language, and no text of it is missing or formatted wrongly.
func TestListInEveryLanguage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shopStage(t)
		s.restarts["db"] = "executing"
		for _, lang := range languages {
			for _, query := range []string{
				"view=all", "view=problems", "view=all&limit=2&page=2", "group=label:team", "group=none&sort=took", "q=nothing", "view=some",
				"environment=LIVE&environment=DEV&label=team:shop&state=down&stale=false&muted=true&source=targets&q=w",
			} {
				w := s.ask("?"+query+"&lang="+lang, "Accept-Language", "fr")
				body := w.Body.String()
				checkPage(t, lang+" "+query, lang, body)
				if want := map[bool]int{true: 400, false: 200}[query == "view=some"]; w.Code != want {
					t.Errorf("%s: status %d, want %d", query, w.Code, want)
				}
			}
		}
		for query, texts := range map[string][]string{
			"view=all": {
				"<title>5 down – healthcheck</title>", `of 11 targets`, `<b id="n-down">5</b>`, `LIVE</a> <small id="n-`, "4 down</small>",
				`id="` + rowID("db") + `" class="down"`, "restarting", "db is down</a>", "muted", "in maintenance", "flapping", "last known up", "never probed",
				`<span lang="en">status 503, want 2xx</span>`, "the service answers, but has a problem",
			},
			"view=problems":               {"Nothing is wrong here", `href="./?environment=TEST&amp;view=all"`},
			"view=all&limit=4&page=2":     {"Page 2 of 3", `rel="prev" href="./?limit=4&amp;page=1&amp;view=all"`, `rel="next" href="./?limit=4&amp;page=3&amp;view=all"`},
			"view=all&environment=LIVE":   {"of 4 selected targets, 11 in all", `<option value="LIVE" selected>LIVE</option>`, `<a href="./?view=all"><span class="vh">Remove the filter`},
			"view=all&sort=since&lang=ko": {`aria-sort="descending"><a href="./?lang=ko&amp;sort=since&amp;view=all">`, "장애 5", `href="targets/db?lang=ko"`},
			"view=some":                   {`role="alert"`, "view is &#34;some&#34;"},
		} {
			body := s.ask("?" + query).Body.String()
			for _, text := range texts {
				if !strings.Contains(body, text) {
					t.Errorf("%s: the page lacks %q:\n%s", query, text, body)
				}
			}
		}
	})
}

// Each number that changes has an element of its own, which says it.
func TestTextsAreOnThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shopStage(t)
		body := s.ask("?view=problems").Body.String()
		v, err := parseView(url.Values{"view": {viewProblems}}, 3)
		if err != nil {
			t.Fatal(err)
		}
		texts := v.on(s.Board.At(time.Now())).texts(catalogues["en"])
		if len(texts) != 10 {
			t.Errorf("%d texts, want 10: %q", len(texts), texts)
		}
		for id, text := range texts {
			if element := regexp.MustCompile(` id="` + id + `"[^>]*>` + regexp.QuoteMeta(text) + `</`); !element.MatchString(body) {
				t.Errorf("no element %s says %q:\n%s", id, text, body)
			}
		}
	})
}

// inline is what the content security policy would not let a browser take.
var inline = regexp.MustCompile(`(?i)<style|<script[^>]*>[^<]|\sstyle=|\son[a-z]+=|javascript:`)

func checkPage(t *testing.T, name, lang, body string) {
	t.Helper()
	if strings.Contains(body, "%!") || strings.Contains(body, "&lt;no value") || strings.Contains(body, "ZgotmplZ") {
		t.Errorf("%s: a text is formatted wrongly:\n%s", name, body)
	}
	if !strings.Contains(body, `<html lang="`+lang+`">`) || strings.Count(body, "<h1") != 1 || !strings.HasSuffix(body, "</html>\n") && !strings.HasSuffix(body, "</html>") {
		t.Errorf("%s: it is not a whole page in %s with one heading:\n%s", name, lang, body)
	}
	if found := inline.FindString(body); found != "" {
		t.Errorf("%s: the page has %q", name, found)
	}
	for _, key := range regexp.MustCompile(`>\s*([a-z]+\.[a-z_.]+)\s*<`).FindAllStringSubmatch(body, -1) {
		t.Errorf("%s: there is no text for %q", name, key[1])
	}
	if !printable.Is(strings.ReplaceAll(body, "\n", "")) {
		t.Errorf("%s: the page does not print", name)
	}
}

// Whatever a query says, the answer is a page or says what is wrong, and nothing of the query is markup or steers what is read.
func FuzzListQuery(f *testing.F) {
	for _, hostile := range []string{
		`"><script>alert(1)</script>`, "javascript:alert(1)", "\u202e\u2066", "\x1b[31m\r\nSet-Cookie: a=b", "\xff", "서버", "label:", "", strings.Repeat("x", 300), "%zz",
	} {
		f.Add(hostile, hostile, hostile, uint8(len(hostile)))
	}
	s := newStage(f, shopTargets)
	f.Fuzz(func(t *testing.T, a, b, c string, which uint8) {
		names := viewParameters
		q := url.Values{}
		for i, value := range []string{a, b, c} {
			q.Add(names[(int(which)+i*5)%len(names)], value)
		}
		w := s.ask("?" + q.Encode())
		body := w.Body.String()
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
			t.Errorf("%q: status %d", q, w.Code)
		}
		if strings.Count(body, "<script") != 1 || strings.Contains(body, "<style") || strings.Contains(body, `href="javascript`) || strings.Contains(body, "ZgotmplZ") || strings.Count(body, "<h1") != 1 {
			t.Errorf("%q: the page is broken:\n%s", q, body)
		}
		for _, text := range shownText.FindAllStringSubmatch(body, -1) {
			if !printable.Is(strings.ReplaceAll(text[1], "\n", "")) {
				t.Errorf("%q: the page shows %q, which does not print", q, text[1])
			}
		}
	})
}

// shownText is what is between tags.
var shownText = regexp.MustCompile(`>([^<>]+)<`)

// A list without targets says how to get one.
func TestEmptyList(t *testing.T) {
	s := newStage(t, "targets: []")
	for _, lang := range languages {
		body := s.ask("?lang=" + lang).Body.String()
		checkPage(t, "empty", lang, body)
		for _, text := range []string{"- name: shop", "healthcheck_exporter init"} {
			if !strings.Contains(body, text) {
				t.Errorf("the page lacks %q:\n%s", text, body)
			}
		}
	}
}

func TestBanner(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*stage)
		want   string // a part of the page; empty: there is no banner
	}{
		{"all is well", func(*stage) {}, ""},
		{"nobody scrapes", func(s *stage) {
			s.health.Discovered = time.Now()
			time.Sleep(6 * time.Minute)
		}, `<b>11 targets were not probed</b> for <time data-age="" datetime="2000-01-01T00:05:10Z">6 m</time>. <strong>Alerts cannot fire for them.</strong> Is Prometheus scraping? <span class="asked">Last request for /sd: <time data-clock datetime="2000-01-01T00:05:10Z">00:05:10</time> (<time data-age="ago" datetime="2000-01-01T00:05:10Z">6 m ago</time>) · last scrape of a target: none since the exporter was started</span>`},
		{"it has just begun", func(s *stage) {
			time.Sleep(6 * time.Minute)
			s.health.Started = time.Now()
		}, ""},
		{"the configuration is broken", func(s *stage) { s.health.Broken = errors.New("a.yml:7: modules: <x>\na.yml:8: y") }, `The configuration is broken, so the previous one stays in use:</b> <span lang="en">a.yml:7: modules: &lt;x&gt;</span>`},
		{"what was edited is not known", func(s *stage) {
			s.health.Unknown, s.health.Broken = errors.New("data/managed.db: <damaged>"), errors.New("a.yml:7: x")
		}, `The targets that people have edited are missing here, because their file cannot be read:</b> <span lang="en">data/managed.db: &lt;damaged&gt;</span>`},
		{"restarts are braked", func(s *stage) { s.health.Braked = []string{"fleet", "group/a"} }, "<b>Nothing is restarted, because too much is failing at once:</b> fleet, group/a"},
		{"the exporter probes", func(s *stage) {
			s.health.Scraped = time.Now()
			s.own("old")
		}, "Prometheus does not scrape 1 target that this exporter now probes by itself. Alerts cannot fire for it."},
		{"only the exporter has ever probed", func(s *stage) { s.own("old") }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := shopStage(t)
				s.health.Started = time.Now()
				tc.change(s)
				for _, lang := range languages {
					checkPage(t, tc.name, lang, s.ask("?lang="+lang).Body.String())
				}
				body := s.ask("").Body.String()
				if !strings.Contains(body, tc.want) || strings.Contains(body, `<div id="banner"></div>`) != (tc.want == "") {
					t.Errorf("the page lacks %q, or has a banner:\n%s", tc.want, body)
				}
			})
		})
	}
}

// A page that has not changed is not sent again, however often its targets were probed; another minute or another state is.
func TestListIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shopStage(t)
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		first := s.ask("?view=all")
		etag := first.Header().Get("ETag")
		again := func() int { return s.ask("?view=all", "If-None-Match", etag).Code }
		s.up(time.Now(), "well", "mail")
		if got := again(); got != http.StatusNotModified {
			t.Errorf("after a probe that changed nothing: status %d, want 304", got)
		}
		// A browser takes over the headers of that answer for the page that it has.
		unchanged := s.ask("?view=all", "If-None-Match", etag).Header()
		for _, name := range []string{"Content-Security-Policy", "Cache-Control", "Vary", "ETag"} {
			if diff := cmp.Diff(first.Header().Values(name), unchanged.Values(name)); diff != "" {
				t.Errorf("%s of a page that has not changed (-page +304):\n%s", name, diff)
			}
		}
		if got := s.ask("?view=problems", "If-None-Match", etag).Code; got != http.StatusOK {
			t.Errorf("another list: status %d, want 200", got)
		}
		if got := s.ask("?view=all", "If-None-Match", etag, "Accept-Language", "ko").Code; got != http.StatusOK {
			t.Errorf("in another language: status %d, want 200", got)
		}
		s.down(time.Now(), "well")
		if got := again(); got != http.StatusOK {
			t.Errorf("after a target went down: status %d, want 200", got)
		}
		s.up(time.Now(), "well")
		etag = s.ask("?view=all").Header().Get("ETag")
		time.Sleep(time.Minute)
		if got := again(); got != http.StatusOK {
			t.Errorf("a minute later: status %d, want 200", got)
		}
		if got := s.ask("?refresh=30").Header().Get("Refresh"); got != "30" {
			t.Errorf("Refresh is %q, want 30", got)
		}
	})
}

// zipped is how long a list is on the wire with the style and the script.
func (s *stage) zipped(t *testing.T, query string) (bytesOnWire, rows int) {
	t.Helper()
	w := s.ask(query, "Accept-Encoding", "gzip")
	total := w.Body.Len()
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range [][]byte{pageCSS, pageJS} {
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, 5)
		_, _ = z.Write(file)
		_ = z.Close()
		total += b.Len()
	}
	return total, bytes.Count(text, []byte("<tr id="))
}

// A list is small on the wire, though its targets all have their own counts and times.
func TestListIsSmall(t *testing.T) {
	for _, tc := range []struct {
		targets int
		lists   []sized
	}{
		{1000, []sized{{"?view=all&limit=1000", 1000, 45_000}}},
		{10_000, []sized{{"?limit=1000", 300, 20_000}, {"?view=all&limit=1000", 1000, 45_000}}},
	} {
		synctest.Test(t, func(t *testing.T) { // however long the probes take, none is stale
			s := busyStage(t, tc.targets)
			for _, l := range tc.lists {
				got, rows := s.zipped(t, l.query)
				t.Logf("%s of %d targets: %d rows in %d bytes", l.query, tc.targets, rows, got)
				if got > l.bytes || rows != l.rows {
					t.Errorf("%s of %d targets: %d rows in %d bytes, want %d in at most %d", l.query, tc.targets, rows, got, l.rows, l.bytes)
				}
			}
		})
	}
}

// sized is how many rows a list has, and how many bytes at most it takes on the wire.
type sized struct {
	query       string
	rows, bytes int
}

// busyStage has n targets with an hour of probes each, 3 % of which are down for some time.
func busyStage(tb testing.TB, n int) *stage {
	tb.Helper()
	s := newStage(tb, fleet(n))
	now := time.Now()
	s.health.Started = now
	for i := range n {
		name := nameOf(i)
		for m := 59; m >= 0; m -= 1 + i%3 {
			at := now.Add(-time.Duration(m)*time.Minute - time.Duration(i*7919%60_000)*time.Millisecond)
			if i%100 >= 97 && m < i%50 || i%23 == 0 && m%37 == 5 {
				s.down(at, name)
			} else {
				s.up(at, name)
			}
		}
		last := now.Add(-time.Duration(i*7919%15_000) * time.Millisecond)
		if i%100 >= 97 {
			s.down(last, name)
		} else {
			s.up(last, name)
		}
	}
	return s
}

func BenchmarkList(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		s := busyStage(b, n)
		for _, query := range []string{"?view=problems&limit=1000", "?view=all&limit=1000"} {
			b.Run(fmt.Sprintf("%d%s", n, query), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					s.ask(query, "Accept-Encoding", "gzip")
				}
			})
		}
	}
}

func BenchmarkAppendRow(b *testing.B) {
	s := busyStage(b, 1000)
	board := s.Board.At(time.Now())
	ids := newRowIDs(s.inventory)
	var rows []row
	for _, e := range s.inventory.Entries() {
		rows = append(rows, s.row(board.Target(e), ids, board.Now))
	}
	var text []byte
	b.ReportAllocs()
	for b.Loop() {
		text = text[:0]
		for i := range rows {
			text = appendRow(text, catalogues["en"], &rows[i], board.Now)
		}
	}
}

// A reload that changes nothing of the list leaves a browser what it has.
func TestReloadKeepsThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // within a minute
		w := newWall(t, 1, market(3))
		get := func(etag string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
			r.Header.Set("If-None-Match", etag)
			answer := httptest.NewRecorder()
			w.pages.List(answer, r)
			return answer
		}
		etag := get("").Header().Get("ETag")
		w.list(t, market(3))
		if got := get(etag).Code; got != http.StatusNotModified {
			t.Errorf("after a reload of the same targets it is answered %d", got)
		}
		w.list(t, strings.ReplaceAll(market(3), "LIVE", "STAGE"))
		if got := get(etag).Code; got != http.StatusOK {
			t.Errorf("after a reload of others it is answered %d", got)
		}
		etag = get("").Header().Get("ETag")
		w.pages.Title = func() string { return "shop" }
		if got := get(etag).Code; got != http.StatusOK {
			t.Errorf("with another title it is answered %d", got)
		}
	})
}
