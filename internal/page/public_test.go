package page

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// ask asks a handler.
func ask(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const publicTargets = `
status: {title: Shop}
targets:
  - name: shop
    url: https://secret-host.example/secret-path?key=secret-key
    environment: LIVE
    labels: {secret_label: secret-value}
    depends_on: [secret-target]
    runbook_url: https://secret-runbook.example/
    notification: off
  - {name: feed, url: 'http://secret-host.example/', environment: LIVE}
  - {name: cart, url: 'http://secret-host.example/', environment: DEV}
  - {name: secret-target, url: 'http://secret-host.example/', environment: DEV}
`

// Everybody sees names, states, since when and uptimes of the chosen environments, and nothing else in any answer.
func TestPublic(t *testing.T) {
	s := siteOf(t, publicTargets)
	settings := &config.PublicStatus{Environments: []string{"LIVE"}}
	s.probed("shop", time.Now(), errors.New("secret-error"))
	s.probed("secret-target", time.Now(), errDown)
	s.probed("feed", time.Now(), nil)
	hidden := []string{"secret", "cart", "DEV", "wrong status", "503", "<script", "http_2xx", "targets/", "href=\"http", "muted"}
	h := s.Public(func() *config.PublicStatus { return settings }, func() {})
	page := ask(h, "/")
	body := page.Body.String()
	expect(t, "the page", body, "<title>1 of 2 are down – Shop</title>", `<th scope="row">shop</th>`, "down</b>", `<th scope="row">feed</th>`, "<td>100 %</td>", "<td>0.0 %</td>", `hreflang="ko"`)
	expect(t, "the page in Korean", ask(h, "/?lang=ko").Body.String(), `<html lang="ko">`, "장애 1건 / 전체 2건")
	expect(t, "the page for a Korean", ask(h, "/", "Accept-Language", "ko").Body.String(), `<html lang="ko">`)
	if got := page.Header().Get("Cache-Control"); got != "public, max-age=1" || page.Header().Get("ETag") == "" {
		t.Errorf("it may be kept for %q", got)
	}
	var sum board.Summary
	if err := json.Unmarshal(ask(h, "/api/v1/summary").Body.Bytes(), &sum); err != nil || sum.Targets != 2 || sum.Down != 1 || sum.Indicator != board.IndicatorMajor {
		t.Errorf("the summary is %+v, %v", sum, err)
	}
	for _, path := range []string{"/", "/?lang=ko", "/api/v1/summary", "/badge/shop.svg", "/badge/shop.json?kind=uptime-30d", "/badge/shop.json?kind=took", "/badge/cart.svg", "/badge/secret-target.json", "/?x=secret", "/targets/shop", "/nope"} {
		w := ask(h, path)
		for _, word := range hidden {
			if strings.Contains(strings.ReplaceAll(w.Body.String(), `"secret"`, ""), word) && (word != "secret" || path != "/?x=secret") {
				t.Errorf("%s tells %q:\n%s", path, word, w.Body)
			}
		}
	}
	for path, want := range map[string]int{
		"/badge/shop.svg": 200, "/assets/" + assetVersion + "/page.css": 200, "/assets/" + assetVersion + "/page.js": 404, "/assets/x/page.css": 404,
		"/?x=1": 400, "/api/v1/summary?x=1": 400, "/badge/shop.svg?x=1": 400,
	} {
		if got := ask(h, path).Code; got != want {
			t.Errorf("%s is answered %d, want %d", path, got, want)
		}
	}
	settings = nil
	if got := ask(h, "/").Code; got != http.StatusNotFound {
		t.Errorf("without settings the page is answered %d", got)
	}
}

// Whether there is a target in another environment is not to be found out: all of an answer is the same.
func TestPublicHidesTargets(t *testing.T) {
	s := siteOf(t, publicTargets)
	s.probed("cart", time.Now(), errDown)
	h := s.Public(func() *config.PublicStatus { return &config.PublicStatus{Environments: []string{"LIVE"}} }, func() {})
	for _, path := range []string{"/badge/%s.svg", "/badge/%s.json", "/badge/%s.json?kind=took", "/badge/%s.svg?kind=x", "/badge/%s", "/targets/%s", "/api/v1/targets/%s"} {
		there, not := ask(h, fmt.Sprintf(path, "cart")), ask(h, fmt.Sprintf(path, "carx"))
		if diff := cmp.Diff(not.Result().Header, there.Result().Header); diff != "" || there.Code != not.Code || there.Code == http.StatusOK {
			t.Errorf("%s: status %d, and %d for one that does not exist; headers:\n%s", path, there.Code, not.Code, diff)
		}
		if diff := cmp.Diff(not.Body.String(), there.Body.String()); diff != "" {
			t.Errorf("%s (-for nothing +for a hidden target):\n%s", path, diff)
		}
	}
}

func TestPublicReasons(t *testing.T) {
	s := siteOf(t, publicTargets)
	s.probed("shop", time.Now(), errors.New("secret-error"))
	h := s.Public(func() *config.PublicStatus {
		return &config.PublicStatus{Environments: []string{"LIVE"}, ShowReasons: true}
	}, func() {})
	body := ask(h, "/").Body.String()
	expect(t, "the page", body, "wrong status")
	if strings.Contains(body, "secret") || strings.Contains(body, "503") {
		t.Errorf("it tells more than the reason:\n%s", body)
	}
}

// In one second a page is made once, and so many requests are answered.
func TestPublicIsBounded(t *testing.T) {
	s := siteOf(t, publicTargets)
	var looked atomic.Int32
	refused := 0
	inv := s.Board.Inventory
	s.Board.Inventory = func() *inventory.Inventory { looked.Add(1); return inv() }
	synctest.Test(t, func(t *testing.T) {
		h := s.Public(func() *config.PublicStatus { return &config.PublicStatus{Environments: []string{"LIVE"}} }, func() { refused++ })
		for second := range 3 {
			looked.Store(0)
			codes := map[int]int{}
			for range 10 * maxPublicRequests {
				w := ask(h, "/")
				codes[w.Code]++
				if w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") != "1" {
					t.Fatal("it does not say when to ask again")
				}
			}
			if diff := cmp.Diff(map[int]int{200: maxPublicRequests, 429: 9 * maxPublicRequests}, codes); diff != "" || looked.Load() != 1 {
				t.Errorf("second %d: the targets were looked at %d times, want once; answers (-want +got):\n%s", second, looked.Load(), diff)
			}
			time.Sleep(time.Second)
		}
		if want := 3 * 9 * maxPublicRequests; refused != want {
			t.Errorf("%d are told as refused, want %d", refused, want)
		}
	})
}

// Of thousands of targets the page has those that are down, and says how many it leaves out.
func TestPublicOfMany(t *testing.T) {
	var others []config.Target
	for i := range 3 * maxPublicTargets {
		others = append(others, config.Target{Name: fmt.Sprintf("%s%06d", strings.Repeat(`"`, 250), i), URL: "http://a.example/", Environment: "LIVE"})
	}
	s := siteOf(t, "", others...)
	last := others[len(others)-1].Name
	s.tracker.Observe(probeOf(last, prober.ReasonStatus))
	h := s.Public(func() *config.PublicStatus { return &config.PublicStatus{Environments: []string{"LIVE"}} }, func() {})
	body := ask(h, "/").Body.String()
	expect(t, "the page", body[len(body)-5000:], "2000 more are not shown.")
	if !strings.Contains(body, last[250:]) || strings.Count(body, `<th scope="row">`) != maxPublicTargets {
		t.Error("the page does not have the one that is down, or not as many as it may")
	}
	if most := 2 << 20; len(body) > most {
		t.Errorf("it has %d bytes, want at most %d", len(body), most)
	}
}
