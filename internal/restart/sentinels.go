package restart

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// SentinelTimeout is how long a sentinel may take to answer. All are asked at the same time.
const SentinelTimeout = 5 * time.Second

// askEvery is how often sentinels are asked, however many services fail.
const askEvery = time.Second

// Sentinels are URLs that show by any answer that the network is there. Services share them.
type Sentinels struct {
	Checks []Check

	mu    sync.Mutex     // protects the following; held while they are being asked
	last  policy.Network // without a time
	asked time.Time      // when that became known; zero: nothing is
}

// ask is what the sentinels show now. The first that answers is enough. The answer of a moment ago counts.
func (s *Sentinels) ask(ctx context.Context) policy.Network {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.asked.IsZero() && time.Since(s.asked) < askEvery {
		return s.last
	}
	n := s.probe(ctx)
	if ctx.Err() == nil { // cut off, it says nothing
		s.last, s.asked = n, time.Now()
	}
	return n
}

func (s *Sentinels) probe(ctx context.Context) policy.Network {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make([]prober.Result, len(s.Checks))
	ended := make(chan int, len(s.Checks))
	for i := range s.Checks {
		go func() {
			results[i] = s.Checks[i].probe(ctx)
			ended <- i
		}()
	}
	n := policy.Network{Out: true}
	for range s.Checks {
		if i := <-ended; n.Out && answered(&results[i]) {
			n = policy.Network{Detail: s.Checks[i].Name + " answers"}
			cancel() // and the others end
		}
	}
	if n.Out {
		var all []string
		for i := range results {
			all = append(all, s.Checks[i].Name+": "+string(results[i].Reason))
		}
		n.Detail = "no sentinel answers: " + strings.Join(all, ", ")
	}
	n.Detail = printable.Text(n.Detail, printable.MaxError)
	return n
}

// answered reports whether anything came back that only the other end can have sent: a response, of whatever status, or a
// certificate.
func answered(r *prober.Result) bool {
	return r.HTTP != nil && r.HTTP.StatusCode != 0 || r.TLS != nil && r.TLS.Certificates != nil
}

// sentinels are those of all checks of the service.
func (s *Service) sentinels() []*Sentinels {
	var all []*Sentinels
	for i := range s.Checks {
		if one := s.Checks[i].Sentinels; one != nil && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// network asks all sentinels of the service. Where its checks go by different networks each of those has to be there.
func (s *Service) network(ctx context.Context) policy.Network {
	var all policy.Network
	for _, one := range s.sentinels() {
		if n := one.ask(ctx); n.Out || all.Detail == "" {
			all = n
			if n.Out {
				break
			}
		}
	}
	return all
}

// askSentinels asks the sentinels in a goroutine of its own.
func (w *watcher) askSentinels(ctx context.Context) {
	if w.asking || w.looking || w.inspecting {
		return
	}
	w.asking = true
	service := w.configured()
	go func() { w.networks <- service.network(ctx) }()
}

// sameSentinels reports whether both checks have the same ones.
func (c *Check) sameSentinels(o *Check) bool {
	if c.Sentinels == nil || o.Sentinels == nil {
		return c.Sentinels == o.Sentinels
	}
	same := func(a, b Check) bool { return a.Definition == b.Definition }
	return slices.EqualFunc(c.Sentinels.Checks, o.Sentinels.Checks, same)
}
