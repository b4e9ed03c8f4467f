//go:build unix

package app

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/logging"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/journal"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// These tell the test binary that it is an exporter of TestKilled, and where it is to end; see killer.
const (
	killedDir = "APP_TEST_KILLED_DIR"
	killedAt  = "APP_TEST_KILLED_AT"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		if err := serveUntilKilled(dir, os.Getenv(killedAt)); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// serveUntilKilled is the exporter of a shop. It says its address and every step.
func serveUntilKilled(dir, at string) error {
	addresses := []string{"127.0.0.1:0"}
	o := options(&recorder{}, addresses...)
	o.Logger = logging.New(logging.Options{Level: slog.LevelInfo, Writer: os.Stderr})
	o.ConfigFile, o.StoragePath = filepath.Join(dir, "healthcheck.yml"), filepath.Join(dir, "data")
	a, err := New(o)
	if err != nil {
		return err
	}
	// The same with a journal that ends the process. Its metrics take the place of those that New has registered.
	r := prometheus.NewRegistry()
	a.restarts = restart.NewController(&killer{Journal: a.journal, at: at}, r, o.Logger)
	a.webhook = a.newWebhook(r)
	a.restarts.Apply(a.current.Load().Restarts)
	a.metrics.registry = r
	if err := a.Start(); err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "address", a.Addr())
	select {}
}

// A killer is the journal of a process that ends, as by kill -9, before or after a step: "before save intent 1".
type killer struct {
	*journal.Journal
	at string
}

func (k *killer) Save(service string, s policy.State) error {
	return k.step("save "+savedStep(&s), func() error { return k.Journal.Save(service, s) })
}

func (k *killer) Audit(r policy.Record) error {
	return k.step("audit "+toldStep(&r), func() error { return k.Journal.Audit(r) })
}

func (k *killer) step(name string, do func() error) error {
	fmt.Fprintln(os.Stdout, "step", name)
	k.kill("before " + name)
	err := do()
	k.kill("after " + name)
	return err
}

func (k *killer) kill(step string) {
	if step != k.at {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// savedStep names what a saved state is about.
func savedStep(s *policy.State) string {
	n := len(s.Attempts)
	switch {
	case s.LockedOut:
		return "locked out"
	case s.Intent.Orphaned:
		return fmt.Sprintf("orphaned %d", n)
	case s.InFlight() && s.VerifyUntil.IsZero():
		return fmt.Sprintf("intent %d", n)
	case s.InFlight():
		return fmt.Sprintf("verifying %d", n)
	case s.Unverified > 0:
		return fmt.Sprintf("unverified %d", n)
	case !s.AlertedAt.IsZero():
		return "alerted"
	case s.Armed:
		return "armed"
	default:
		return "defined"
	}
}

// toldStep names what a record is about.
func toldStep(r *policy.Record) string {
	n := len(r.After.Attempts)
	switch {
	case r.Decision.Restart:
		return fmt.Sprintf("restart %d", n)
	case r.Event.Executed != nil:
		return fmt.Sprintf("executed %d", n)
	case r.Decision.Outcome != policy.OutcomeNone:
		return fmt.Sprintf("outcome %d", n)
	default:
		return "other"
	}
}

// A fate is where the exporters of an incident are killed, one after the other. The last one is killed when the service is
// locked out, and then once more.
type fate struct {
	kills []string
	runs  int // how often the service is restarted; 0: twice
	// cooling is true when the pause after an attempt does not end: one is made, and no other.
	cooling bool
}

// fates are all: every step that is persisted, before and after, on the way to a lock-out; and within the back-end's work.
func fates() []fate {
	var all []fate
	for _, step := range []string{
		"save defined", "save armed", "save alerted", "save intent 1", "audit restart 1", "save verifying 1",
		"audit executed 1", "save unverified 1", "audit outcome 1", "save intent 2", "audit restart 2",
		"save verifying 2", "audit executed 2", "save locked out", "audit outcome 2",
	} {
		before, after := fate{kills: []string{"before " + step}}, fate{kills: []string{"after " + step}}
		if strings.HasPrefix(step, "audit restart ") { // between the intent and its execution: never made up for
			before.runs, after.runs = 1, 1
		}
		if strings.HasPrefix(step, "save intent ") {
			after.runs = 1
		}
		all = append(all, before, after)
	}
	orphan, orphan2 := "after audit restart 1", "after save intent 2"
	return append(all,
		fate{kills: []string{"before exec 1"}}, fate{kills: []string{"after exec 1"}},
		fate{kills: []string{"before exec 2"}}, fate{kills: []string{"after exec 2"}},
		fate{kills: []string{"after exec 1", "after exec 2"}},
		fate{runs: 1, kills: []string{orphan, "before save orphaned 1"}}, fate{runs: 1, kills: []string{orphan, "after save orphaned 1"}},
		fate{runs: 1, kills: []string{orphan, "before save unverified 1"}}, fate{runs: 1, kills: []string{orphan, "after save unverified 1"}},
		fate{runs: 1, kills: []string{orphan2, "before save orphaned 2"}}, fate{runs: 1, kills: []string{orphan2, "after save orphaned 2"}},
		fate{runs: 1, cooling: true, kills: []string{"before save verifying 1"}}, fate{runs: 1, cooling: true, kills: []string{"after audit outcome 1"}},
	)
}

// TestKilled kills the exporter at every step of an incident. Whenever that is, no attempt is made twice, every one counts,
// and a lock-out is not lost.
func TestKilled(t *testing.T) {
	every := 1
	if testing.Short() {
		every = 5
	}
	slots := make(chan struct{}, 6) // they mostly wait
	var (
		wg      sync.WaitGroup
		steps   sync.Map // every one that there was
		planned = map[any]bool{"audit other": true}
	)
	for i, f := range fates() {
		if i%every != 0 {
			continue
		}
		for _, step := range f.kills {
			_, step, _ = strings.Cut(step, " ")
			planned[step] = true
		}
		s, limits := newShop(t), ""
		if f.cooling {
			limits = "cooldown: 1h"
		}
		s.config(t, limits)
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := s.suffer(t.Context(), f, &steps); err != nil {
				t.Errorf("%v: %v", f.kills, err)
				return
			}
			s.survived(t, f)
		})
	}
	wg.Wait()
	for step := range steps.Range {
		if every == 1 && !planned[step] {
			t.Errorf("nobody was killed at %q: it belongs into fates", step)
		}
	}
}

