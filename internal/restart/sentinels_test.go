package restart

import (
	"context"
	"io"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A guardpost is a sentinel that answers by a status, or not at all.
type guardpost struct {
	status atomic.Int32 // 0: it is silent
	asked  atomic.Int32
}

func (g *guardpost) Probe(ctx context.Context, _ prober.Request) prober.Result {
	g.asked.Add(1)
	if code := int(g.status.Load()); code != 0 {
		return prober.Result{Reason: prober.ReasonStatus, Err: errTest, HTTP: &prober.HTTPResult{StatusCode: code}}
	}
	<-ctx.Done()
	return prober.Result{Reason: prober.ReasonConnectTimeout, Err: ctx.Err()}
}

func sentinelsOf(posts ...*guardpost) *Sentinels {
	s := &Sentinels{}
	for _, p := range posts {
		u := &url.URL{Scheme: "http", Host: "sentinel.test"}
		s.Checks = append(s.Checks, Check{Name: u.String(), Prober: p, Request: prober.Request{URL: u}, Timeout: SentinelTimeout})
	}
	return s
}

// A service that refuses connections is left alone while no sentinel answers, and restarted once when one does, whatever it says.
// While the service is well nobody asks them.
func TestSentinels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, other := &guardpost{}, &guardpost{}
		s := &simulated{helps: true}
		service := s.service("shop", shopTarget)
		service.Checks[0].Sentinels = sentinelsOf(one, other)
		c, _, stop := watch(t, io.Discard, service)
		defer stop()
		time.Sleep(10 * time.Minute)
		if one.asked.Load() != 0 {
			t.Error("sentinels were asked about a healthy service")
		}
		s.broken.Store(true)
		firing(c, shopTarget)
		time.Sleep(10 * time.Minute)
		if n := s.restarts.Load(); n != 0 {
			t.Fatalf("restarted %d times while no sentinel answers", n)
		}
		if n := one.asked.Load(); n < 5 || n > 50 {
			t.Errorf("a sentinel was asked %d times in 10 min, want once in some 15 s", n)
		}
		e := c.Services()[0]
		if want := "no sentinel answers: http://sentinel.test: connect_timeout, http://sentinel.test: connect_timeout"; e.Hold != policy.GuardNetwork ||
			!strings.HasPrefix(e.Guards[len(e.Guards)-1].Value, want) {
			t.Errorf("explained as held by %q: %+v, want %q", e.Hold, e.Guards[len(e.Guards)-1], want)
		}
		other.status.Store(503)
		time.Sleep(time.Minute)
		if n := s.restarts.Load(); n != 1 {
			t.Errorf("restarted %d times after a sentinel has answered 503, want once", n)
		}
	})
}

// When the network comes back, whenever that is, nothing is restarted that was well all the time.
func TestNetworkComesBack(t *testing.T) {
	for i := range time.Duration(40) {
		synctest.Test(t, func(t *testing.T) {
			sentinel := &guardpost{}
			s := &simulated{helps: true, hangs: i % 2 * time.Hour}
			service := s.service("shop", shopTarget)
			service.Checks[0].Sentinels = sentinelsOf(sentinel)
			c, _, stop := watch(t, io.Discard, service)
			defer stop()
			time.Sleep(5 * time.Minute)
			s.broken.Store(true)
			firing(c, shopTarget)
			time.Sleep(2*time.Minute + i*503*time.Millisecond)
			s.broken.Store(false)
			sentinel.status.Store(200)
			time.Sleep(5 * time.Minute)
			if n := s.restarts.Load(); n != 0 {
				t.Errorf("play %d: restarted %d times", i, n)
			}
		})
	}
}

// Services share what the sentinels have answered a moment ago.
func TestSentinelsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		post := &guardpost{}
		post.status.Store(200)
		s := sentinelsOf(post)
		for range 100 {
			if n := s.ask(t.Context()); n.Out {
				t.Fatal("the network is out")
			}
		}
		if n := post.asked.Load(); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
		ended, cancel := context.WithCancel(t.Context())
		time.Sleep(time.Minute)
		cancel()
		post.status.Store(0)
		s.ask(ended)
		post.status.Store(200)
		if n := s.ask(t.Context()); n.Out {
			t.Error("the answer of one that was cut off is remembered")
		}
	})
}
