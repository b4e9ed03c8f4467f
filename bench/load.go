package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// newClient returns a client that scrapes like Prometheus: on connections that are kept, and with gzip.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:         (&net.Dialer{}).DialContext,
		MaxIdleConnsPerHost: 10_000,
		DisableCompression:  true, // gzip is asked for by a header, and decompressed only when an answer is checked
	}}
}

// get makes one scrape and returns its text.
func (i *instance) get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, i.base+path, http.NoBody)
	if err != nil {
		return "", err
	}
	// The header of Prometheus 2 and 3 without native histograms.
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "10")
	resp, err := i.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.Header.Get("Content-Encoding") == "gzip" {
		body, err = gunzip(body)
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %d: %s", path, resp.StatusCode, bytes.TrimSpace(body))
	}
	return string(body), err
}

func gunzip(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// probe makes one scrape, which has to report that the target is healthy.
func (i *instance) probe(ctx context.Context, path string) error {
	text, err := i.get(ctx, path)
	if err == nil && !strings.Contains(text, "\nprobe_success 1\n") {
		err = fmt.Errorf("%s: the probe failed:\n%s", path, text)
	}
	return err
}

// A load is a number of probes, some of them at the same time. The next one begins as soon as one ends.
type load struct {
	probes   int
	scrapers int
	limit    time.Duration      // no probe begins later; 0: there is no limit
	path     func(i int) string // of the i-th probe
	failed   *atomic.Int64      // counts the failed probes; nil: no probe may fail
}

// bear makes the probes of a load. It returns their durations, the shortest first.
func (i *instance) bear(ctx context.Context, l load) ([]time.Duration, error) {
	times := make([]time.Duration, l.probes)
	var next atomic.Int64
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	start := time.Now()
	for range l.scrapers {
		all.Go(func() {
			for failed.Load() == nil && (l.limit == 0 || time.Since(start) < l.limit) {
				k := int(next.Add(1)) - 1
				if k >= l.probes {
					return
				}
				from := time.Now()
				err := i.probe(ctx, l.path(k))
				switch {
				case err == nil:
				case l.failed != nil:
					l.failed.Add(1)
				default:
					failed.Store(&err)
				}
				times[k] = time.Since(from)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	times = times[:min(int(next.Load()), l.probes)]
	slices.Sort(times)
	return times, nil
}

func always(path string) func(int) string { return func(int) string { return path } }

// quantile returns a quantile of sorted values.
func quantile[T any](sorted []T, q float64) T {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// A usage has what a process has used so far, and what it uses now.
type usage struct {
	cpu                time.Duration
	allocated, objects float64
	heap, goroutines   float64
	rss, peak          float64
	files              int
}

var errNoMetric = errors.New("metric is missing")

// usage asks the exporter and the kernel. The cost of asking counts for the CPU time of the earlier of two usages, and not of the
// later one.
func (i *instance) usage(ctx context.Context) (u usage, err error) {
	text, err := i.get(ctx, "/metrics")
	if err != nil {
		return u, err
	}
	for name, value := range map[string]*float64{
		"go_memstats_alloc_bytes_total": &u.allocated, "go_memstats_mallocs_total": &u.objects,
		"go_memstats_heap_alloc_bytes": &u.heap, "go_goroutines": &u.goroutines,
	} {
		_, after, ok := strings.Cut("\n"+text, "\n"+name+" ")
		if !ok {
			return u, fmt.Errorf("%s: %w", name, errNoMetric)
		}
		number, _, _ := strings.Cut(after, "\n")
		if *value, err = strconv.ParseFloat(number, 64); err != nil {
			return u, err
		}
	}
	if u.cpu, err = i.cpu(); err != nil {
		return u, err
	}
	if u.files, err = i.files(); err != nil {
		return u, err
	}
	u.rss, u.peak, err = i.memory()
	return u, err
}
