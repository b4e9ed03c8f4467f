//go:build unix

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// The environment by which the parent controls the child of TestKilledAtEveryStep.
const (
	childDir   = "JOURNAL_TEST_DIR"
	childKill  = "JOURNAL_TEST_KILL"  // the step at which it kills itself; 0: none
	childHelps = "JOURNAL_TEST_HELPS" // not empty: a restart repairs the service
)

const (
	childService  = "web"
	childTarget   = "http://127.0.0.1:1/"
	childPatience = 30 * time.Second
	childSettle   = 50 * time.Millisecond // after its end, in which nothing may happen
)

// leastSteps is how many steps every story has at least: before and after armed, alerted, intent, executed and outcome. The
// speed of the machine decides how many more there are.
const leastSteps = 10

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A steps is the journal, the target and the back-end of a service in a directory. It counts its changes of files, and kills its
// own process between two of them.
type steps struct {
	*Journal
	dir   string
	helps bool
	kill  int

	mu sync.Mutex // protects the following
	n  int
}

func (s *steps) step() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	if s.n == s.kill {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func (s *steps) Save(service string, state policy.State) error {
	s.step()
	defer s.step()
	return s.Journal.Save(service, state)
}

func (s *steps) Audit(r policy.Record) error {
	s.step()
	defer s.step()
	return s.Journal.Audit(r)
}

func (s *steps) file(name string) string { return filepath.Join(s.dir, name) }

func (s *steps) has(name string) bool {
	_, err := os.Stat(s.file(name))
	return err == nil
}

func (s *steps) Probe(context.Context, prober.Request) prober.Result {
	if s.has("broken") && !s.has("repaired") {
		return prober.Result{Reason: prober.ReasonConnectRefused, Err: errors.New("it is broken")}
	}
	return prober.Result{}
}

func (*steps) Kind() string { return "steps" }

func (*steps) Inspect(context.Context) (restart.Status, error) { return restart.Status{}, nil }

func (s *steps) Restart(_ context.Context, a restart.Attempt) error {
	s.step()
	defer s.step()
	if err := appendLine(s.file("executions"), a.ID); err != nil || !s.helps {
		return err
	}
	return appendLine(s.file("repaired"), a.ID)
}

func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, line)
	return errors.Join(err, f.Close())
}

// over reports whether the story has ended: the repair was seen, and then the state.
func (s *steps) over(repaired bool, state *policy.State) bool {
	if s.helps {
		return repaired && !state.InFlight()
	}
	return state.LockedOut
}

func (s *steps) service() restart.Service {
	u, err := url.Parse(childTarget)
	if err != nil {
		panic(err)
	}
	return restart.Service{
		Name: childService, CheckInterval: 5 * time.Millisecond, Backend: s, ExecTimeout: time.Minute,
		Checks: []restart.Check{{Target: childTarget, Definition: "1", Prober: s, Request: prober.Request{URL: u}, Timeout: time.Second}},
		Policy: policy.Policy{
			Mode: policy.ModeEnforce, ArmProbes: 1, ConfirmProbes: 1, ConfirmInterval: time.Millisecond,
			ConfirmAge: time.Minute, ProbeGap: time.Minute, SuspectTime: time.Hour, InspectInterval: time.Millisecond,
			Cooldown: 5 * time.Millisecond, CooldownMax: 10 * time.Millisecond, BudgetHour: 9, BudgetDay: 9,
			Concurrency: 1, ConcurrencyGroup: 1, FleetBudget: 9, FleetWindow: time.Hour,
			VerifyProbes: 2, VerifyTimeout: 30 * time.Millisecond, MaxUnverified: 2, UnlockTime: time.Hour,
		},
	}
}

