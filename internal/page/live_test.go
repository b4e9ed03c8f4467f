package page

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A wall is a list that browsers look at.
type wall struct {
	pages     *Pages
	inventory atomic.Pointer[inventory.Inventory]
	tracker   *status.Tracker
	health    atomic.Pointer[Health]

	viewers, refused, rendered atomic.Int64
	sent                       sync.Map // *atomic.Int64 by the kind of event
}

// newWall has the targets of a configuration, all of which are up, and room for some viewers.
func newWall(t testing.TB, viewers int, targets string) *wall {
	t.Helper()
	w := &wall{tracker: status.NewTracker()}
	w.list(t, targets)
	w.health.Store(&Health{Started: time.Now()})
	w.pages = &Pages{
		Board:  &board.Source{Inventory: w.inventory.Load, Status: w.tracker, Restarting: func() map[string]string { return nil }},
		Title:  func() string { return "healthcheck" },
		Health: func() Health { return *w.health.Load() },
		HintOf: func(_ string, r *prober.Result) string { return "hint for " + string(r.Reason) },
	}
	w.pages.Live = NewLive(w.pages, LiveOptions{
		Viewers: viewers, Watched: func(n int) { w.viewers.Store(int64(n)) }, Refused: func() { w.refused.Add(1) },
		Rendered: func() { w.rendered.Add(1) },
		Sent: func(event string) {
			n, _ := w.sent.LoadOrStore(event, new(atomic.Int64))
			n.(*atomic.Int64).Add(1) //nolint:forcetypeassert // there is nothing else in it
		},
	})
	for _, e := range w.inventory.Load().Entries() {
		w.up(e.Name)
	}
	return w
}

// list changes the inventory.
func (w *wall) list(t testing.TB, targets string) {
	t.Helper()
	c, err := config.Parse("test.yml", []byte("modules: {http_2xx: {prober: http}}\ntargets:\n"+targets))
	if err != nil {
		t.Fatal(err)
	}
	w.inventory.Store(inventory.Merge(c, []inventory.Part{{Source: inventory.StaticSource, Targets: c.Targets}}, prober.MaskURL))
}

func (w *wall) up(name string) {
	w.tracker.Observe(status.Probe{Name: name, Result: prober.Result{Start: time.Now(), Duration: 12 * time.Millisecond}})
}

func (w *wall) down(name, why string) {
	w.tracker.Observe(status.Probe{Name: name, Result: prober.Result{
		Start: time.Now(), Duration: 12 * time.Millisecond, Reason: prober.ReasonStatus, Err: errors.New(why),
	}})
}

// atOnce makes changes that are looked at together.
func (w *wall) atOnce(change func()) {
	w.pages.Live.scene.mu.Lock()
	defer w.pages.Live.scene.mu.Unlock()
	change()
}

// market is n targets: shop-0 and so on. Every third one is in the environment DEV.
func market(n int) string {
	var b strings.Builder
	for i := range n {
		environment := "LIVE"
		if i%3 == 2 {
			environment = "DEV"
		}
		fmt.Fprintf(&b, "  - {name: shop-%d, url: 'http://shop-%d.example/', environment: %s, interval: 5m}\n", i, i, environment)
	}
	return b.String()
}

// serve serves the stream.
func (w *wall) serve(t testing.TB) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /live", w.pages.Watch)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// A told is an event that a viewer gets.
type told struct{ kind, id, data string }

// A reader is a browser that looks at a list.
type reader struct {
	response *http.Response
	lines    *bufio.Reader
	bytes    int
}

// read asks for a stream, after an event or none.
func read(t testing.TB, address, after string) *reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // in vain
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if after != "" {
		request.Header.Set("Last-Event-ID", after)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s is answered %s", address, response.Status)
	}
	return &reader{response: response, lines: bufio.NewReader(response.Body)}
}

