package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// A healthy target is scraped as by Prometheus: at its interval, with the timeout in a header, on connections that are kept.
const (
	scrapeInterval = 5 * time.Second
	scrapeTimeout  = 4500 * time.Millisecond
	watchInterval  = 5 * time.Second
	usageInterval  = 500 * time.Millisecond
)

// scrape probes every healthy target at its interval. Each probe has to succeed in time.
func (s *siege) scrape(ctx context.Context) {
	prometheus := newClient("127.0.0.1", scrapeInterval)
	var all sync.WaitGroup
	for i := range s.healthy {
		all.Go(func() {
			offset := time.After(scrapeInterval * time.Duration(i) / time.Duration(s.healthy))
			select {
			case <-offset:
			case <-ctx.Done():
				return
			}
			harness.Every(ctx, scrapeInterval, func() {
				from := time.Now()
				err := s.probe(ctx, prometheus, fmt.Sprintf("healthy-%d", i))
				if ctx.Err() == nil {
					s.score.scraped(time.Since(s.began), time.Since(from), err)
				}
			})
		})
	}
	all.Wait()
}

var failure = regexp.MustCompile(`probe_failure_info\{[^}]*reason="(\w+)"`)

// probe makes one scrape, which has to report that the target is healthy.
func (s *siege) probe(ctx context.Context, c *client, name string) error {
	header := map[string]string{"X-Prometheus-Scrape-Timeout-Seconds": fmt.Sprint(scrapeTimeout.Seconds())}
	status, text, err := c.do(ctx, http.MethodGet, s.exporter.base+"/probe?name="+name, header, http.NoBody)
	switch {
	case err != nil:
		return fmt.Errorf("no answer: %s", kind(err))
	case status != http.StatusOK:
		return fmt.Errorf("answer %d", status)
	case !strings.Contains("\n"+string(text), "\nprobe_success 1\n"):
		if m := failure.FindSubmatch(text); m != nil {
			return fmt.Errorf("the probe failed: %s", m[1])
		}
		return errors.New("the probe failed")
	}
	return nil
}

// kind returns an error without the parts that differ each time.
func kind(err error) string {
	text := err.Error()
	for _, known := range []string{"connection refused", "connection reset", "deadline exceeded", "EOF", "i/o timeout", "broken pipe"} {
		if strings.Contains(text, known) {
			return known
		}
	}
	return text
}

// watch looks at the process, at its health, and at what it reports about the healthy targets.
func (s *siege) watch(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() {
		harness.Every(ctx, usageInterval, func() {
			if u, err := s.exporter.usage(); err == nil {
				s.score.used(u)
			}
		})
	})
	all.Go(func() {
		kubelet := newClient("127.0.0.1", watchInterval)
		kubelet.Transport = &http.Transport{DialContext: dialer("127.0.0.1").DialContext, DisableKeepAlives: true} // kubelet opens a connection for each check
		harness.Every(ctx, watchInterval, func() {
			status, err := kubelet.get(ctx, s.exporter.base+"/-/healthy", nil)
			if ctx.Err() == nil {
				s.score.alive(err == nil && status == http.StatusOK)
			}
		})
	})
	person := newClient("127.0.0.1", watchInterval)
	harness.Every(ctx, watchInterval, func() {
		s.score.said(s.states(ctx, person))
	})
	all.Wait()
}

// states returns the false states that the exporter reports for healthy targets. A target that was not probed yet has a true one.
func (s *siege) states(ctx context.Context, c *client) (lies []string) {
	status, text, err := c.do(ctx, http.MethodGet, s.exporter.base+"/api/v1/targets", nil, http.NoBody)
	var list struct {
		Targets []struct {
			Name, State, Reason string
		}
	}
	if err != nil || status != http.StatusOK || json.Unmarshal(text, &list) != nil {
		return nil // others judge whether the exporter answers
	}
	for _, t := range list.Targets {
		if strings.HasPrefix(t.Name, "healthy-") && t.State == "down" {
			lies = append(lies, t.Name+" is down: "+t.Reason)
		}
	}
	return lies
}
