//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// quick are numbers for a test: it has no minutes.
const quick = `restart:
  mode: enforce
  receiver: {bearer_token: %s}
  brake: {settle: 1s, release_time: 15s}
  defaults:
    check_interval: 200ms
    warm_up: 500ms
    start_grace: 500ms
    arm_probes: 3
    arm_time: 500ms
    confirm_probes: 2
    confirm_interval: 200ms
    cooldown: 1s
    cooldown_max: 1s
    verify_probes: 2
    verify_timeout: 4s
  services:
`

// stillness is for how long nothing has happened when nothing is said to happen: longer than verify_timeout, after which there may be
// another restart.
const stillness = 5 * time.Second

// A site is what some services are probed at: each has a path and answers with its status.
type site struct {
	*httptest.Server
	mu     sync.Mutex // protects the following
	status map[string]int
	slow   atomic.Int64 // how long every answer takes
}

func newSite(t *testing.T) *site {
	s := &site{status: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(s.slow.Load()))
		s.mu.Lock()
		defer s.mu.Unlock()
		if status, ok := s.status[r.URL.Path]; ok {
			w.WriteHeader(status)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) answer(status int, names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		s.status["/"+name] = status
	}
}

// A guarded is an exporter with services of a site, whose restart is a line in a file.
type guarded struct {
	*harness.Pair
	site *site
	dir  string
}

// guard starts an exporter. The services have these names and what else is given in YAML.
func guard(t *testing.T, s *site, services map[string]string) *guarded {
	t.Helper()
	g := &guarded{site: s, dir: t.TempDir()}
	pair, err := harness.NewPair(t.Context(), binaries, g.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pair.Stop)
	g.Pair = pair
	g.configure(t, services)
	if err := pair.StartExporter(t.Context(), "healthcheck.yml"); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *guarded) configure(t *testing.T, services map[string]string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, quick, harness.Token)
	for name, more := range services {
		fmt.Fprintf(&b, `    - name: %s
      checks: [{url: '%s/%s'}]
      command: {argv: [/bin/sh, -c, 'echo "$1" >> "$0"', '%s', %s]}
%s`, name, g.site.URL, name, filepath.Join(g.dir, "restarts.log"), name, more)
	}
	write(t, g.dir, "healthcheck.yml", b.String())
	write(t, g.dir, "client.yml", "authorization: {credentials: "+harness.Token+"}\n")
}

// alert delivers a firing alert about a service, again while the exporter is starting, as Alertmanager does.
func (g *guarded) alert(t *testing.T, name string) {
	t.Helper()
	body := fmt.Sprintf(`{"version":"4","alerts":[{"status":"firing","labels":{"instance":"%s/%s"}}]}`, g.site.URL, name)
	err := harness.Until(t.Context(), patience, "the alert is taken", func(ctx context.Context) (bool, error) {
		status, err := g.Deliver(ctx, harness.Token, []byte(body))
		if err == nil && status != http.StatusOK && status != http.StatusServiceUnavailable {
			err = fmt.Errorf("the delivery is answered %d", status)
		}
		return status == http.StatusOK, err
	})
	if err != nil {
		t.Errorf("%v\n%s", err, g.Log())
	}
}

// restarts is how often a service was restarted.
func (g *guarded) restarts(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, "restarts.log"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) == name {
			n++
		}
	}
	return n
}

// awaitRestarts waits for n restarts, and then for one more that must not come.
func (g *guarded) awaitRestarts(t *testing.T, name string, n int) {
	t.Helper()
	err := harness.Until(t.Context(), patience, fmt.Sprintf("%s is restarted %d times", name, n), func(context.Context) (bool, error) {
		return g.restarts(t, name) >= n, nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, g.Log())
	}
	time.Sleep(stillness)
	if got := g.restarts(t, name); got != n {
		t.Fatalf("%s was restarted %d times, want %d\n%s", name, got, n, g.Log())
	}
}

func (g *guarded) awaitState(t *testing.T, name, state string) {
	t.Helper()
	awaitMetric(t, g.Pair, "healthcheck_restart_state", harness.Labels{"service": name, "state": state})
}

func (g *guarded) awaitArmed(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		awaitMetric(t, g.Pair, "healthcheck_restart_armed", harness.Labels{"service": name})
	}
}

func (g *guarded) awaitHold(t *testing.T, name, reason string) {
	t.Helper()
	awaitMetric(t, g.Pair, "healthcheck_restart_decisions_total", harness.Labels{"service": name, "decision": "hold", "reason": reason})
}

// operate runs a command of an operator.
func (g *guarded) operate(t *testing.T, args ...string) {
	t.Helper()
	args = append([]string{"restarts"}, append(args, "--url=http://"+g.Exporter, "--http.config.file="+filepath.Join(g.dir, "client.yml"))...)
	if out, err := exec.CommandContext(t.Context(), binaries.Exporter(), args...).CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
}

// Every case has an exporter of its own.
func TestGuards(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(t *testing.T, s *site){
		"a path that was never there":      neverThere,
		"a path that a deployment removes": removedPath,
		"a service that has recovered":     hasRecovered,
		"scrapes are no evidence":          scrapes,
		"a restart that does not help":     doesNotHelp,
		"half of all fail at once":         halfFail,
		"a pause":                          paused,
		"a dependency that is down":        dependencyDown,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, newSite(t))
		})
	}
}

func neverThere(t *testing.T, s *site) {
	s.answer(404, "web")
	g := guard(t, s, map[string]string{"web": ""})
	for range 1000 {
		g.alert(t, "web")
	}
	g.awaitHold(t, "web", "unarmed")
	g.awaitRestarts(t, "web", 0)
	g.awaitState(t, "web", "unarmed")
}