// next is the next event.
func (r *reader) next() (e told, err error) {
	for {
		line, err := r.lines.ReadString('\n')
		if err != nil {
			return e, err
		}
		r.bytes += len(line)
		switch field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); field {
		case "event":
			e.kind = value
		case "id":
			e.id = value
		case "data":
			e.data += value
		case "":
			if e.kind != "" {
				return e, nil
			}
		}
	}
}

// until reads up to an event of a kind, and returns those before it, too. Those of other kinds that are not about rows are left out.
func (r *reader) until(t testing.TB, kind string) (all []told) {
	t.Helper()
	for {
		e, err := r.next()
		if err != nil {
			t.Fatalf("waiting for %q after %v: %v", kind, all, err)
		}
		if e.kind == eventRow || e.kind == eventGone || e.kind == kind {
			all = append(all, e)
		}
		if e.kind == kind {
			return all
		}
	}
}

// rows are the names of the targets of rows, with the groups that they go to, and the ids of those that are gone.
func rows(all []told) (names []string) {
	for _, e := range all {
		switch e.kind {
		case eventRow:
			_, name, _ := strings.Cut(e.data, `href="targets/`)
			name, _, _ = strings.Cut(name, `"`)
			group, _, _ := strings.Cut(e.data, "<")
			if group != "" {
				name = "new " + name
			}
			names = append(names, name)
		case eventGone:
			names = append(names, "gone "+e.data)
		}
	}
	return names
}

// page is where the script of a page that is made now asks for its stream.
func (w *wall) page(query string) string {
	return "/live?" + query + "&list=" + w.pages.factsOf(w.inventory.Load()).list + "&after=" + w.pages.Live.mark(time.Now())
}

// A change arrives with an id, and who connects again with it gets what has changed meanwhile and nothing else.
func TestChangeArrives(t *testing.T) {
	w := newWall(t, 10, market(30))
	s := w.serve(t)
	r := read(t, s.URL+w.page("view=all"), "")
	if got := rows(r.until(t, eventSum)); got != nil {
		t.Fatalf("a page that is new gets %q, want nothing", got)
	}
	w.down("shop-7", "status 503, want 2xx")
	all := r.until(t, eventSum)
	if diff := cmp.Diff([]string{"new shop-7"}, rows(all)); diff != "" {
		t.Fatalf("after a change (-want +got):\n%s", diff)
	}
	row := all[0]
	if !strings.Contains(row.data, "status 503, want 2xx") || !strings.Contains(row.data, "hint for status") || row.id == "" {
		t.Errorf("the event is %+v, want the row with its reason and hint, and an id", row)
	}
	r.response.Body.Close()

	w.down("shop-3", "x")
	w.down("shop-11", "x")
	w.up("shop-20") // as it was
	w.pages.Live.scene.look(time.Now(), 0)
	again := read(t, s.URL+w.page("view=all"), row.id)
	got := rows(again.until(t, eventSum))
	slices.Sort(got)
	if diff := cmp.Diff([]string{"new shop-11", "new shop-3"}, got); diff != "" {
		t.Errorf("after %s (-want +got):\n%s", row.id, diff)
	}
}

// Who was told by another process gets all that he shows.
func TestAnotherProcess(t *testing.T) {
	before, w := newWall(t, 10, market(5)), newWall(t, 10, market(5))
	w.down("shop-1", "x")
	r := read(t, w.serve(t).URL+before.page("view=problems"), "")
	got := rows(r.until(t, eventSum))
	slices.Sort(got)
	if len(got) < 2 || got[len(got)-1] != "new shop-1" {
		t.Fatalf("he gets %q, want the row of shop-1 and what is gone", got)
	}
	var gone []string
	for _, name := range []string{"shop-0", "shop-2", "shop-3", "shop-4"} {
		gone = append(gone, rowID(name))
	}
	var all []string
	for _, g := range got[:len(got)-1] {
		all = append(all, strings.Fields(strings.TrimPrefix(g, "gone "))...)
	}
	slices.Sort(all)
	slices.Sort(gone)
	if diff := cmp.Diff(gone, all); diff != "" {
		t.Errorf("what is gone (-want +got):\n%s", diff)
	}
}

