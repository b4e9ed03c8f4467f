package page

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// viewer is somebody who has the page of a query as it is now, and has entered.
func (w *wall) viewer(t testing.TB, query string) *viewer {
	t.Helper()
	v, err := w.pages.Live.newViewer(httptest.NewRequestWithContext(t.Context(), http.MethodGet, w.page(query), http.NoBody))
	if err != nil {
		t.Fatal(err)
	}
	w.pages.Live.scene.enter(v)
	return v
}

// tell tells a viewer once what he does not know, and returns the events.
func (w *wall) tell(t testing.TB, v *viewer) string {
	t.Helper()
	w.pages.Live.scene.look(time.Now(), 0)
	s := &stream{w: httptest.NewRecorder(), sent: func(string) {}}
	var told strings.Builder
	s.w, s.control = &writes{ResponseWriter: s.w, to: &told}, http.NewResponseController(&writes{})
	if err := w.pages.Live.tellAll(context.Background(), v, s, time.Now()); err != nil {
		t.Fatal(err)
	}
	told.Write(s.pending)
	return told.String()
}

// writes keeps what is written.
type writes struct {
	http.ResponseWriter
	to *strings.Builder
}

func (w *writes) Write(b []byte) (int, error)      { return w.to.Write(b) }
func (*writes) FlushError() error                  { return nil }
func (*writes) SetWriteDeadline(_ time.Time) error { return nil }

// A target that recovers between the last look and somebody's coming is taken from his page at the next look: he has its row.
func TestRecoveredSinceTheLook(t *testing.T) {
	w := newWall(t, 10, market(6))
	w.down("shop-1", "x")
	query := w.page("view=problems")
	w.pages.Live.scene.look(time.Now(), 0)
	w.up("shop-1")
	v, err := w.pages.Live.newViewer(httptest.NewRequestWithContext(t.Context(), http.MethodGet, query, http.NoBody))
	if err != nil {
		t.Fatal(err)
	}
	w.pages.Live.scene.enter(v)
	v.again = false // he has been told what there was
	if got := w.tell(t, v); !strings.Contains(got, "event: gone") || !strings.Contains(got, rowID("shop-1")) {
		t.Errorf("he is told %q, want that the row of shop-1 is gone", got)
	}
}

// However many queries people ask with while nothing changes, few sums are kept.
func TestSumsAreBounded(t *testing.T) {
	w := newWall(t, 10, market(3))
	for i := range 3 * maxSums {
		w.pages.Live.scene.sum(w.viewer(t, fmt.Sprint("q=", i)))
	}
	if n := len(w.pages.Live.scene.sums); n > maxSums {
		t.Errorf("%d sums are kept, want %d at most", n, maxSums)
	}
}

// When everything goes down at once a page does not grow without end: it is loaded anew.
func TestPageGrowsToALimit(t *testing.T) {
	const targets = maxLimit + 10
	w := newWall(t, 10, market(targets))
	for _, query := range []string{"view=problems", "view=problems&limit=1", "view=problems&group=none&sort=name"} {
		for i := range targets {
			w.up(fmt.Sprint("shop-", i))
		}
		w.pages.Live.scene.look(time.Now(), 0)
		v := w.viewer(t, query)
		for i := range targets {
			w.down(fmt.Sprint("shop-", i), "x")
		}
		if got := strings.Count(w.tell(t, v), "event: row"); got != maxLimit {
			t.Errorf("%s: %d rows are told of, want %d", query, got, maxLimit)
		}
		if !v.full {
			t.Errorf("%s: the page is not full", query)
		}
	}
}

// The texts of groups that a viewer is told are few, however many groups there are.
func TestTextsAreBounded(t *testing.T) {
	var targets strings.Builder
	for i := range 3 * maxTold {
		fmt.Fprintf(&targets, "  - {name: shop-%d, url: 'http://shop.example/', environment: DEV, labels: {host: host-%d}}\n", i, i)
	}
	w := newWall(t, 10, targets.String())
	sum := w.pages.Live.scene.sum(w.viewer(t, "group=label:host"))
	if n := len(sum.Texts); n < maxTold || n > maxTold+10 {
		t.Errorf("there are %d texts, want those of %d groups", n, maxTold)
	}
}

// A reload that changes how the page calls itself changes the title of those that are open.
func TestAnotherTitle(t *testing.T) {
	w := newWall(t, 10, market(3))
	v := w.viewer(t, "view=all")
	w.tell(t, v)
	w.pages.Title = func() string { return "another" }
	w.list(t, market(3))
	if got := w.tell(t, v); !strings.Contains(got, "another") {
		t.Errorf("he is told %q, want the other title", got)
	}
}

// What the form lets somebody write is not refused, in whichever language it is.
func TestSearchInKorean(t *testing.T) {
	w := newWall(t, 10, market(1))
	for text, want := range map[string]int{strings.Repeat("가", maxText): http.StatusOK, strings.Repeat("가", maxText+1): http.StatusBadRequest} {
		answer := httptest.NewRecorder()
		w.pages.List(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?q="+url.QueryEscape(text), http.NoBody))
		if answer.Code != want {
			t.Errorf("%d bytes are answered %d, want %d", len(text), answer.Code, want)
		}
	}
}
