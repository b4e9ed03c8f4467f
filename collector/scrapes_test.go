package collector_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
)

// scrapeAll scrapes /probe/all as a client of that address, which claims so much time in seconds.
func scrapeAll(ctx context.Context, h http.Handler, from, claim string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/probe/all", http.NoBody)
	r.RemoteAddr = from
	r.Header.Set(collector.ScrapeTimeoutHeader, claim)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Scrapes by strangers of targets that hang are few at once and end soon, whatever they claim. Another client gets its answer.
func TestManyScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, h, most := everything(900, 900)
		h.Max = 900
		var strangers sync.WaitGroup
		codes := make(chan int, 30)
		for i := range 30 {
			strangers.Go(func() { codes <- scrapeAll(t.Context(), h, fmt.Sprintf("192.0.2.1:%d", i+1), "3600").Code })
		}
		synctest.Wait()
		start := time.Now()
		if w := scrapeAll(t.Context(), h, "192.0.2.2:1", "10"); w.Code != http.StatusOK || time.Since(start) > 10*time.Second {
			t.Errorf("another client got %d after %s", w.Code, time.Since(start))
		}
		strangers.Wait()
		close(codes)
		if d := time.Since(start); d > 2*time.Minute {
			t.Errorf("the scrapes took %s, want 2m at most", d)
		}
		if most.Load() > 600 {
			t.Errorf("%d probes at once, want 600 at most", most.Load())
		}
		count := map[int]int{}
		for code := range codes {
			count[code]++
		}
		if count[http.StatusOK] < 2 || count[http.StatusOK]+count[http.StatusServiceUnavailable] != 30 {
			t.Errorf("got the codes %v", count)
		}
		if len(f.rejected) != count[http.StatusServiceUnavailable] || f.rejected[0] != collector.RejectedBusy {
			t.Errorf("rejected %v", f.rejected)
		}
	})
}

// Clients that are told apart have some scrapes each, and no more than there may be together.
func TestScrapesOfClients(t *testing.T) {
	for _, tt := range []struct {
		name    string
		clients []string
		want    int64 // probes at once, of one target each
	}{
		{"one", []string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3"}, 2},
		{"two", []string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3", "192.0.2.2:1"}, 3},
		{"many", []string{"192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "192.0.2.4:1", "192.0.2.5:1"}, 4},
		{"one of IPv6", []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3%eth0]:1"}, 2},
		{"one by both", []string{"[::ffff:192.0.2.1]:1", "192.0.2.1:2", "192.0.2.1:3"}, 2},
		{"unknown", []string{"", "@", "pipe"}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, h, most := everything(1, 1)
				var asking sync.WaitGroup
				for _, from := range tt.clients {
					asking.Go(func() { scrapeAll(t.Context(), h, from, "10") })
				}
				synctest.Wait()
				if most.Load() != tt.want {
					t.Errorf("%d at once, want %d", most.Load(), tt.want)
				}
				asking.Wait()
			})
		})
	}
}

// A scrape ends when its client goes away, also while it waits: nothing is probed for a client that is gone.
func TestScrapeAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, h, _ := everything(900, 900)
		ctx, leave := context.WithCancel(t.Context())
		var asking sync.WaitGroup
		for range 3 { // one of them waits
			asking.Go(func() { scrapeAll(ctx, h, "192.0.2.1:1", "3600") })
		}
		synctest.Wait()
		time.Sleep(time.Second)
		start := time.Now()
		leave()
		asking.Wait()
		if d := time.Since(start); d > 0 || f.begun > 2*201 {
			t.Errorf("it took %s to end, and %d probes began, want 400", d, f.begun)
		}
		if w := scrapeAll(t.Context(), h, "192.0.2.1:1", "10"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "probe_success") {
			t.Errorf("afterwards: %d", w.Code)
		}
	})
}

// A scrape probes no more targets at a time than it may.
func TestAtOnce(t *testing.T) {
	for _, tt := range []struct{ atOnce, want int64 }{{0, 200}, {8, 8}, {5000, 200}} {
		synctest.Test(t, func(t *testing.T) {
			_, h, most := everything(900, 900)
			h.AtOnce = int(tt.atOnce)
			scrapeAll(t.Context(), h, "192.0.2.1:1", "10")
			if most.Load() != tt.want {
				t.Errorf("%d allowed: %d at once, want %d", tt.atOnce, most.Load(), tt.want)
			}
		})
	}
}

// Whoever comes when enough wait is told so at once: those who wait hold a connection each.
func TestManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h, _ := everything(1, 1)
		start := time.Now()
		var asking sync.WaitGroup
		var refused atomic.Int64
		for range 50 {
			asking.Go(func() {
				if w := scrapeAll(t.Context(), h, "192.0.2.1:1", "10"); w.Code == http.StatusServiceUnavailable && time.Since(start) == 0 {
					refused.Add(1)
				}
			})
		}
		asking.Wait()
		if refused.Load() != 50-2-8 {
			t.Errorf("%d were refused at once, want %d", refused.Load(), 50-2-8)
		}
	})
}
