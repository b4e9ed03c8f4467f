//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// quickSD is fiveLines with a list that is asked for every second.
const quickSD = fiveLines + "        refresh_interval: 1s\n"

// editors is how many people edit. Each may make 10 changes a second.
const editors = 5

// editorToken is the token of one of them.
func editorToken(i int) string { return fmt.Sprintf("editor-%d-%s", i, strings.Repeat("x", 32)) }

// editorsConfig lets them edit.
func editorsConfig() string {
	var users []string
	for i := range editors {
		users = append(users, fmt.Sprintf("{name: editor-%d, role: edit, bearer_token: %s}", i, editorToken(i)))
	}
	return "modules: {http_2xx: {prober: http}}\nmanaged: {targets: true}\naccess: {users: [" + strings.Join(users, ", ") + "]}\n"
}

// edit sends a change by an editor, and returns the status and the answer.
func edit(ctx context.Context, pair *harness.Pair, editor int, method, path, body string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+pair.Exporter+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Authorization", "Bearer "+editorToken(editor))
	r.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(path, "/api/v1/targets/") {
		r.Header.Set("If-None-Match", "*")
	}
	resp, err := new(http.Client).Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// create makes a managed target.
func create(t *testing.T, pair *harness.Pair, editor int, name, url string) {
	t.Helper()
	status, text, err := edit(t.Context(), pair, editor, http.MethodPut, "/api/v1/targets/"+name, fmt.Sprintf(`{"url":%q,"interval":"1s"}`, url))
	if err != nil || status != http.StatusCreated {
		t.Errorf("creating %s: status %d, %v: %s", name, status, err, text)
	}
}

// sdFailures is how often Prometheus was refused the list.
func sdFailures(ctx context.Context, pair *harness.Pair) (n float64, err error) {
	m, err := pair.PrometheusMetrics(ctx)
	return m.Sum("prometheus_sd_http_failures_total", nil), err
}

// wantScraped waits until Prometheus has these targets, besides the exporter.
func wantScraped(t *testing.T, pair *harness.Pair, when string, want ...string) {
	t.Helper()
	var got []string
	err := harness.Until(t.Context(), patience, when, func(ctx context.Context) (bool, error) {
		targets, err := pair.ScrapeTargets(ctx)
		got = nil
		for _, s := range targets {
			if name := s.Labels["target"]; name != "" {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		return slices.Equal(got, want), err
	})
	if err != nil {
		t.Fatalf("%v: Prometheus has %q, want %q\n%s", err, got, want, pair.Log())
	}
}

// TestManagedDamaged: while managed.db cannot be read, Prometheus keeps its targets. Once it is put back, they are probed again.
func TestManagedDamaged(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	target := probetest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	pair, err := harness.NewPair(ctx, binaries, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer pair.Stop()
	write(t, dir, "prometheus.yml", fmt.Sprintf(quickSD, pair.Exporter))
	write(t, dir, "healthcheck.yml", editorsConfig()+"targets: [{name: file, url: '"+target.URL+"', interval: 1s}]\n")
	if err := errors.Join(pair.StartExporter(ctx, "healthcheck.yml"), pair.StartPrometheus(ctx, "prometheus.yml")); err != nil {
		t.Fatal(err)
	}
	all := []string{"a", "b", "c", "file"}
	for _, name := range all[:3] {
		create(t, pair, 0, name, target.URL+"/"+name)
	}
	wantScraped(t, pair, "what was edited is scraped", all...)

	pair.StopExporter()
	file := filepath.Join(dir, "restarts", managed.FileName)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Dir(file), managed.FileName, strings.Repeat("x", len(good)/2)+string(good[len(good)/2:]))
	if err := pair.StartExporter(ctx, "healthcheck.yml"); err != nil {
		t.Fatal(err)
	}
	if status, text, err := edit(ctx, pair, 0, http.MethodGet, "/sd", ""); err != nil || status != http.StatusServiceUnavailable || !strings.Contains(text, managed.FileName) {
		t.Fatalf("/sd: status %d, %v, want 503 that names the file: %s", status, err, text)
	}
	before, err := sdFailures(ctx, pair)
	if err != nil {
		t.Fatal(err)
	}
	err = harness.Until(ctx, patience, "Prometheus is refused the list 5 times", func(ctx context.Context) (bool, error) {
		n, err := sdFailures(ctx, pair)
		return n >= before+5, err
	})
	if err != nil {
		t.Fatal(err)
	}
	wantScraped(t, pair, "Prometheus keeps its targets", all...)
	if status, text, err := edit(ctx, pair, 0, http.MethodPut, "/api/v1/targets/more", `{"url":"http://127.0.0.1:1/"}`); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("an edit: status %d, %v, want 503: %s", status, err, text)
	}
	if page, err := pair.Get(ctx, "/"); err != nil || !strings.Contains(page, "people have edited are missing here") {
		t.Errorf("the page does not say that they are missing: %v\n%s", err, page)
	}

	pair.StopExporter()
	write(t, filepath.Dir(file), managed.FileName, string(good))
	if err := pair.StartExporter(ctx, "healthcheck.yml"); err != nil {
		t.Fatal(err)
	}
	wantScraped(t, pair, "the list is the same", all...)
	create(t, pair, 0, "d", target.URL+"/d")
	wantScraped(t, pair, "an edit after that", "a", "b", "c", "d", "file")
}

// TestManagedShadowed: a file takes over a name, and gives it back. The target is never missing from the list.
func TestManagedShadowed(t *testing.T) {
	t.Parallel()
	target := probetest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	pair := lonely(t, editorsConfig()+"target_files: ['own*.yml']\n")
	create(t, pair, 0, "shop", target.URL+"/managed")
	from := func(source string, problems float64) func(context.Context) (bool, error) {
		return func(ctx context.Context) (bool, error) {
			if n := discovered(ctx, t, pair); n != 2 {
				return false, fmt.Errorf("/sd has %d targets, want the shop and the exporter", n)
			}
			var list struct {
				Targets []struct{ Name, Source string }
			}
			if err := pair.GetJSON(ctx, "/api/v1/targets", &list); err != nil {
				return false, err
			}
			m, err := pair.Metrics(ctx)
			return len(list.Targets) == 1 && list.Targets[0].Source == source &&
				m.Sum("healthcheck_exporter_inventory_source_problems", harness.Labels{"source": managed.Source}) == problems, err
		}
	}
	await := func(what string, ok func(context.Context) (bool, error)) {
		t.Helper()
		if err := harness.Until(t.Context(), patience, what, ok); err != nil {
			t.Fatal(err)
		}
	}
	await("it is managed", from(managed.Source, 0))
	own := filepath.Join(pair.Dir(), "own.yml")
	write(t, pair.Dir(), "own.yml", "- {name: shop, url: '"+target.URL+"/file'}\n")
	await("the file takes over", from("file:own*.yml", 1))
	if status, text, err := edit(t.Context(), pair, 0, http.MethodPut, "/api/v1/targets/shop", `{"url":"http://127.0.0.1:1/"}`); err != nil || status != http.StatusConflict && status != http.StatusPreconditionFailed {
		t.Errorf("an edit while the file holds: status %d, %v, want it refused: %s", status, err, text)
	}
	if err := os.Remove(own); err != nil {
		t.Fatal(err)
	}
	await("the file gives it back", from(managed.Source, 0))
}

// TestManagedMany: 10,000 managed targets, and edits among them, one after the other and 50 at once. Each is in the list when it is
// answered.
func TestManagedMany(t *testing.T) {
	t.Parallel()
	const n, single, parallel = 10_000, 100, 50
	pair := lonely(t, editorsConfig())
	var all []string
	for i := range n - single - parallel {
		all = append(all, fmt.Sprintf(`{"name":"shop-%05d","url":"https://shop-%05d.example.com/health","environment":"LIVE","labels":{"team":"checkout"}}`, i, i))
	}
	began := time.Now()
	status, text, err := edit(t.Context(), pair, 0, http.MethodPut, "/api/v1/managed?mode=merge", `{"targets":[`+strings.Join(all, ",")+`]}`)
	if err != nil || status != http.StatusOK {
		t.Fatalf("the import: status %d, %v: %.500s", status, err, text)
	}
	t.Logf("the import of %d took %s", len(all), time.Since(began))
	put := func(i, editor int) time.Duration {
		began := time.Now()
		create(t, pair, editor, fmt.Sprintf("new-%03d", i), "http://127.0.0.1:1/")
		return time.Since(began)
	}
	var took []time.Duration
	pace := time.NewTicker(time.Second / 20) // slower than the editors together may be
	defer pace.Stop()
	for i := range single {
		<-pace.C
		took = append(took, put(i, i%editors))
		if list, err := pair.Get(t.Context(), fmt.Sprintf("/sd?name=new-%03d", i)); err != nil || !strings.Contains(list, fmt.Sprintf("new-%03d", i)) {
			t.Errorf("%d is not in the list when it was answered: %v", i, err)
		}
	}
	slices.Sort(took)
	t.Logf("an edit took %s (median), %s (99 of 100), %s at most", took[single/2], took[single*99/100], took[single-1])
	for range 40 { // until each may make 10 at once
		<-pace.C
	}
	began = time.Now()
	var edits sync.WaitGroup
	for i := range parallel {
		edits.Go(func() { put(single+i, i%editors) })
	}
	edits.Wait()
	t.Logf("%d at once took %s", parallel, time.Since(began))
	if got := discovered(t.Context(), t, pair); got != n+1 {
		t.Errorf("/sd has %d targets, want %d and the exporter", got, n)
	}
}
