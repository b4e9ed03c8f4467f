//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

var retake = flag.Bool("e2e.picture", false, "let the picture that TestPicture takes be the one of the documents; make picture")

// maxPicture is how long the picture may be, in bytes: whoever clones the repository fetches every one that there ever was.
const maxPicture = 150 << 10

// demoConfig is what the picture shows. Its verbs are the URLs of a site, of a WebSocket, and of one whose certificate has expired.
const demoConfig = `status: {title: Shop}
access: {anonymous: read, users: [{name: alice, role: edit, bearer_token: ` + harness.OperatorToken + `}]}
managed: {targets: true}
modules: {http_2xx: {prober: http, timeout: 1s}, websocket: {prober: websocket, timeout: 1s}}
targets:
  - {name: shop-web, url: '%[1]s/shop-web', environment: LIVE}
  - {name: shop-search, url: '%[1]s/shop-search', environment: LIVE}
  - {name: shop-prices, url: '%[2]s/', environment: LIVE}
  - {name: shop-checkout, url: '%[1]s/shop-checkout', environment: LIVE, depends_on: [shop-api]}
  - {name: shop-api, url: '%[1]s/shop-api', environment: LIVE}
  - {name: stage-web, url: '%[1]s/stage-web', environment: STAGE}
  - {name: stage-api, url: '%[1]s/stage-api', environment: STAGE}
  - {name: wiki, url: '%[3]s/', environment: STAGE}
  - {name: ci, url: '%[1]s/ci', environment: STAGE}
restart:
  mode: enforce
  defaults: {check_interval: 200ms, warm_up: 500ms, start_grace: 500ms, arm_probes: 3, arm_time: 500ms, confirm_probes: 2, confirm_interval: 200ms, without_alert_after: 1s}
  services:
    - {name: shop-api, checks: [{target: shop-api}], command: {argv: [/bin/sleep, '60']}}
`

// TestPicture takes the picture of README.md and docs/page.md from the real program, and leaves it in dist/page with the others.
func TestPicture(t *testing.T) {
	needs(t, "node", "npm", "chromium")
	pair := demonstrate(t)
	control := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for _, name := range slices.Sorted(maps.Keys(pasts)) {
			if _, err := pair.Get(r.Context(), "/probe?name="+name); err != nil {
				t.Error(err)
			}
		}
	}))
	t.Cleanup(control.Close)
	browse(t, "picture.test.mjs", "PAGE_URL=http://"+pair.Exporter+"/", "CONTROL_URL="+control.URL)
	large, err := os.ReadFile(filepath.Join("..", "dist", "page", "picture.png"))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := harness.FewColours(large)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the picture has %d bytes, and had %d with all colours", len(picture), len(large))
	if len(picture) > maxPicture {
		t.Errorf("the picture has %d bytes, want %d at most", len(picture), maxPicture)
	}
	if *retake && !t.Failed() {
		docs := filepath.Join("..", "docs")
		write(t, docs, "page.png", string(picture))
		write(t, docs, "page.png.sum", pictureSum(t))
	}
}

// demonstrate starts an exporter that has been there for days: some targets are down, each in its way, and one is being restarted.
func demonstrate(t *testing.T) *harness.Pair {
	t.Helper()
	var broken atomic.Bool
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		time.Sleep(pasts[name].took)
		switch {
		case name == "shop-api" && broken.Load():
			<-r.Context().Done() // it hangs
		case name == "shop-checkout" && broken.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case name == "stage-web":
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	t.Cleanup(site.Close)
	expired := probetest.NewCA(t).Issue(t, probetest.Cert{CommonName: "wiki.example.com", NotBefore: time.Now().AddDate(0, -3, 0), NotAfter: time.Now().Add(-sinceExpired)})
	wiki := probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{expired}}, http.NotFoundHandler())

	pair := newPair(t, t.TempDir())
	remember(t, filepath.Join(pair.Dir(), "restarts", status.FileName))
	client := filepath.Join(pair.Dir(), "client.yml")
	write(t, pair.Dir(), "client.yml", "authorization: {credentials: "+harness.OperatorToken+"}\n")
	write(t, pair.Dir(), "healthcheck.yml", fmt.Sprintf(demoConfig, site.URL, probetest.Echo(t).URL, wiki.URL))
	if err := pair.StartExporter(t.Context(), "healthcheck.yml"); err != nil {
		t.Fatal(err)
	}
	until := "--until=" + time.Now().Add(90*time.Minute).Truncate(30*time.Minute).Format("15:04")
	for _, order := range [][]string{{"mute", "stage-web", until, "--reason=release 4.2"}, {"maintenance", "start", "ci", until, "--reason=upgrade"}} {
		order = append(order, "--url=http://"+pair.Exporter, "--http.config.file="+client)
		if out, err := exec.CommandContext(t.Context(), binaries.Exporter(), order...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", order, err, out)
		}
	}
	awaitMetric(t, pair, "healthcheck_restart_armed", harness.Labels{"service": "shop-api"})
	broken.Store(true)
	awaitMetric(t, pair, "healthcheck_restart_state", harness.Labels{"service": "shop-api", "state": "executing"})
	return pair
}

// sinceExpired is how long ago a certificate expired.
const sinceExpired = 8 * time.Hour

// A past is how a target was.
type past struct {
	took   time.Duration
	reason prober.Reason // of its outages
	// outages are when they began and ended, ago.
	outages [][2]time.Duration
}

// pasts are those of all targets.
var pasts = map[string]past{
	"shop-web":      {took: 42 * time.Millisecond},
	"shop-search":   {took: 97 * time.Millisecond, reason: prober.ReasonStatus, outages: [][2]time.Duration{{188 * time.Minute, 185 * time.Minute}}},
	"shop-prices":   {took: 12 * time.Millisecond},
	"shop-checkout": {took: 63 * time.Millisecond, reason: prober.ReasonStatus, outages: [][2]time.Duration{{41 * time.Minute, 38 * time.Minute}, {2 * time.Minute, 0}}},
	"shop-api":      {took: 51 * time.Millisecond, reason: prober.ReasonRequestTimeout, outages: [][2]time.Duration{{41 * time.Minute, 38 * time.Minute}, {2 * time.Minute, 0}}},
	"stage-web":     {took: 42 * time.Millisecond, reason: prober.ReasonStatus, outages: [][2]time.Duration{{18 * time.Minute, 0}}},
	"stage-api":     {took: 35 * time.Millisecond},
	"wiki":          {took: 35 * time.Millisecond, reason: prober.ReasonTLSExpired, outages: [][2]time.Duration{{sinceExpired, 0}}},
	"ci":            {took: 28 * time.Millisecond},
}

// remember writes what an exporter would know after twelve days of probes.
func remember(t *testing.T, file string) {
	t.Helper()
	const interval = 30 * time.Second // of a target that says nothing else
	tracker, now := status.NewTracker(), time.Now()
	for name, p := range pasts {
		for ago := 12 * 24 * time.Hour; ago > 0; ago -= interval {
			r := prober.Result{Start: now.Add(-ago), Duration: p.took, Timeout: time.Second}
			if slices.ContainsFunc(p.outages, func(o [2]time.Duration) bool { return ago <= o[0] && ago > o[1] }) {
				r.Reason, r.Err = p.reason, errors.New("as it was")
			}
			tracker.Observe(status.Probe{Name: name, Result: r})
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it writes once
	(&status.Memory{Tracker: tracker, Path: file, Log: slog.New(slog.DiscardHandler), Wanted: func() bool { return true }}).Run(ctx)
}
