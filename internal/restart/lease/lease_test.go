package lease

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes/apitest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/once"
)

const path = "/apis/coordination.k8s.io/v1/namespaces/monitoring/leases/exporter"

var config = Config{Namespace: "monitoring", Name: "exporter"}

var _ restart.Elector = (*Elector)(nil)

// A wire to the API server can be cut. Then requests are lost before they reach the server, or their answers after it.
type wire struct {
	apitest.Direct
	mu   sync.Mutex    // protects the following
	cut  bool          // nothing reaches the server
	mute bool          // everything does, and no answer comes back
	late time.Duration // how long an answer is on its way
	done time.Time     // when the server did what it was asked last
}

var errCut = errors.New("the wire is cut")

func (w *wire) set(cut, mute bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut, w.mute = cut, mute
}

func (w *wire) Do(ctx context.Context, r api.Request, out any) error {
	w.mu.Lock()
	cut, mute, late := w.cut, w.mute, w.late
	w.mu.Unlock()
	if cut {
		<-ctx.Done() // it hangs
		return errCut
	}
	err := w.Direct.Do(ctx, r, out)
	if mute {
		<-ctx.Done()
		return errCut
	}
	w.mu.Lock()
	w.done = time.Now()
	w.mu.Unlock()
	time.Sleep(late)
	return err
}

// A candidate is an elector with its wire.
type candidate struct {
	*Elector
	wire *wire
	stop func() // and wait
}

func run(t *testing.T, s *apitest.Server, name string, log io.Writer) *candidate {
	t.Helper()
	c := &candidate{wire: &wire{Direct: apitest.Direct{Server: s}}}
	c.Elector = newElector(config, c.wire)
	c.me = name
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx, slog.New(slog.NewTextHandler(log, nil))) })
	c.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(c.stop)
	return c
}

func (c *candidate) leads() bool { return c.Standing(time.Now()).Standby == "" }

