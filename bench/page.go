package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// What page measures.
const (
	pageRequests = 200 // of each page
	pageViewers  = 100
	pageChanges  = 20 // of one target, seen by every viewer
	downPercent  = 3
)

// page measures what the page costs: those who open it, and those who keep it open.
func page(ctx context.Context, b *bench) error {
	sick := newSick()
	defer sick.server.Close()
	for _, targets := range []int{1000, 10_000} {
		if err := b.pageOf(ctx, targets, sick); err != nil {
			return err
		}
	}
	return nil
}

// A sick is a target that is up and down by turns.
type sick struct {
	server *httptest.Server
	down   atomic.Bool
}

func newSick() *sick {
	s := &sick{}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if s.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	return s
}

func (b *bench) pageOf(ctx context.Context, targets int, sick *sick) error {
	file := fmt.Sprintf("page%d.yml", targets)
	if err := b.pageInventory(file, targets, sick); err != nil {
		return err
	}
	i, err := b.run(ctx, b.ours(file))
	if err != nil {
		return err
	}
	defer i.stop()
	if err := i.probeOnce(ctx, targets); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "\n%d targets, %d %% down\n\n", targets, downPercent)
	return errors.Join(b.opened(ctx, i), b.watched(ctx, i, sick))
}

// pageInventory has targets of which some are down, and the sick one. Nothing is stale while it is measured.
func (b *bench) pageInventory(file string, targets int, sick *sick) error {
	var text strings.Builder
	text.WriteString("status: {persist: false}\n" + moduleConfig(b.dir, true) + "targets:\n")
	for k := range targets - 1 {
		url := b.urls["http"]
		if k%100 < downPercent {
			url = b.urls["unavailable"]
		}
		fmt.Fprintf(&text, "  - {name: shop-%05d, url: %q, module: http, interval: 5m, environment: %s}\n", k, url, []string{"LIVE", "STAGE", "DEV"}[k%3])
	}
	fmt.Fprintf(&text, "  - {name: sick, url: %q, module: http, interval: 5m, environment: LIVE}\n", sick.server.URL)
	return os.WriteFile(b.file(file), []byte(text.String()), 0o600)
}

// probeOnce probes every target.
func (i *instance) probeOnce(ctx context.Context, targets int) error {
	next, failed := atomic.Int64{}, make(chan error, 1)
	var probing sync.WaitGroup
	for range 16 {
		probing.Go(func() {
			for k := next.Add(1); k < int64(targets); k = next.Add(1) {
				if _, err := i.get(ctx, fmt.Sprintf("/probe?name=shop-%05d", k-1)); err != nil {
					select {
					case failed <- err:
					default:
					}
					return
				}
			}
		})
	}
	probing.Wait()
	close(failed)
	_, err := i.get(ctx, "/probe?name=sick")
	return errors.Join(<-failed, err)
}

// fetched is an answer as it is on the wire.
type fetched struct {
	status int
	etag   string
	body   []byte // compressed, if that was asked for
}

func (i *instance) fetch(ctx context.Context, path string, header ...string) (f fetched, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, i.base+path, http.NoBody)
	if err != nil {
		return f, err
	}
	for k := 0; k < len(header); k += 2 {
		req.Header.Set(header[k], header[k+1])
	}
	resp, err := i.client.Do(req)
	if err != nil {
		return f, err
	}
	defer resp.Body.Close()
	f.status, f.etag = resp.StatusCode, resp.Header.Get("ETag")
	f.body, err = io.ReadAll(resp.Body)
	return f, err
}

var assetPath = regexp.MustCompile(`assets/[0-9a-f]+/page\.(?:css|js)`)

// opened measures what it costs to open the page.
func (b *bench) opened(ctx context.Context, i *instance) error {
	t := newTable(b.out, "page", "p50 ms", "p99 ms", "not compressed", "kB", "with all files kB", "not changed")
	for _, path := range []string{"/?view=problems&limit=1000", "/?view=all&limit=1000"} {
		plain, _, err := i.timed(ctx, path)
		if err != nil {
			return err
		}
		times, page, err := i.timed(ctx, path, "Accept-Encoding", "gzip")
		if err != nil {
			return err
		}
		html, err := gunzip(page.body)
		if err != nil {
			return err
		}
		whole, files := len(page.body), slices.Compact(slices.Sorted(slices.Values(assetPath.FindAllString(string(html), -1))))
		if len(files) != 2 {
			return fmt.Errorf("%s names the files %q, want two", path, files)
		}
		for _, file := range files {
			f, err := i.fetch(ctx, "/"+file, "Accept-Encoding", "gzip")
			if err != nil {
				return err
			}
			whole += len(f.body)
		}
		again, err := i.fetch(ctx, path, "Accept-Encoding", "gzip", "If-None-Match", page.etag)
		if err != nil {
			return err
		}
		t.row(path, "%.2f", milliseconds(quantile(times, 0.5)), "%.2f", milliseconds(quantile(times, 0.99)),
			"%.2f", milliseconds(quantile(plain, 0.99)), "%.1f", float64(len(page.body))/1000, "%.1f", float64(whole)/1000, "%d", again.status)
	}
	times, _, err := i.timed(ctx, "/-/healthy")
	if err != nil {
		return err
	}
	t.row("/-/healthy", "%.2f", milliseconds(quantile(times, 0.5)), "%.2f", milliseconds(quantile(times, 0.99)), "", "", "", "")
	return nil
}

