package restart

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

const shopTarget = "http://127.0.0.1:1/"

// A notebook is a Journal that can fail and that remembers what it was asked.
type notebook struct {
	mu      sync.Mutex // protects the following
	states  map[string]policy.State
	full    bool
	saves   int
	records []policy.Record
}

var errFull = errors.New("no space left on device")

func (n *notebook) Load(service string) (policy.State, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.full {
		return policy.State{}, errFull
	}
	return n.states[service], nil
}

func (n *notebook) Save(service string, s policy.State) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.full {
		return errFull
	}
	n.saves++
	n.states[service] = s
	return nil
}

func (n *notebook) Audit(r policy.Record) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.full {
		return errFull
	}
	n.records = append(n.records, r)
	return nil
}

func (n *notebook) fill(full bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.full = full
}

func (n *notebook) saved() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.saves
}

func newNotebook() *notebook { return &notebook{states: map[string]policy.State{}} }

// What an alert changes is persisted before it is acknowledged, and what changes nothing is not written.
func TestPersistsBeforeAcknowledging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := &simulated{}, newNotebook()
		c, _, stop := watchWith(t, n, io.Discard, s.service("shop", shopTarget))
		defer stop()
		time.Sleep(2*time.Minute + time.Second)
		before := n.saved()
		for range 200 {
			firing(c, shopTarget)
		}
		if wrote := n.saved() - before; wrote != 1 {
			t.Errorf("200 deliveries wrote %d times, want once", wrote)
		}
		if n.states["shop"].AlertedAt.IsZero() {
			t.Error("the alert is not persisted")
		}
	})
}

// While nothing can be persisted nothing is restarted; the delivery has to come again. It recovers by itself.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s, n := &simulated{helps: true}, newNotebook()
		c, reg, stop := watchWith(t, n, &log, s.service("shop", shopTarget))
		time.Sleep(3 * time.Minute)
		s.broken.Store(true)
		n.fill(true)
		if firing(c, shopTarget) {
			t.Error("a delivery that could not be persisted was acknowledged")
		}
		time.Sleep(10 * time.Minute)
		if s.restarts.Load() != 0 {
			t.Fatalf("restarted %d times without an intent on disk", s.restarts.Load())
		}
		if errs, err := testutil.GatherAndCount(reg, "healthcheck_restart_journal_errors_total"); errs != 1 || err != nil {
			t.Errorf("%d series of errors, %v", errs, err)
		}
		n.fill(false)
		time.Sleep(time.Minute)
		stop()
		if s.restarts.Load() != 1 {
			t.Errorf("restarted %d times when there was space again, want once", s.restarts.Load())
		}
		for _, want := range []string{"The journal fails", "guard=journal", "The journal works again"} {
			if strings.Count(log.String(), want) != 1 {
				t.Errorf("the log says %q %d times, want once:\n%s", want, strings.Count(log.String(), want), log.String())
			}
		}
	})
}

// An intent that cannot be saved is dropped, although all else speaks for the restart.
func TestFullAtTheIntent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := &simulated{helps: true}, newNotebook()
		c, _, stop := watchWith(t, n, io.Discard, s.service("shop", shopTarget))
		defer stop()
		time.Sleep(3 * time.Minute)
		s.broken.Store(true)
		firing(c, shopTarget)
		n.fill(true)
		time.Sleep(time.Minute)
		if e := c.Services()[0]; s.restarts.Load() != 0 || e.Hold != policy.GuardJournal || e.State.InFlight() {
			t.Errorf("restarted %d times, held by %q", s.restarts.Load(), e.Hold)
		}
	})
}

// A state that cannot be read is not replaced: it may hold a lock-out.
func TestUnreadableState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := &simulated{helps: true}, newNotebook()
		n.states["shop"] = policy.State{Armed: true, LockedOut: true, Unverified: 2, Definition: "x"}
		n.full = true
		c, _, stop := watchWith(t, n, io.Discard, s.service("shop", shopTarget))
		defer stop()
		time.Sleep(3 * time.Minute)
		if firing(c, shopTarget) || n.saved() != 0 {
			t.Error("an alert was acknowledged, or something written, before the state was read")
		}
		n.fill(false)
		time.Sleep(time.Minute)
		if e := c.Services()[0]; !e.State.LockedOut || e.State.Unverified != 2 {
			t.Errorf("the state is %+v, want the one that was there", e.State)
		}
	})
}

// Nor is one that cannot be read from a journal that can be written.
func TestUnreadableStateIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := &simulated{helps: true}, &failing{notebook: newNotebook(), unreadable: true}
		n.states["shop"] = policy.State{Armed: true, LockedOut: true, Unverified: 2}
		c, _, stop := watchWith(t, n, io.Discard, s.service("shop", shopTarget))
		defer stop()
		time.Sleep(3 * time.Minute)
		s.broken.Store(true)
		for range 20 {
			if firing(c, shopTarget) {
				t.Error("an alert was acknowledged before the state was read")
			}
			time.Sleep(15 * time.Second)
		}
		if err := c.Unlock("shop", policy.Operator{Who: "jo", Reason: "test"}); !errors.Is(err, ErrNotLoaded) {
			t.Errorf("unlocking what nobody knows to be locked: error %v", err)
		}
		if n.saved() != 0 || s.restarts.Load() != 0 {
			t.Errorf("saved %d times and restarted %d times, want neither", n.saved(), s.restarts.Load())
		}
		n.mu.Lock()
		n.unreadable = false
		n.mu.Unlock()
		time.Sleep(time.Minute)
		if e := c.Services()[0]; !e.State.LockedOut || s.restarts.Load() != 0 {
			t.Errorf("restarted %d times, and the state is %+v, want the lock-out", s.restarts.Load(), e.State)
		}
	})
}