// child watches a service that breaks as soon as it is armed, with an alert that fires all the time, until a restart has
// repaired it or it is locked out. It prints how many steps that took.
func child(dir string) error {
	kill, err := strconv.Atoi(os.Getenv(childKill))
	if err != nil {
		return err
	}
	s := &steps{Journal: New(filepath.Join(dir, "restarts")), dir: dir, helps: os.Getenv(childHelps) != "", kill: kill}
	if err := s.Open(); err != nil {
		return err
	}
	c := restart.NewController(s, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Run(ctx)
	}()
	c.Apply(restart.Configuration{Services: []restart.Service{s.service()}, Brake: policy.BrakeLimits{
		Percent: 100, Min: 9, Max: 9, Window: time.Minute, ReleasePercent: 50, ReleaseTime: time.Millisecond,
	}})
	err = s.story(c)
	cancel()
	<-done
	fmt.Fprintln(os.Stdout, s.n)
	return errors.Join(err, s.Close())
}

func (s *steps) story(c *restart.Controller) error {
	var end time.Time
	for deadline := time.Now().Add(childPatience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		repaired := s.has("repaired")
		state, err := s.Load(childService)
		if err != nil {
			return err
		}
		if state.Armed && !s.has("broken") {
			if err := appendLine(s.file("broken"), "1"); err != nil {
				return err
			}
		}
		if s.has("broken") {
			if _, err := c.Handle(map[string]string{"instance": childTarget}, policy.Alert{}); err != nil {
				return err
			}
		}
		switch over := s.over(repaired, &state); {
		case !over && !end.IsZero():
			return errors.New("what had been over has begun again")
		case over && end.IsZero():
			end = time.Now()
		case over && time.Since(end) > childSettle:
			return nil
		}
	}
	return errors.New("the story does not end")
}

// run runs the child; killed reports whether it killed itself.
func run(t *testing.T, dir string, helps bool, kill int) (n int, killed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childKill+"="+strconv.Itoa(kill),
		"GORACE=atexit_sleep_ms=0") // otherwise the race detector sleeps at the end
	if helps {
		cmd.Env = append(cmd.Env, childHelps+"=1")
	}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return 0, true
	}
	if err != nil {
		t.Fatalf("the exporter: %v\n%s", err, errOut.String())
	}
	first, _, _ := strings.Cut(out.String(), "\n")
	if n, err = strconv.Atoi(first); err != nil {
		t.Fatal(err)
	}
	return n, false
}

// TestKilledAtEveryStep kills the exporter before and after everything that it writes, and before and after the restart itself,
// and starts it again. No attempt is executed twice. A service that a restart repairs is restarted once, and one that a restart
// does not repair is locked out after two, for good.
func TestKilledAtEveryStep(t *testing.T) {
	for name, helps := range map[string]bool{"helps": true, "does not help": false} {
		t.Run(name, func(t *testing.T) {
			n, _ := run(t, t.TempDir(), helps, 0)
			t.Logf("%d steps", n)
			if n < leastSteps {
				t.Fatalf("it took %d steps, want at least %d", n, leastSteps)
			}
			if testing.Short() {
				n = leastSteps
			}
			slots := make(chan struct{}, 8)
			for kill := 1; kill <= n; kill++ {
				t.Run(strconv.Itoa(kill), func(t *testing.T) {
					t.Parallel()
					slots <- struct{}{}
					defer func() { <-slots }()
					dir := t.TempDir()
					if _, killed := run(t, dir, helps, kill); !killed && kill <= leastSteps {
						t.Errorf("it was not killed at step %d of about %d", kill, n)
					}
					run(t, dir, helps, 0)
					wantExecutions(t, dir, helps)
					run(t, dir, helps, 0) // what is kept is enough to know that it is over
					wantExecutions(t, dir, helps)
				})
			}
		})
	}
}

func wantExecutions(t *testing.T, dir string, helps bool) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "executions"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	ids := strings.Fields(string(text))
	slices.Sort(ids)
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("an attempt was executed more than once: %q", ids)
	}
	if helps && len(ids) != 1 {
		t.Errorf("%d restarts, want 1", len(ids))
	}
	if !helps && (len(ids) < 1 || len(ids) > 2) { // one was lost if the exporter was killed between the intent and the act
		t.Errorf("%d restarts, want 1 or 2", len(ids))
	}
	report, err := audit.Read(filepath.Join(dir, "restarts"), audit.Name, func(audit.Line) error { return nil })
	if err != nil || report.BreakCount > 0 || report.Records == 0 {
		t.Errorf("the audit log: %+v, %v", report, err)
	}
}