// suffer takes the shop through an incident and notes every step of it.
func (s *shop) suffer(ctx context.Context, f fate, steps *sync.Map) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute) // much runs at a time
	defer cancel()
	end := `healthcheck_restart_decisions_total{decision="hold",reason="locked_out",service="shop"} `
	if f.cooling {
		end = `healthcheck_restart_decisions_total{decision="hold",reason="cooldown",service="shop"} `
	}
	for _, at := range append(slices.Clone(f.kills), "", "") { // the last two only by us
		c, err := s.spawn(ctx, at, steps)
		if err != nil {
			return fmt.Errorf("starting: %w", err)
		}
		for err == nil {
			var text string
			text, err = c.metrics(ctx)
			switch {
			case err != nil:
			case !s.broken.Load(): // of this shop: the exporter of another may have got the port of one that was killed
				s.broken.Store(strings.Contains(text, `healthcheck_restart_armed{service="shop"} 1`) && strings.Contains(text, s.url))
			case at == "" && strings.Contains(text, end) && !strings.Contains(text, end+"0"):
				err = errSurvived
			default:
				_, err = s.deliver(ctx, c.address)
			}
			if err == nil {
				<-time.After(5 * time.Millisecond)
			}
		}
		if at == "" && !errors.Is(err, errSurvived) {
			c.kill()
			return fmt.Errorf("after all kills: %w\n%s", err, c.log.String())
		}
		if at == "" {
			c.kill()
		}
		if err := c.wait(ctx); err != nil {
			return fmt.Errorf("at %q: %w\n%s", at, err, c.log.String())
		}
	}
	return nil
}

// errSurvived says that the incident came to its end.
var errSurvived = errors.New("the incident is over")

// survived checks what is left after an incident.
func (s *shop) survived(t *testing.T, f fate) {
	want := f.runs
	if want == 0 {
		want = 2
	}
	runs := s.runs(t)
	if once := slices.Compact(slices.Sorted(slices.Values(runs))); len(runs) != want || len(once) != want {
		t.Errorf("%v: executed %v, want %d attempts, each once", f.kills, runs, want)
	}
	kept := s.kept(t)
	attempts := 2
	if f.cooling {
		attempts = 1
	}
	if len(kept.Attempts) != attempts || kept.Unverified != attempts || kept.LockedOut != (attempts == 2) {
		t.Errorf("%v: the state is %+v, want %d attempts", f.kills, kept, attempts)
	}
	intents := map[string]bool{}
	for _, r := range replay(t, s.data()) {
		if r.Decision.Restart || r.State.InFlight() {
			intents[cmp.Or(r.After.Intent.ID, r.State.Intent.ID)] = true
		}
	}
	for _, id := range runs {
		if !intents[id] {
			t.Errorf("%v: the audit does not tell of the attempt %s, but of %v", f.kills, id, slices.Collect(maps.Keys(intents)))
		}
	}
}

// A child is an exporter in a process of its own.
type child struct {
	address string
	cmd     *exec.Cmd
	log     strings.Builder // complete when wait has returned
	ended   chan struct{}   // closed then
}

// spawn starts an exporter that ends at a step.
func (s *shop) spawn(ctx context.Context, at string, steps *sync.Map) (*child, error) {
	if strings.Contains(at, " exec ") {
		if err := os.WriteFile(filepath.Join(s.dir, "kill "+at), nil, 0o600); err != nil {
			return nil, err
		}
	}
	c := &child{cmd: exec.CommandContext(ctx, os.Args[0]), ended: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), killedDir+"="+s.dir, killedAt+"="+at)
	c.cmd.Stderr = &c.log
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	address := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if what, ok := strings.CutPrefix(lines.Text(), "address "); ok {
				address <- what
			}
			if what, ok := strings.CutPrefix(lines.Text(), "step "); ok {
				steps.Store(what, true)
			}
		}
		close(address)
		_ = c.cmd.Wait() // it says what the status does
		close(c.ended)
	}()
	c.address = <-address // none if it was killed before
	return c, nil
}

func (c *child) metrics(ctx context.Context) (string, error) {
	_, text, err := ask(ctx, "http://"+c.address+"/metrics")
	return text, err
}

func (c *child) kill() { _ = c.cmd.Process.Kill() }

// wait waits for the end, which has to be that by a signal.
func (c *child) wait(ctx context.Context) error {
	select {
	case <-c.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	if s, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || s.Signal() != syscall.SIGKILL {
		return fmt.Errorf("it ended by itself: %s", c.cmd.ProcessState)
	}
	return nil
}
