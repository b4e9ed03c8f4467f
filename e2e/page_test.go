//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// TestPage is the page in a real browser: the tests of page/ do what people do. Pictures of it are left in dist/page.
func TestPage(t *testing.T) {
	needs(t, "node", "npm", "chromium")
	f := newFleet(t)
	control := httptest.NewServer(f)
	t.Cleanup(control.Close)
	for _, file := range []string{"live.test.mjs", "access.test.mjs", "forms.test.mjs"} {
		t.Run(file, func(t *testing.T) {
			f.probeAll(t.Context())
			browse(t, file, "PAGE_URL=http://"+f.pair.Exporter+"/", "CONTROL_URL="+control.URL)
		})
	}
}

// browserTests is the directory of the tests of page/, with what they need from npm.
var browserTests = sync.OnceValues(func() (string, error) { return withPackages("page") })

// browse runs a file of browserTests, with an environment that says where everything is. A browser needs a processor: such tests do not
// run beside others.
func browse(t *testing.T, file string, environment ...string) {
	t.Helper()
	dir, err := browserTests()
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := filepath.Abs("../dist/page")
	if err != nil {
		t.Fatal(err)
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "--test", "--test-reporter=spec", file)
	node.Dir = dir
	node.Env = append(append(os.Environ(), "CHROMIUM="+chromium, "PICTURES="+pictures), environment...)
	out, err := node.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// A fleet is the targets that the page shows, and how each answers. Over HTTP it is what the tests in the browser steer it by.
type fleet struct {
	t     *testing.T
	pair  *harness.Pair
	names []string

	mu       sync.Mutex
	statuses map[string]int // of those that do not answer 200
}

// hostile is a name that would be a script if it were not escaped.
const hostile = `<script>alert(1)</script>"'&`

// people are those who edit the fleet. The tests in the browser know their tokens.
const people = `access:
  anonymous: read
  users:
    - {name: alice, role: edit, bearer_token: alice-0123456789abcdef0123456789abcdef}
    - {name: bob, role: read, bearer_token: bob-0123456789abcdef0123456789abcdef00}
`

// many is how many targets there are to make a storm of.
const many = 60

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t: t, statuses: map[string]int{"shop-cart": 503, "shop-db": 500, "wiki": 404}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		status := f.statuses[strings.TrimPrefix(r.URL.Path, "/")]
		f.mu.Unlock()
		if status != 0 {
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(server.Close)
	var b strings.Builder
	b.WriteString("modules: {http_2xx: {prober: http}}\nmanaged: {targets: true}\n" + people + "targets:\n")
	add := func(name, rest string) {
		f.names = append(f.names, name)
		fmt.Fprintf(&b, "  - {name: %q, url: %q, interval: 5m%s}\n", name, server.URL+"/"+url.PathEscape(name), rest)
	}
	for _, name := range []string{"shop-web", "shop-cart", "shop-search", "shop-pay"} {
		add(name, ", environment: LIVE, labels: {team: shop}, depends_on: [shop-db]")
	}
	add("shop-db", ", environment: LIVE, labels: {team: data}, runbook_url: 'https://wiki.example/db'")
	add("wiki", ", environment: DEV, notification: 'off', labels: {team: docs}")
	add("서버 1", ", environment: DEV, labels: {team: docs}")
	add(hostile, ", environment: DEV")
	add("https://a.example/a/very/long/name?that=nobody&would=choose&and=that&must=break&somewhere=in&a=phone", ", environment: STAGE")
	add("planned", ", environment: STAGE, maintenance: [{weekdays: ['sunday:saturday']}]")
	for i := range many {
		add(fmt.Sprintf("many-%03d", i), ", environment: STAGE, labels: {team: many}")
	}
	all := f.names
	add("never", ", environment: DEV")
	f.names = all // that one is never probed
	f.pair = lonely(t, b.String())
	return f
}

// probeAll probes every target once, as Prometheus does.
func (f *fleet) probeAll(ctx context.Context) {
	f.t.Helper()
	for _, name := range f.names {
		f.probe(ctx, name)
	}
}

func (f *fleet) probe(ctx context.Context, name string) {
	if _, err := f.pair.Get(ctx, "/probe?name="+url.QueryEscape(name)); err != nil {
		f.t.Errorf("probing %q: %v", name, err)
	}
}

// set has a target answer with a status, and probes it.
func (f *fleet) set(ctx context.Context, name string, status int) {
	f.mu.Lock()
	f.statuses[name] = status
	f.mu.Unlock()
	f.probe(ctx, name)
}

// storm puts targets down and up, so many times in all and so often a second.
func (f *fleet) storm(ctx context.Context, changes, rate int) {
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := range changes {
		<-tick.C
		status := http.StatusOK
		if i/many%2 == 0 {
			status = http.StatusTeapot
		}
		f.set(ctx, fmt.Sprintf("many-%03d", i%many), status)
	}
}

// calm ends a storm.
func (f *fleet) calm(ctx context.Context) {
	for i := range many {
		f.set(ctx, fmt.Sprintf("many-%03d", i), http.StatusOK)
	}
}

// ServeHTTP does what the path says.
func (f *fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, query := r.Context(), r.URL.Query()
	number := func(name string) int {
		n, err := strconv.Atoi(query.Get(name))
		if err != nil {
			f.t.Errorf("%s: %v", r.URL, err)
		}
		return n
	}
	switch r.URL.Path {
	case "/set":
		f.set(ctx, query.Get("name"), number("status"))
	case "/storm":
		f.storm(ctx, number("changes"), number("rate"))
	case "/calm":
		f.calm(ctx)
	case "/probe":
		f.probeAll(ctx)
	case "/stop":
		f.pair.StopExporter()
	case "/start":
		if err := f.pair.StartExporter(f.t.Context(), "healthcheck.yml"); err != nil { //nolint:contextcheck // it outlives the request
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	default:
		http.NotFound(w, r)
	}
}
