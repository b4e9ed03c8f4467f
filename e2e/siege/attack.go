package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An attack is one way to do harm. It is bounded by the number of its workers and by the pause of each after every strike.
type attack struct {
	name, help string
	workers    int
	pause      time.Duration
	strike     func(context.Context, *attacker) (what string, err error)
}

// An attacker is a worker of an attack with its own address.
type attacker struct {
	*siege
	*client
	from string // its address
	n    int    // strikes so far
	id   int    // of the worker
}

// sources is how many addresses an attack comes from.
const sources = 8

func attacks() []attack {
	return []attack{
		{"redirects", "targets that redirect forever, to a Location of 1 MB", 2, 300 * time.Millisecond, probeOf("http_2xx", "PLAIN/redirect/0")},
		{"certificates", "targets that fail, with a certificate that has 20,000 names", 2, 300 * time.Millisecond, probeOf("tls", "TLS/missing")},
		{"json", "targets that answer with an array of 10 MiB, which an expression evaluates", 20, 100 * time.Millisecond, probeOf("size", "PLAIN/array")},
		{"errors", "targets that answer with a text of 10 MiB, on which an expression fails", 4, 200 * time.Millisecond, probeOf("time", "PLAIN/text")},
		{"all", "/probe/all of 900 targets that hang, with the longest timeout that a scrape may claim", 30, time.Second, ask("GET", "/probe/all", "X-Prometheus-Scrape-Timeout-Seconds: 3600")},
		{"bodies", "requests to various paths whose body never arrives", 300, time.Second, unsentBody},
		{"headers", "requests whose headers never end", 100, time.Second, unendedHeaders},
		{"deaf", "clients that ask for long answers and never read them", 60, time.Second, unreadAnswers},
		{"reload", "reloads, one every 200 ms", 1, 200 * time.Millisecond, ask("POST", "/-/reload")},
		{"tiny", "probes of healthy targets with a timeout of a millisecond", 2, 100 * time.Millisecond, tinyProbe},
		{"refusals", "paths of 60 kB without credentials", 2, 20 * time.Millisecond, longPath},
		{"urls", "failing targets that were never probed before", 2, 20 * time.Millisecond, newURL},
		{"orders", "orders with the token: pause a service, resume it", 2, 10 * time.Millisecond, order},
		{"lists", "sources of 2,000 and 20,000 targets with 2,000 labels each", 1, 2 * time.Second, hostileFile},
		{"browsers", "requests by a page of another site", 2, 50 * time.Millisecond, otherSite},
	}
}

// attack strikes with all workers until ctx ends.
func (s *siege) attack(ctx context.Context, i int, a attack) {
	var all sync.WaitGroup
	for w := range a.workers {
		all.Go(func() {
			const patience = 30 * time.Second
			from := fmt.Sprintf("127.0.%d.%d", i+1, w%sources+1)
			who := &attacker{siege: s, client: newClient(from, patience), from: from, id: w}
			defer who.CloseIdleConnections()
			for ; ctx.Err() == nil; who.n++ {
				what, err := a.strike(ctx, who)
				if err != nil {
					what = kind(err)
				}
				if ctx.Err() == nil {
					s.score.hit(a.name, what)
				}
				select {
				case <-time.After(a.pause):
				case <-ctx.Done():
				}
			}
		})
	}
	all.Wait()
}

// ask returns a strike that is one request with headers.
func ask(method, path string, headers ...string) func(context.Context, *attacker) (string, error) {
	all := map[string]string{}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		all[name] = value
	}
	return func(ctx context.Context, a *attacker) (string, error) { return a.send(ctx, method, path, all, "") }
}

func (a *attacker) send(ctx context.Context, method, path string, header map[string]string, body string) (string, error) {
	status, _, err := a.do(ctx, method, a.exporter.base+path, header, strings.NewReader(body))
	return strconv.Itoa(status), err
}

// probeOf returns a strike that has one of our targets probed.
func probeOf(module, target string) func(context.Context, *attacker) (string, error) {
	return func(ctx context.Context, a *attacker) (string, error) {
		url := strings.NewReplacer("PLAIN", a.targets.plain, "TLS", a.targets.tls).Replace(target)
		return a.send(ctx, "GET", "/probe?module="+module+"&target="+url, nil, "")
	}
}

func tinyProbe(ctx context.Context, a *attacker) (string, error) {
	return a.send(ctx, "GET", fmt.Sprintf("/probe?name=healthy-%d", a.n%a.healthy), map[string]string{"X-Prometheus-Scrape-Timeout-Seconds": "0.001"}, "")
}

func longPath(ctx context.Context, a *attacker) (string, error) {
	const long = 60_000
	return a.send(ctx, "GET", fmt.Sprintf("/api/v1/restarts/%d%s/explain", a.n, strings.Repeat("x", long)), nil, "")
}

func newURL(ctx context.Context, a *attacker) (string, error) {
	return a.send(ctx, "GET", fmt.Sprintf("/probe?target=http://127.0.0.1:1/%d-%d", a.id, a.n), nil, "")
}

func order(ctx context.Context, a *attacker) (string, error) {
	header := map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/json"}
	if a.n%2 == 1 {
		return a.send(ctx, "POST", "/api/v1/restarts/spare/resume", header, `{"who": "siege", "reason": "go on"}`)
	}
	return a.send(ctx, "POST", "/api/v1/restarts/spare/pause", header, fmt.Sprintf(`{"who": "siege", "reason": "%d %s", "duration": "1h"}`, a.n, strings.Repeat("x", 200)))
}

func otherSite(ctx context.Context, a *attacker) (string, error) {
	header := map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Origin": "https://evil.example"}
	requests := []struct{ method, path string }{
		{"GET", "/probe?target=" + a.targets.plain + "/ok/site"},
		{"POST", "/-/reload"},
		{"GET", "/api/v1/targets"},
		{"GET", "/"},
		{"POST", "/webhook/alertmanager"},
		{"POST", "/api/v1/restarts/spare/pause"},
	}
	r := requests[a.n%len(requests)]
	return a.send(ctx, r.method, r.path, header, "")
}

// hostileFile rewrites a list of targets in one of two hostile forms. The list that the exporter fetches becomes hostile, too.
func hostileFile(_ context.Context, a *attacker) (string, error) {
	a.targets.hostile.Store(true)
	lists := []func() string{hostileList, hostileAliases}
	err := os.WriteFile(filepath.Join(a.dir, "lists", "hostile.yml"), []byte(lists[a.n%len(lists)]()), 0o600)
	return "written", err
}