// watch lets time pass, and fails if two ever lead. It returns how long it took until the wanted one led, or until nobody did if
// that is nil.
func watch(t *testing.T, limit time.Duration, want *candidate, all ...*candidate) time.Duration {
	t.Helper()
	for passed := time.Duration(0); passed <= limit; passed += 100 * time.Millisecond {
		n := 0
		for _, c := range all {
			if c.leads() {
				n++
			}
		}
		if n > 1 {
			t.Fatalf("after %s two lead", passed)
		}
		if want == nil && n == 0 || want != nil && want.leads() {
			return passed
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("not as wanted within %s", limit)
	return 0
}

// hold checks for some time that one candidate leads and the other does not.
func hold(t *testing.T, d time.Duration, leader *candidate, all ...*candidate) {
	t.Helper()
	for passed := time.Duration(0); passed <= d; passed += 100 * time.Millisecond {
		for _, c := range all {
			if c.leads() != (c == leader) {
				t.Fatalf("after %s %s leads: %t", passed, c.me, c.leads())
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// election runs f with a server and two candidates, on a clock of its own. The candidate a leads.
func election(t *testing.T, f func(t *testing.T, s *apitest.Server, a, b *candidate)) {
	t.Helper()
	s := apitest.New(t) // outside: its listener waits for the network
	s.Create(t, path, `{"kind": "Lease"}`)
	synctest.Test(t, func(t *testing.T) {
		a := run(t, s, "a", io.Discard)
		watch(t, time.Second, a, a)
		b := run(t, s, "b", io.Discard)
		hold(t, time.Minute, a, a, b)
		f(t, s, a, b)
	})
}

func TestRelease(t *testing.T) {
	election(t, func(t *testing.T, s *apitest.Server, a, b *candidate) {
		a.stop()
		if a.leads() {
			t.Error("it leads after it was stopped")
		}
		if took := watch(t, time.Minute, b, a, b); took > 2*retry {
			t.Errorf("the other one took %s, want less, as it need not wait until the Lease expires", took)
		}
		spec := s.Object(path)["spec"].(map[string]any)
		if spec["holderIdentity"] != "b" || spec["leaseTransitions"] != 2.0 || spec["leaseDurationSeconds"] != 15.0 {
			t.Errorf("the Lease is %v", spec)
		}
	})
}

// A holder that cannot renew stops before anybody else begins.
func TestLostConnection(t *testing.T) {
	for name, wire := range map[string]struct{ cut, mute bool }{"cut": {cut: true}, "no answer": {mute: true}} {
		t.Run(name, func(t *testing.T) {
			election(t, func(t *testing.T, _ *apitest.Server, a, b *candidate) {
				a.wire.set(wire.cut, wire.mute)
				if took := watch(t, time.Minute, nil, a, b); took > deadline {
					t.Errorf("it stopped after %s, want at most %s", took, deadline)
				}
				if standing := a.Standing(time.Now()); !strings.Contains(standing.Standby, errCut.Error()) {
					t.Errorf("it says %q, want why", standing.Standby)
				}
				watch(t, duration+2*retry, b, a, b) // even if the last renewal was granted and its answer was lost
				a.wire.set(false, false)
				hold(t, time.Minute, b, a, b)
			})
		})
	}
}

// A late answer does not make a renewal last longer: the others saw it when it was granted.
func TestLateAnswer(t *testing.T) {
	election(t, func(t *testing.T, _ *apitest.Server, a, b *candidate) {
		a.wire.mu.Lock()
		a.wire.late = timeout - time.Second
		a.wire.mu.Unlock()
		hold(t, time.Minute, a, a, b)
		a.wire.set(true, false)
		watch(t, time.Minute, nil, a, b)
		a.wire.mu.Lock()
		defer a.wire.mu.Unlock()
		if led := time.Since(a.wire.done); led > deadline {
			t.Errorf("it led for %s after the last renewal was granted, want at most %s", led, deadline)
		}
	})
}

// A short interruption changes nothing.
func TestInterruption(t *testing.T) {
	election(t, func(t *testing.T, _ *apitest.Server, a, b *candidate) {
		a.wire.set(true, false)
		hold(t, deadline-2*timeout, a, a, b)
		a.wire.set(false, false)
		hold(t, time.Minute, a, a, b)
		if led := a.Standing(time.Now()).For; led < 2*time.Minute {
			t.Errorf("it leads for %s, want since the beginning", led)
		}
	})
}

// The clocks of others do not matter: a time in the distant past or future does not change when a Lease expires.
func TestClockSkew(t *testing.T) {
	for _, stamp := range []string{"1999-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"} {
		t.Run(stamp, func(t *testing.T) {
			s := apitest.New(t)
			s.Create(t, path, `{"kind": "Lease", "spec": {"holderIdentity": "x", "leaseDurationSeconds": 15, "renewTime": "`+stamp+`"}}`)
			synctest.Test(t, func(t *testing.T) {
				a := run(t, s, "a", io.Discard)
				for n := range 10 { // x renews, by a clock that stands still
					hold(t, 10*time.Second, nil, a)
					s.Edit(t, path, fmt.Sprintf(`{"metadata": {"annotations": {"n": "%d"}}}`, n))
				}
				if standing := a.Standing(time.Now()); standing.Standby != "x leads" {
					t.Errorf("it says %q, want who leads", standing.Standby)
				}
				if took := watch(t, time.Minute, a, a); took < duration-retry {
					t.Errorf("it leads after %s, want not before the Lease has ended", took)
				}
			})
		})
	}
}

// Somebody changes the Lease, or takes it by hand.
func TestMeddling(t *testing.T) {
	election(t, func(t *testing.T, s *apitest.Server, a, b *candidate) {
		s.Edit(t, path, `{"metadata": {"labels": {"team": "shop"}}}`)
		hold(t, 30*time.Second, a, a, b)
		if labels := s.Object(path)["metadata"].(map[string]any)["labels"]; labels == nil {
			t.Error("the label is lost")
		}
		s.Edit(t, path, `{"spec": {"holderIdentity": "kubectl"}}`)
		if took := watch(t, time.Minute, nil, a, b); took > 2*retry {
			t.Errorf("it led for %s more", took)
		}
	})
}

// An exporter that was away while another led, and finds the Lease given up, begins a new term: it does not know what the other
// did.
func TestLeadsAnew(t *testing.T) {
	election(t, func(t *testing.T, _ *apitest.Server, a, b *candidate) {
		a.wire.set(true, false)
		watch(t, time.Minute, b, a, b)
		b.stop()
		a.wire.set(false, false)
		watch(t, time.Minute, a, a, b)
		if led := a.Standing(time.Now()).For; led > retry+timeout {
			t.Errorf("it leads for %s, want since it has the Lease again", led)
		}
	})
}

// If somebody writes a shorter time into a Lease, it is held as long as its holder believes.
func TestShortLease(t *testing.T) {
	s := apitest.New(t)
	s.Create(t, path, `{"kind": "Lease", "spec": {"holderIdentity": "x", "leaseDurationSeconds": 1}}`)
	synctest.Test(t, func(t *testing.T) {
		a := run(t, s, "a", io.Discard)
		if took := watch(t, time.Minute, a, a); took < duration {
			t.Errorf("it leads after %s, want not before the holder has stopped", took)
		}
	})
}

// If many want an expired Lease at the same time, one gets it.
func TestRace(t *testing.T) {
	s := apitest.New(t)
	s.Create(t, path, `{"kind": "Lease"}`)
	synctest.Test(t, func(t *testing.T) {
		var all []*candidate
		for n := range 10 {
			all = append(all, run(t, s, fmt.Sprint("candidate-", n), io.Discard))
		}
		for range 200 {
			time.Sleep(100 * time.Millisecond)
			n := 0
			for _, c := range all {
				if c.leads() {
					n++
				}
			}
			if n != 1 {
				t.Fatalf("%d lead, want 1", n)
			}
		}
	})
}

// Without a Lease, or the right to take it, nobody leads, and the text says what to do.
func TestNoLease(t *testing.T) {
	s := apitest.New(t)
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		a := run(t, s, "a", &log)
		hold(t, time.Minute, nil, a)
		if standing := a.Standing(time.Now()); !strings.Contains(standing.Standby, "status 404 Not Found; want one that exists, see examples/kubernetes/restart-rbac.yaml") {
			t.Errorf("it says %q", standing.Standby)
		}
		s.Create(t, path, `{"kind": "Lease"}`)
		watch(t, 2*retry, a, a)
		a.stop()
	})
	if !strings.Contains(log.String(), "This exporter leads") {
		t.Errorf("the log is %s", &log)
	}
}

// The same over a real connection.
func TestConnected(t *testing.T) {
	t.Cleanup(probetest.NoLeaks(t))
	s := apitest.New(t)
	s.Create(t, path, `{"kind": "Lease"}`)
	e, err := New(Config{Namespace: "monitoring", Name: "exporter", Kubeconfig: s.Kubeconfig(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { e.Run(ctx, slog.New(slog.DiscardHandler)) })
	for began := time.Now(); !e.Standing(time.Now()).Elected; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatalf("it does not lead: %+v", e.Standing(time.Now()))
		}
	}
	cancel()
	running.Wait()
	if holder := s.Object(path)["spec"].(map[string]any)["holderIdentity"]; holder != "" || e.Standing(time.Now()).Standby == "" {
		t.Errorf("at the end %q has the Lease, want nobody", holder)
	}
	if _, err := New(Config{Kubeconfig: "/nowhere/config"}); err == nil {
		t.Error("there is no kubeconfig, want an error")
	}
}

// A reload stays in the same election, unless the Lease or the credentials have changed.
func TestKey(t *testing.T) {
	file := apitest.New(t).Kubeconfig(t)
	key := func(name string) string {
		t.Helper()
		e, err := New(Config{Namespace: "monitoring", Name: name, Kubeconfig: file})
		if err != nil {
			t.Fatal(err)
		}
		return e.Key()
	}
	first := key("exporter")
	if key("exporter") != first || key("other") == first {
		t.Error("want the same key for the same Lease, and another one for another one")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(apitest.Token), []byte("another")), 0o600); err != nil {
		t.Fatal(err)
	}
	if key("exporter") == first || strings.Contains(key("exporter"), "another") {
		t.Error("want another key for other credentials, without them")
	}
}

// An answer of the API server is reported with what to do about it.
func TestExplained(t *testing.T) {
	for code, want := range map[int]string{
		403: `want a Role with get and patch on leases "exporter", see examples/kubernetes/restart-rbac.yaml`,
		404: "want one that exists, see examples/kubernetes/restart-rbac.yaml",
		500: "asking for the Lease monitoring/exporter: status 500",
	} {
		e := newElector(config, answers(code))
		if err := e.try(t.Context()); err == nil {
			t.Errorf("of %d there is no error", code)
		}
		got := e.Standing(time.Now())
		if got.Elected || !strings.Contains(got.Standby, want) || (code == 500) != !strings.Contains(got.Standby, "want ") {
			t.Errorf("of %d it says %+v, want %q", code, got, want)
		}
	}
}

// An answers gives every request the same answer.
type answers int

func (code answers) Do(context.Context, api.Request, any) error {
	return &once.StatusError{Code: int(code)}
}