// timed fetches a path again and again, and returns the sorted times and the last answer.
func (i *instance) timed(ctx context.Context, path string, header ...string) (times []time.Duration, last fetched, err error) {
	for range pageRequests {
		begin := time.Now()
		if last, err = i.fetch(ctx, path, header...); err != nil {
			return nil, last, err
		}
		times = append(times, time.Since(begin))
		if last.status != http.StatusOK {
			return nil, last, fmt.Errorf("%s answered %d", path, last.status)
		}
	}
	slices.Sort(times)
	return times, last, nil
}

// A seen is a changed row that a viewer was sent.
type seen struct {
	at    time.Time
	bytes int
}

// watched measures what a change costs that many viewers see.
func (b *bench) watched(ctx context.Context, i *instance, sick *sick) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	before, err := i.usage(ctx)
	if err != nil {
		return err
	}
	rows := make(chan seen, pageViewers*pageChanges)
	for range pageViewers {
		if err := i.view(ctx, rows); err != nil {
			return err
		}
	}
	if err := sleep(ctx, 2*time.Second); err != nil {
		return err
	}
	idle, err := b.spent(ctx, i, func() error { return sleep(ctx, pageChanges*time.Second) })
	if err != nil {
		return err
	}
	renders, err := sum(ctx, i, "healthcheck_exporter_page_renders_total")
	if err != nil {
		return err
	}
	var delays []time.Duration
	bytes := 0
	busy, err := b.spent(ctx, i, func() error {
		for range pageChanges {
			sick.down.Store(!sick.down.Load())
			if _, err := i.get(ctx, "/probe?name=sick"); err != nil {
				return err
			}
			probed := time.Now()
			for range pageViewers {
				select {
				case s := <-rows:
					delays, bytes = append(delays, s.at.Sub(probed)), bytes+s.bytes
				case <-time.After(10 * time.Second):
					return errors.New("a viewer saw nothing of a change")
				}
			}
			if err := sleep(ctx, time.Until(probed.Add(time.Second))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	rendered, err := sum(ctx, i, "healthcheck_exporter_page_renders_total")
	if err != nil {
		return err
	}
	after, err := i.usage(ctx)
	if err != nil {
		return err
	}
	slices.Sort(delays)
	fmt.Fprintln(b.out)
	t := newTable(b.out, "viewers", "renders a change", "bytes a viewer", "ms of CPU", "idle ms/s", "seen p50 ms", "worst ms", "RSS MiB", "kB a viewer")
	t.row(strconv.Itoa(pageViewers), "%.1f", (rendered-renders)/pageChanges, "%.0f", float64(bytes)/pageChanges/pageViewers,
		"%.1f", milliseconds(busy-idle)/pageChanges, "%.1f", milliseconds(idle)/pageChanges,
		"%.0f", milliseconds(quantile(delays, 0.5)), "%.0f", milliseconds(delays[len(delays)-1]),
		"%.0f", after.rss/(1<<20), "%.0f", (after.rss-before.rss)/pageViewers/1000)
	return nil
}

// spent is the CPU time that an exporter takes while f does something.
func (b *bench) spent(ctx context.Context, i *instance, f func() error) (time.Duration, error) {
	before, err := i.cpu()
	if err != nil {
		return 0, err
	}
	if err := errors.Join(f(), ctx.Err()); err != nil {
		return 0, err
	}
	after, err := i.cpu()
	return after - before, err
}

// view keeps the problems open, on a connection of its own, until ctx is done. What changes is sent to rows.
func (i *instance) view(ctx context.Context, rows chan<- seen) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(i.base, "http://"))
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() }) // the viewer ends
	if _, err := fmt.Fprintf(conn, "GET /live?view=problems&limit=1000 HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		return err
	}
	lines := bufio.NewReader(conn)
	if first, err := lines.ReadString('\n'); err != nil || !strings.Contains(first, " 200 ") {
		return fmt.Errorf("a viewer is answered %q (%w)", strings.TrimSpace(first), err)
	}
	go func() {
		bytes := 0 // of the event under way
		changed := false
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			switch event, ok := strings.CutPrefix(line, "event: "); {
			case ok:
				changed = changed || strings.TrimSpace(event) == "row" || strings.TrimSpace(event) == "gone"
			case strings.TrimSpace(line) == "" && changed:
				rows <- seen{time.Now(), bytes}
				changed = false
			}
			if bytes += len(line); strings.TrimSpace(line) == "" {
				bytes = 0
			}
		}
	}()
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
