package collector_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A sleeper answers after some time, or fails at the deadline.
type sleeper struct {
	latency       time.Duration
	running, most *atomic.Int64
}

// Probe implements prober.Prober.
func (s sleeper) Probe(ctx context.Context, _ prober.Request) prober.Result {
	n := s.running.Add(1)
	defer s.running.Add(-1)
	for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); most = s.most.Load() {
	}
	start := time.Now()
	select {
	case <-time.After(s.latency):
		return prober.Result{Attempts: 1, Start: start, Duration: time.Since(start)}
	case <-ctx.Done():
		return prober.Result{Attempts: 1, Start: start, Duration: time.Since(start), Reason: prober.ReasonRequestTimeout, FailedPhase: prober.PhaseProcessing, Err: ctx.Err()}
	}
}

// everything serves n targets. The first hanging of them never answer. The number of labels differs.
func everything(n, hanging int) (f *fixture, h *collector.AllHandler, most *atomic.Int64) {
	f, most = serving(nil), new(atomic.Int64)
	running := new(atomic.Int64)
	h = &collector.AllHandler{Max: 1000, Offset: offset, Begin: f.handler.Begin, Reject: f.handler.Reject}
	h.Targets = func(query url.Values) ([]collector.Target, error) {
		if query.Has("bad") {
			return nil, errors.New("bad query")
		}
		all := make([]collector.Target, n)
		for i := range all {
			p := sleeper{latency: 100 * time.Millisecond, running: running, most: most}
			if i < hanging {
				p.latency = time.Hour
			}
			all[i] = collector.Target{
				Name: strconv.Itoa(i), Module: collector.Module{Name: "m", Config: config.Module{Timeout: config.Duration(5 * time.Second)}, Prober: p},
				Request: prober.Request{URL: &url.URL{Scheme: "http", Host: "h"}}, Labels: map[string]string{"target": strconv.Itoa(i), "instance": "http://h"},
			}
			if i%2 == 0 {
				all[i].Labels["team"] = "x"
			}
		}
		return all, nil
	}
	return f, h, most
}

func all(t *testing.T, h http.Handler, query string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe/all?"+query, http.NoBody)
	req.Header.Set(collector.ScrapeTimeoutHeader, "10")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func TestAll(t *testing.T) {
	for _, tt := range []struct {
		name       string
		n, hanging int
		duration   time.Duration
	}{
		{"none", 0, 0, 0},
		{"few", 3, 0, 100 * time.Millisecond},
		{"one hangs", 50, 1, 5 * time.Second},
		{"at once", 200, 0, 100 * time.Millisecond},
		{"many", 1000, 0, 500 * time.Millisecond},
		{"most of many hang", 1000, 900, 9500 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, h, most := everything(tt.n, tt.hanging)
				start := time.Now()
				w := all(t, h, "")
				if d := time.Since(start); d > tt.duration || w.Code != http.StatusOK {
					t.Errorf("status %d after %s, want it within %s", w.Code, d, tt.duration)
				}
				body := w.Body.String()
				down := 0
				for line := range strings.Lines(body) {
					if strings.HasPrefix(line, "probe_success{") && strings.HasSuffix(line, " 0\n") {
						down++
					}
				}
				if up := strings.Count(body, "\nprobe_success{") - down; up != tt.n-tt.hanging || down != tt.hanging {
					t.Errorf("%d are up and %d are down, want %d and %d", up, down, tt.n-tt.hanging, tt.hanging)
				}
				if n := strings.Count(body, "# HELP probe_success "); n > 1 || n == 0 && tt.n > 0 {
					t.Errorf("HELP stands there %d times", n)
				}
				if most.Load() > 200 {
					t.Errorf("%d probes at once", most.Load())
				}
				if len(f.probes) != tt.n || f.begun != tt.n {
					t.Errorf("%d probes began, %d ended, want %d", f.begun, len(f.probes), tt.n)
				}
				parser := expfmt.NewTextParser(model.UTF8Validation)
				families, err := parser.TextToMetricFamilies(strings.NewReader(body))
				if err != nil || tt.n > 0 && len(families["probe_success"].GetMetric()) != tt.n {
					t.Errorf("not an exposition: %v", err)
				}
			})
		})
	}
}

func TestAllLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h, _ := everything(2, 1)
		body := all(t, h, "").Body.String()
		for _, want := range []string{
			`probe_success{instance="http://h",target="0",team="x"} 0`, `probe_success{instance="http://h",target="1"} 1`,
			`probe_failure_info{instance="http://h",phase="processing",reason="request_timeout",target="0",team="x"} 1`,
			`probe_timeout_seconds{instance="http://h",target="1"} 5`,
		} {
			if !strings.Contains(body, want+"\n") {
				t.Errorf("want %s in\n%s", want, body)
			}
		}
	})
}

func TestAllRejections(t *testing.T) {
	f, h, _ := everything(1001, 0)
	for query, want := range map[string]string{"": "1001 targets are too many for one scrape, want 1000 at most", "bad": "bad query"} {
		if w := all(t, h, query); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%q: status %d, %s", query, w.Code, w.Body)
		}
	}
	if len(f.rejected) != 2 || f.rejected[0] != collector.RejectedSelection || f.begun != 0 {
		t.Errorf("rejected %v, %d probes began", f.rejected, f.begun)
	}
}

func TestAllAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, h, _ := everything(3, 3)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		gone, leave := context.WithCancel(ctx)
		time.AfterFunc(time.Millisecond, leave)
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, http.MethodGet, "/probe/all", http.NoBody))
		for _, p := range f.probes {
			if !p.Abandoned {
				t.Error("a probe counts, and its client was gone")
			}
		}
	})
}