func removedPath(t *testing.T, s *site) {
	g := guard(t, s, map[string]string{"web": "", "sleeping": "      restart_on: [404]\n"})
	g.awaitArmed(t, "web", "sleeping")
	s.answer(404, "web", "sleeping")
	g.alert(t, "web")
	g.alert(t, "sleeping")
	g.awaitHold(t, "web", "failure_class")
	awaitMetric(t, g.Pair, "healthcheck_restart_open_intents", nil)
	s.answer(200, "sleeping")
	g.awaitRestarts(t, "sleeping", 1)
	awaitMetric(t, g.Pair, "healthcheck_restart_duration_seconds_count", harness.Labels{"backend": "command", "phase": "verify"})
	g.awaitRestarts(t, "web", 0)
}

// An alert is old news: while it was on its way the service has recovered.
func hasRecovered(t *testing.T, s *site) {
	g := guard(t, s, map[string]string{"web": ""})
	g.awaitArmed(t, "web")
	s.answer(503, "web")
	time.Sleep(time.Second)
	s.answer(200, "web")
	time.Sleep(10 * time.Millisecond)
	g.alert(t, "web")
	g.awaitRestarts(t, "web", 0)

	s.answer(503, "web") // it does restart, once, however many ask
	var senders sync.WaitGroup
	for range 2 {
		senders.Go(func() {
			for range 100 {
				g.alert(t, "web")
			}
		})
	}
	senders.Wait()
	awaitMetric(t, g.Pair, "healthcheck_restart_state", harness.Labels{"service": "web", "state": "verifying"})
	s.answer(200, "web")
	g.awaitRestarts(t, "web", 1)
}

// Anybody can scrape with a timeout that no service can meet.
func scrapes(t *testing.T, s *site) {
	g := guard(t, s, map[string]string{"web": "", "slow": "      check_interval: 1h\n"})
	g.awaitArmed(t, "web")
	s.slow.Store(int64(100 * time.Millisecond))
	for range 20 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.Exporter+"/probe?target="+s.URL+"/web", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "0.05")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		g.alert(t, "web")
		if _, err := g.Get(t.Context(), "/probe?target="+s.URL+"/slow"); err != nil {
			t.Fatal(err)
		}
	}
	g.awaitRestarts(t, "web", 0)
	g.awaitState(t, "slow", "unarmed")
}

func doesNotHelp(t *testing.T, s *site) {
	g := guard(t, s, map[string]string{"web": ""})
	g.awaitArmed(t, "web")
	s.answer(500, "web")
	g.alert(t, "web")
	g.awaitState(t, "web", "locked_out")
	g.alert(t, "web")
	g.awaitRestarts(t, "web", 2)

	g.KillExporter() // a lock-out outlives it
	if err := g.StartExporter(t.Context(), "healthcheck.yml"); err != nil {
		t.Fatal(err)
	}
	g.alert(t, "web")
	g.awaitHold(t, "web", "locked_out")
	g.awaitRestarts(t, "web", 2)

	g.operate(t, "unlock", "web", "--who=jo", "--reason=the disk is back")
	g.alert(t, "web")
	g.awaitRestarts(t, "web", 3) // the budget of an hour
	g.awaitHold(t, "web", "budget")
}

func halfFail(t *testing.T, s *site) {
	services, names := map[string]string{}, []string{}
	for i := range 10 {
		names = append(names, fmt.Sprintf("web-%d", i))
		services[names[i]] = ""
	}
	g := guard(t, s, services)
	g.awaitArmed(t, names...)
	s.answer(503, names[:5]...)
	for _, name := range names[:5] {
		g.alert(t, name)
	}
	awaitMetric(t, g.Pair, "healthcheck_restart_brake", harness.Labels{"scope": "fleet"})
	for _, name := range names[:5] {
		g.awaitHold(t, name, "brake")
	}
	g.awaitRestarts(t, names[0], 0)
	s.answer(200, names[1:5]...)
	err := harness.Until(t.Context(), patience, "it is restarted when it is alone", func(context.Context) (bool, error) {
		return g.restarts(t, names[0]) > 0, nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, g.Log())
	}
	for _, name := range names[1:] {
		if n := g.restarts(t, name); n > 0 {
			t.Errorf("%s was restarted %d times", name, n)
		}
	}
}

func paused(t *testing.T, s *site) {
	g := guard(t, s, map[string]string{"web": ""})
	g.awaitArmed(t, "web")
	g.operate(t, "pause", "web", "--duration=1h", "--who=jo", "--reason=deploy")
	s.answer(503, "web")
	g.alert(t, "web")
	g.awaitHold(t, "web", "paused")
	g.awaitRestarts(t, "web", 0)
	g.operate(t, "resume", "web", "--who=jo")
	awaitMetric(t, g.Pair, "healthcheck_restart_state", harness.Labels{"service": "web", "state": "verifying"})
	s.answer(200, "web")
	g.awaitRestarts(t, "web", 1)
}

func dependencyDown(t *testing.T, s *site) {
	g := guard(t, s, map[string]string{"web": "      depends_on: [db]\n", "db": "      mode: observe\n"})
	g.awaitArmed(t, "web", "db")
	s.answer(503, "web", "db")
	g.alert(t, "web")
	g.awaitHold(t, "web", "dependency")
	g.awaitRestarts(t, "web", 0)
	s.answer(200, "db")
	awaitMetric(t, g.Pair, "healthcheck_restart_state", harness.Labels{"service": "web", "state": "verifying"})
	s.answer(200, "web")
	g.awaitRestarts(t, "web", 1)
}