// An attempt under way when the exporter ended is never made again. What became of it shows in the unit's identity.
func TestOrphanedAttempt(t *testing.T) {
	for _, tt := range []struct {
		name, identity string
		outcome        policy.Outcome
		phase          policy.Phase
	}{
		{"restarted", "2", policy.OutcomeRecovered, policy.PhaseCooldown},
		{"not restarted", "1", policy.OutcomeUnknown, policy.PhaseBackoff},
		{"not known", "", policy.OutcomeUnknown, policy.PhaseBackoff},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, n := &simulated{}, newNotebook()
				s.status.Store(&Status{Identity: tt.identity, Running: true})
				service := s.service("shop", shopTarget)
				at := policy.Wall(time.Now().Add(-30 * time.Second))
				n.states["shop"] = policy.State{
					Seen: at, Definition: service.definition(), Armed: true, EpisodeAt: at, AlertedAt: at,
					Intent: policy.Intent{ID: "i", At: at, Before: "1"}, Attempts: []time.Time{at}, CooldownUntil: at.Add(5 * time.Minute),
				}
				c, _, stop := watchWith(t, n, io.Discard, service)
				time.Sleep(10 * time.Second)
				if got := c.Services()[0]; got.Phase != tt.phase || len(got.State.Attempts) != 1 {
					t.Errorf("the phase is %s with %d attempts, want %s and the one", got.Phase, len(got.State.Attempts), tt.phase)
				}
				stop()
				if s.restarts.Load() != 0 {
					t.Errorf("restarted %d times", s.restarts.Load())
				}
				var outcomes []policy.Outcome
				for i := range n.records {
					if o := n.records[i].Decision.Outcome; o != policy.OutcomeNone {
						outcomes = append(outcomes, o)
					}
				}
				if diff := cmp.Diff([]policy.Outcome{tt.outcome}, outcomes); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Nor does an attempt of which the journal tells only later hold up all others for ever.
func TestOrphanedAttemptReadLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := &simulated{}, &failing{notebook: newNotebook(), unreadable: true}
		s.status.Store(&Status{Identity: "1", Running: true})
		service := s.service("shop", shopTarget)
		at := policy.Wall(time.Now())
		n.states["shop"] = policy.State{
			Seen: at, Definition: service.definition(), Armed: true,
			Intent: policy.Intent{ID: "i", At: at, Before: "1"}, Attempts: []time.Time{at}, CooldownUntil: at.Add(5 * time.Minute),
		}
		c, _, stop := watchWith(t, n, io.Discard, service)
		defer stop()
		time.Sleep(time.Minute)
		n.mu.Lock()
		n.unreadable = false
		n.mu.Unlock()
		time.Sleep(time.Minute)
		if got := c.Services()[0]; got.Phase != policy.PhaseBackoff || got.State.Unverified != 1 || s.restarts.Load() != 0 {
			t.Errorf("the phase is %s after %d restarts, want %s without any", got.Phase, s.restarts.Load(), policy.PhaseBackoff)
		}
	})
}

// viaJSON is v as it comes back from a file.
func viaJSON[T any](t *testing.T, v T) T {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out T
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// What was recorded leads to the same decisions again, and tells the whole story.
func TestAuditReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, n := &simulated{helps: true}, newNotebook()
		c, _, stop := watchWith(t, n, io.Discard, s.service("shop", shopTarget))
		time.Sleep(3 * time.Minute)
		s.broken.Store(true)
		firing(c, shopTarget)
		time.Sleep(time.Minute)
		stop()
		story := make([]policy.Phase, 0, len(n.records))
		for i := range n.records {
			r := viaJSON(t, n.records[i])
			after, decision := r.Replay(r.Policy)
			if diff := cmp.Diff(viaJSON(t, r.Decision), viaJSON(t, decision)); diff != "" {
				t.Errorf("record %d decides otherwise:\n%s", i, diff)
			}
			if diff := cmp.Diff(r.After, viaJSON(t, after)); diff != "" {
				t.Errorf("record %d leads elsewhere:\n%s", i, diff)
			}
			if len(story) == 0 || story[len(story)-1] != r.To {
				story = append(story, r.To)
			}
		}
		want := []policy.Phase{policy.PhaseIdle, policy.PhaseSuspect, policy.PhaseExecuting, policy.PhaseVerifying, policy.PhaseCooldown}
		if diff := cmp.Diff(want, story[len(story)-len(want):]); diff != "" {
			t.Errorf("the story (-want +got):\n%s", diff)
		}
	})
}
