package prober_test

import (
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A thousand probes that hang at once end at their deadline and leave nothing behind.
func TestThousandHangingProbes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		start  func(testing.TB) *probetest.Server
		reason prober.Reason
	}{
		{"silent", probetest.Silent, prober.ReasonRequestTimeout},
		{"drip", func(t testing.TB) *probetest.Server { return probetest.Drip(t, time.Second) }, prober.ReasonTransferTimeout},
		{"mid-body", probetest.StallMidBody, prober.ReasonTransferTimeout},
		{"mid-handshake", probetest.TLSStallMid, prober.ReasonConnectTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hang(t, newProber(t, ""), target(t, tt.start(t).URL), tt.reason)
		})
	}
}

// A crowd is probes at once.
type crowd struct {
	n    int
	gap  time.Duration // between the start of one and the next
	lost int           // how many of them may fail for another reason
}

// hang has a thousand probes at once run into their deadline of two seconds, and wants nothing to be left of them.
func hang(t *testing.T, p prober.Prober, r prober.Request, reason prober.Reason) {
	t.Helper()
	crowd{n: 1000}.hang(t, p, r, reason)
}

// hang has the probes run into their deadline of two seconds, and wants nothing to be left of them. On a busy machine the
// time may be over before all of them get as far as the target lets them, or be noticed late: then they have more, up to 16.
func (c crowd) hang(t *testing.T, p prober.Prober, r prober.Request, reason prober.Reason) {
	t.Helper()
	probe(t, p, r, quick) // what is made once is made now
	heap := probetest.HeapInUse(t)
	for timeout := 2 * time.Second; ; timeout *= 2 {
		check := probetest.NoLeaks(t)
		got, took := c.probe(t, p, r, timeout)
		check()
		wantFlat(t, heap, 4<<20)
		early := 0
		for _, r := range []prober.Reason{prober.ReasonConnectTimeout, prober.ReasonRequestTimeout, prober.ReasonTransferTimeout} {
			if r != reason {
				early += got[r]
			}
		}
		switch {
		case got[reason] >= c.n-c.lost && took <= timeout+late:
			return
		case got[reason]+early < c.n-c.lost || timeout >= 16*time.Second:
			t.Fatalf("%d probes of %s took %s, for the reasons %v, want %s", c.n, timeout, took, got, reason)
		}
	}
}

// probe makes the probes, and counts their reasons.
func (c crowd) probe(t *testing.T, p prober.Prober, r prober.Request, timeout time.Duration) (map[prober.Reason]int, time.Duration) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[prober.Reason]int{}
	start := time.Now()
	for range c.n {
		if c.gap > 0 {
			<-time.After(c.gap)
		}
		wg.Go(func() {
			res := probe(t, p, r, timeout)
			mu.Lock()
			defer mu.Unlock()
			got[res.Reason]++
		})
	}
	wg.Wait()
	return got, time.Since(start)
}

// HTTP/2 keeps nothing of a connection after its probe: no pool, no timer.
func TestManyHTTP2Probes(t *testing.T) {
	n := 10_000
	if raceEnabled || testing.Short() {
		n = 400
	}
	ca := probetest.NewCA(t)
	server := probetest.EchoTLS(t, ca.Issue(t, probetest.Cert{}), "h2", "http/1.1")
	p, r := newProber(t, "tls_config: {ca_file: "+ca.File()+"}\nvalid_http_versions: [HTTP/2.0]"), target(t, server.URL)
	run := func(n int) {
		work := make(chan struct{})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range work {
					if res := probe(t, p, r, patient); !res.Success() {
						t.Errorf("probe failed: %v", res.Err)
					}
				}
			})
		}
		for range n {
			work <- struct{}{}
		}
		close(work)
		wg.Wait()
	}
	run(200)
	heap := probetest.HeapInUse(t)
	check := probetest.NoLeaks(t)
	run(n)
	check()
	// 23 kB a probe, as a transport that lives on for its idle timer keeps, would be 9 MB or more.
	wantFlat(t, heap, 4<<20)
}

// wantFlat waits for the heap to be what it was: net/http lets go of HTTP/2 after a second.
func wantFlat(t *testing.T, before, tolerance uint64) {
	t.Helper()
	var after uint64
	for range 200 {
		if after = probetest.HeapInUse(t); after <= before+tolerance {
			return
		}
		<-time.After(100 * time.Millisecond)
	}
	t.Errorf("heap is %d kB, was %d kB before", after>>10, before>>10)
}

// A body of 10 GB costs no memory, whatever the module makes of it.
func TestHugeBodies(t *testing.T) {
	endless := probetest.Endless(t)
	bomb := probetest.GzipBomb(t, 10<<30)
	for _, tt := range []struct {
		name, url, block string
		timeout          time.Duration // 0: it is to run into its deadline
		reason           prober.Reason
	}{
		{"default limit", endless.URL, "", patient, prober.ReasonTooLarge},
		{"kept for a regexp", endless.URL, "fail_if_body_matches_regexp: [x]", patient, prober.ReasonTooLarge},
		{"kept for a regexp, no limit", endless.URL, "fail_if_body_matches_regexp: [x]\nbody_size_limit: 0", patient, prober.ReasonTooLarge},
		{"no limit", endless.URL, "body_size_limit: 0", 0, prober.ReasonTransferTimeout},
		{"gzip bomb", bomb.URL, "compression: gzip\nbody_size_limit: 1MB", patient, prober.ReasonTooLarge},
		{"gzip bomb, not decompressed", bomb.URL, "body_size_limit: 20MB", time.Second, prober.ReasonNone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, r := newProber(t, tt.block), target(t, tt.url)
			before := totalAlloc()
			var res prober.Result
			if tt.timeout > 0 {
				res = probe(t, p, r, tt.timeout)
			} else {
				res = hanging(t, p, r, tt.reason, prober.PhaseTransfer)
			}
			if tt.reason != prober.ReasonNone && res.Reason != tt.reason {
				t.Errorf("reason is %q (%v), want %s", res.Reason, res.Err, tt.reason)
			}
			if used := totalAlloc() - before; used > 80<<20 {
				t.Errorf("the probe allocated %d MB", used>>20)
			}
		})
	}
}

// A large bundle of authorities is read once and costs a probe nothing.
func TestLargeCABundle(t *testing.T) {
	ca := probetest.NewCA(t)
	server := probetest.TLSServer(t, ca.Issue(t, probetest.Cert{}), http.NotFoundHandler())
	r := target(t, server.URL)
	allocated := func(file string) uint64 {
		p := newProber(t, "valid_status_codes: [404]\ntls_config: {ca_file: "+file+"}")
		wantSuccess(t, probe(t, p, r, patient))
		const n = 20
		before := totalAlloc()
		for range n {
			wantSuccess(t, probe(t, p, r, patient))
		}
		return (totalAlloc() - before) / n
	}
	alone, bundled := allocated(ca.File()), allocated(probetest.BundleFile(t, 145, ca))
	if bundled > alone+alone/5 {
		t.Errorf("a probe allocates %d bytes with a bundle of 146 authorities, %d with one", bundled, alone)
	}
}

// totalAlloc is how many bytes this process has ever allocated, the servers of the test included.
func totalAlloc() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