func TestViews(t *testing.T) {
	for _, tc := range []struct {
		name, query string
		down, up    []string // what each viewer gets when shop-1 and shop-5 go down, and when they are up again
	}{
		{"all", "view=all", []string{"new shop-1", "new shop-5"}, []string{"new shop-1", "new shop-5"}},
		{"problems", "view=problems", []string{"new shop-1", "new shop-5"}, []string{"gone shop-1", "gone shop-5"}},
		{"filter", "view=all&environment=DEV", []string{"new shop-5"}, []string{"new shop-5"}},
		{"filter and problems", "view=problems&environment=DEV", []string{"new shop-5"}, []string{"gone shop-5"}},
		{"states", "view=all&state=down", []string{"new shop-1", "new shop-5"}, []string{"gone shop-1", "gone shop-5"}},
		{"states that are left", "view=all&state=up", []string{"gone shop-1", "gone shop-5"}, []string{"new shop-1", "new shop-5"}},
		{"text", "q=shop-1&view=all&sort=name", []string{"new shop-1"}, []string{"new shop-1"}},
		{"page by name", "view=all&sort=name&group=none&limit=2", []string{"shop-1"}, []string{"shop-1"}},
		{"second page by name", "view=all&sort=name&group=none&limit=4&page=2", []string{"shop-5"}, []string{"shop-5"}},
		{"page by state", "view=all&limit=2", []string{"shop-1", "shop-5"}, []string{"shop-1", "shop-5"}},
		{"first page of problems", "view=problems&limit=1", []string{"new shop-1", "new shop-5"}, []string{"gone shop-1", "gone shop-5"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel() // a change takes half a second
			w := newWall(t, 10, market(6))
			r := read(t, w.serve(t).URL+w.page(tc.query), "")
			r.until(t, eventSum)
			told := func() (all []string) {
				for _, name := range rows(r.until(t, eventSum)) {
					if ids, ok := strings.CutPrefix(name, "gone "); ok {
						for id := range strings.FieldsSeq(ids) {
							all = append(all, "gone "+map[string]string{rowID("shop-1"): "shop-1", rowID("shop-5"): "shop-5"}[id])
						}
						continue
					}
					all = append(all, name)
				}
				return all
			}
			w.atOnce(func() { w.down("shop-1", "x"); w.down("shop-5", "x") })
			if diff := cmp.Diff(tc.down, told()); diff != "" {
				t.Errorf("what goes down (-want +got):\n%s", diff)
			}
			w.atOnce(func() { w.up("shop-1"); w.up("shop-5") })
			if diff := cmp.Diff(tc.up, told()); diff != "" {
				t.Errorf("what is up again (-want +got):\n%s", diff)
			}
		})
	}
}

// One change is rendered once, however many look at it, and is little to send to each.
func TestManyViewers(t *testing.T) {
	const viewers, most = 100, 1 << 10 // bytes: a row, and the counts that have changed
	w := newWall(t, viewers+1, market(1000))
	s := w.serve(t)
	var all []*reader
	for range viewers {
		r := read(t, s.URL+w.page("view=problems"), "")
		r.until(t, eventSum)
		r.bytes = 0
		all = append(all, r)
	}
	w.down("shop-7", "status 503, want 2xx")
	for _, r := range all {
		got := r.until(t, eventSum)
		if diff := cmp.Diff([]string{"new shop-7"}, rows(got)); diff != "" {
			t.Fatalf("a viewer gets (-want +got):\n%s", diff)
		}
	}
	t.Logf("each gets %d bytes", all[0].bytes)
	for _, r := range all {
		if r.bytes > most {
			t.Fatalf("a viewer gets %d bytes, want %d at most", r.bytes, most)
		}
	}
	if n := w.rendered.Load(); n != 1 {
		t.Errorf("the row was rendered %d times, want once", n)
	}
	korean := read(t, s.URL+w.page("view=problems&lang=ko"), w.pages.Live.scene.id(mark{}))
	if all := korean.until(t, eventSum); !strings.Contains(fmt.Sprint(all), "장애") {
		t.Errorf("in Korean there is %v", all)
	}
	if n := w.rendered.Load(); n != 2 {
		t.Errorf("with another language rows were rendered %d times, want twice", n)
	}
}

