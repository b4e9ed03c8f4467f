package page

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

func TestBadge(t *testing.T) {
	s := siteOf(t, `targets: [{name: shop, url: 'http://a.example/'}, {name: feed, url: 'http://b.example/'}, {name: new, url: 'http://c.example/'}, {name: old, url: 'http://d.example/'}, {name: work, url: 'http://e.example/', maintenance: [{years: ["1970:2999"]}]}]`)
	s.mux.HandleFunc("GET /badge/{file}", s.Badge)
	now := time.Now()
	for range 199 {
		s.probed("shop", now, nil)
	}
	s.probed("shop", now.Add(-time.Second), errDown)
	s.probed("shop", now, nil)
	s.probed("feed", now, errDown)
	s.probed("old", now.Add(-time.Hour), nil)
	for _, tc := range []struct{ path, label, message, color string }{
		{"shop.json", "shop", "up", badgeGreen},
		{"shop.json?kind=state&lang=ko", "shop", "정상", badgeGreen},
		{"shop.json?kind=uptime-24h", "shop · 24 h", "99.50 %", badgeGreen},
		{"shop.json?kind=uptime-7d", "shop · 7 d", "99.50 %", badgeGreen},
		{"shop.json?kind=uptime-30d&lang=ko", "shop · 30일", "99.50%", badgeGreen},
		{"shop.json?kind=took", "shop", "12 ms", badgeGreen},
		{"feed.json?kind=", "feed", "down", badgeRed},
		{"feed.json?kind=uptime-24h", "feed · 24 h", "0.0 %", badgeRed},
		{"new.json", "new", "never probed", badgeGrey},
		{"new.json?kind=uptime-24h", "new · 24 h", "–", badgeGrey},
		{"new.json?kind=took", "new", "never probed", badgeGrey},
		{"old.json", "old", "last known up", badgeGrey},
		{"work.json", "work", "in maintenance", badgeGrey},
	} {
		w := s.get("/badge/" + tc.path)
		var got badge
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v: %s", tc.path, err, w.Body)
		}
		if diff := cmp.Diff(badge{1, tc.label, tc.message, tc.color, false}, got); diff != "" || w.Code != http.StatusOK {
			t.Errorf("%s, status %d (-want +got):\n%s", tc.path, w.Code, diff)
		}
		if got := w.Header().Get("Cache-Control"); got != "max-age=30" {
			t.Errorf("%s: Cache-Control is %q", tc.path, got)
		}
		svg := s.get("/badge/" + strings.Replace(tc.path, ".json", ".svg", 1)).Body.String()
		if want := "<title>" + tc.label + ": " + tc.message + "</title>"; !strings.Contains(svg, want) || !strings.Contains(svg, `role="img"`) {
			t.Errorf("%s as a picture has no %s: %s", tc.path, want, svg)
		}
	}
	w := s.get("/badge/shop.svg")
	if got := s.get("/badge/shop.svg", "If-None-Match", w.Header().Get("ETag")).Code; got != http.StatusNotModified {
		t.Errorf("the same badge is answered %d, want 304", got)
	}
	for path, want := range map[string]int{
		"nope.svg": 404, "nope.json": 404, "shop": 404, "shop.png": 404, ".svg": 404, "shop.svg?kind=x": 400, "shop.svg?x=1": 400, "shop.svg?lang=de": 400,
	} {
		if w := s.get("/badge/" + path); w.Code != want || w.Header().Get("Cache-Control") != "" || strings.Contains(w.Body.String(), "nope") {
			t.Errorf("%s is answered %d, want %d and not kept: %s", path, w.Code, want, w.Body)
		}
	}
	if body := s.get("/badge/nope.svg").Body.String(); !strings.HasPrefix(body, "<svg") || !strings.Contains(body, badgeGrey) {
		t.Errorf("of a target that is unknown there is no grey badge: %s", body)
	}
}

// A badge is a picture whatever the target is called, and no script.
func TestHostileBadge(t *testing.T) {
	for _, char := range []string{`"`, "'", "<", "&", "]]>", "</svg><script>", "</title>", "\u202e", "\x00", "\x1b", "\xff", "\uffff", "\n", "서", "😀", "e\u0301", strings.Repeat("x", 64<<10)} {
		name := "a" + char + "b"
		s := siteOf(t, "", config.Target{Name: name, URL: "http://a.example/"})
		s.mux.HandleFunc("GET /badge/{file}", s.Badge)
		w := s.get("/badge/" + url.PathEscape(name) + ".svg")
		body := w.Body.String()
		if w.Code != http.StatusOK || len(body) > 4<<10 || !printable.Is(strings.TrimSpace(body)) {
			t.Errorf("%.20q: status %d, %d bytes", char, w.Code, len(body))
		}
		d := xml.NewDecoder(strings.NewReader(body))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%.20q: %v: %s", char, err, body)
			}
			if e, ok := token.(xml.StartElement); ok && !slices.Contains([]string{"svg", "title", "path", "g", "text"}, e.Name.Local) {
				t.Errorf("%.20q: there is <%s>", char, e.Name.Local)
			}
		}
	}
}

// What is wide gets the room that it needs.
func TestTextWidth(t *testing.T) {
	for text, want := range map[string]int{"": 0, "i": 5, "서버": 22, "ab": 14, "mm": 20, "e\u0301": 7, "日本": 22, "😀": 11, "é": 7} {
		if got := textWidth(text); got != want {
			t.Errorf("%q is %d pixels wide, want %d", text, got, want)
		}
	}
	b := &badge{Label: "서버", Message: "정상", Color: badgeGreen}
	if want := `width="` + strconv.Itoa(22+22+4*badgePad) + `"`; !strings.Contains(string(b.svg()), want) {
		t.Errorf("there is no %s in %s", want, b.svg())
	}
}