// Another inventory is told, another one with the same targets is not.
func TestAnotherList(t *testing.T) {
	w := newWall(t, 10, market(3))
	r := read(t, w.serve(t).URL+w.page("view=all"), "")
	r.until(t, eventSum)
	w.list(t, market(3))
	w.down("shop-1", "x")
	if diff := cmp.Diff([]string{"new shop-1"}, rows(r.until(t, eventSum))); diff != "" {
		t.Errorf("after a load of the same (-want +got):\n%s", diff)
	}
	w.list(t, market(4))
	r.until(t, eventReload)
	if e, err := r.next(); err == nil {
		t.Errorf("after it there is %v, want the end", e)
	}
}

// The banner is told when it changes, and when it is gone.
func TestBannerIsTold(t *testing.T) {
	w := newWall(t, 10, market(3))
	r := read(t, w.serve(t).URL+w.page("view=all"), "")
	r.until(t, eventSum)
	for _, broken := range []error{errors.New("no such <file>"), nil} {
		w.health.Store(&Health{Started: time.Now(), Broken: broken})
		w.down("shop-1", fmt.Sprint(broken)) // or else it is told within 5 s
		all := r.until(t, eventBanner)
		html := all[len(all)-1].data
		if broken == nil && html != "" || broken != nil && !strings.Contains(html, "no such &lt;file&gt;") {
			t.Errorf("with %v the banner is %q", broken, html)
		}
	}
}

// What is not an id of ours is as if there were none.
func TestMarks(t *testing.T) {
	s := newWall(t, 1, market(1)).pages.Live.scene
	s.look(time.Now(), 0)
	known := mark{1, time.Unix(1_800_000_000, 0)}
	if got := s.mark(s.id(known)); got != known {
		t.Errorf("the mark of %q is %v, want %v", s.id(known), got, known)
	}
	for _, id := range []string{"", ".", "..", "x.1.1", s.process, s.process + ".1", s.process + ".-1.1", s.process + ".1.ä", s.id(mark{revision: 2}), s.id(known) + ".1", strings.Repeat("z", 10_000)} {
		if got := s.mark(id); got != (mark{}) {
			t.Errorf("the mark of %q is %v, want none", id, got)
		}
	}
}

// A benchmark of one change with 100 viewers, from the probe to the last byte.
func BenchmarkChange(b *testing.B) {
	w := newWall(b, 100, market(1000))
	s := w.pages.Live.scene
	var viewers []*viewer
	for range 100 {
		v, err := w.pages.Live.newViewer(httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/live?view=problems", http.NoBody))
		if err != nil {
			b.Fatal(err)
		}
		s.look(time.Now(), 0)
		s.enter(v)
		v.told.seen = time.Now().Add(time.Hour)
		viewers = append(viewers, v)
	}
	to := &stream{sent: func(string) {}, last: time.Now()}
	look, told := time.Duration(0), 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w.down("shop-7", fmt.Sprint("status 503, want 2xx, ", i))
		begun := time.Now()
		s.look(begun, 0)
		look += time.Since(begun)
		for _, v := range viewers {
			v.told.seen = begun
			to.pending = to.pending[:0]
			if err := w.pages.Live.tellAll(b.Context(), v, to, begun); err != nil {
				b.Fatal(err)
			}
			told += len(to.pending)
		}
	}
	b.ReportMetric(float64(look.Microseconds())/float64(b.N), "µs-look/op")
	b.ReportMetric(float64(told)/float64(b.N)/100, "B-sent/viewer")
}
