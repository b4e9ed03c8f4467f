package journal

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/store"
)

func open(t *testing.T, dir string) *Journal {
	t.Helper()
	j := New(dir)
	if err := j.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// The next exporter finds what was saved and audited.
func TestJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	j := open(t, dir)
	at := time.Date(2026, 3, 29, 1, 30, 0, 123456789, time.UTC)
	want := policy.State{
		Seen: at, Armed: true, LockedOut: true, LockedAt: at, Unverified: 2, Attempts: []time.Time{at},
		Intent: policy.Intent{ID: "x", At: at}, Pause: policy.Pause{Until: at, Who: "w", Reason: "r"},
	}
	if err := j.Save("web", want); err != nil {
		t.Fatal(err)
	}
	record := policy.Record{Time: at, Service: "web", From: policy.PhaseIdle, To: policy.PhaseExecuting, Decision: policy.Decision{Restart: true}, State: want}
	if err := j.Audit(record); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Save("web", want); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close Save says %v", err)
	}
	if err := j.Audit(record); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close Audit says %v", err)
	}

	j = open(t, dir)
	if err := j.Open(); err != nil {
		t.Errorf("Open again says %v", err)
	}
	got, err := j.Load("web")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("loaded (-saved +loaded): %v\n%s", err, diff)
	}
	got, err = j.Load("other")
	if diff := cmp.Diff(policy.State{}, got); err != nil || diff != "" {
		t.Errorf("a service without a state: %v\n%s", err, diff)
	}
	var read []policy.Record
	_, err = audit.Read(dir, audit.Name, func(l audit.Line) error {
		var r policy.Record
		defer func() { read = append(read, r) }()
		return json.Unmarshal(l.JSON, &r)
	})
	if diff := cmp.Diff([]policy.Record{record}, read); err != nil || diff != "" {
		t.Errorf("audited (-written +read): %v\n%s", err, diff)
	}
}

// Two exporters must not act on the same memory.
func TestSecondInstance(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	err := New(dir).Open()
	if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("the second instance gets %v, want ErrLocked with the directory", err)
	}
}

// A state that this version does not understand may be what forbids a restart.
func TestForeignState(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save("web", []byte(`{"armed":true,"forbidden":"canary"}`)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, dir).Load("web")
	if err == nil || !strings.Contains(err.Error(), `"web"`) || strings.Contains(err.Error(), "canary") {
		t.Errorf("Load says %v", err)
	}
}

// While a file cannot be used, every call fails. The file is left as it is, and tried again.
func TestCorrupt(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	garbage := strings.Repeat("garbage", 10_000)
	if err := os.WriteFile(path, []byte(garbage), 0o600); err != nil {
		t.Fatal(err)
	}
	j := New(dir)
	defer func() { _ = j.Close() }()
	if err := j.Open(); !errors.Is(err, store.ErrCorrupt) {
		t.Fatalf("Open says %v", err)
	}
	_, err := j.Load("web")
	for _, err := range []error{err, j.Save("web", policy.State{Armed: true}), j.Audit(policy.Record{})} {
		if !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("a call says %v, want ErrCorrupt", err)
		}
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != garbage {
		t.Errorf("the file was changed, %v", err)
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	j.tried = time.Now()
	if _, err := j.Load("web"); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("at once Load says %v: it must not read the whole file every time", err)
	}
	j.tried = time.Now().Add(-retryEvery)
	if _, err := j.Load("web"); err != nil {
		t.Errorf("later Load says %v", err)
	}
}

// Without an audit log nothing is restarted, and the lock of the store is released.
func TestNoAudit(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, audit.FileName), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := New(dir).Open(); err == nil || errors.Is(err, store.ErrLocked) {
			t.Errorf("Open says %v, want what is wrong with the audit log", err)
		}
	}
}

// Records that cannot be audited are audited later. Until then Save fails, although it saves the state.
func TestAuditLater(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	state := policy.State{Armed: true}
	record := policy.Record{Service: "web", Decision: policy.Decision{Restart: true}}
	if err := errors.Join(j.Save("web", state), j.Audit(record)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, audit.FileName)
	aside := path + ".aside"
	if err := errors.Join(os.Rename(path, aside), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	for range maxPending + 1 {
		if err := j.Audit(record); err == nil {
			t.Fatal("there is no audit log to append to")
		}
	}
	state.LockedOut = true
	if err := j.Save("web", state); err == nil {
		t.Error("a state is said to be saved while decisions cannot be audited")
	}
	if got, err := j.Load("web"); err != nil || !got.LockedOut {
		t.Errorf("the state is %+v, %v, want the later one", got, err)
	}
	if err := errors.Join(os.Remove(path), os.Rename(aside, path)); err != nil {
		t.Fatal(err)
	}
	if err := j.Save("web", state); err != nil {
		t.Error(err)
	}
	report, err := audit.Read(dir, audit.Name, func(audit.Line) error { return nil })
	if err != nil || report.Records != 1+maxPending || report.BreakCount != 0 {
		t.Errorf("the audit log: %+v, %v, want %d records", report, err, 1+maxPending)
	}
}

// A flood of orders or changes, whatever causes it, neither pushes out an attempt nor takes more room than it has.
func TestFloods(t *testing.T) {
	long := strings.Repeat("x", audit.MaxLine/2)
	pause := func() *policy.Pause { return &policy.Pause{Who: "w", Reason: "r"} }
	attempt := policy.Record{Service: "web", Decision: policy.Decision{Restart: true}}
	for name, flood := range map[string]policy.Record{
		"orders":  {Service: "web", Event: policy.Event{Paused: pause()}},
		"changes": {Service: "web", To: policy.PhaseSuspect, Decision: policy.Decision{Hold: policy.GuardPaused}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			before := options
			t.Cleanup(func() { options = before })
			options = map[policy.Kind]audit.Options{}
			for kind, o := range before {
				o.MaxBytes /= 64
				options[kind] = o
			}
			j := open(t, dir)
			if err := j.Audit(attempt); err != nil {
				t.Fatal(err)
			}
			flood.State.Last.Reason, flood.State.Definition = "x", long[:4000]
			limit := options[flood.Kind()]
			for range int(limit.MaxBytes) * (limit.MaxFiles + 1) / 4000 {
				if err := j.Audit(flood); err != nil {
					t.Fatal(err)
				}
			}
			counts := map[string]int{}
			for _, name := range Logs() {
				r, err := audit.Read(dir, name, func(audit.Line) error { return nil })
				if err != nil || r.BreakCount != 0 {
					t.Errorf("the log %q: %+v, %v", name, r, err)
				}
				counts[name] = r.Records
			}
			if counts[audit.Name] != 1 {
				t.Errorf("there are %d attempts, want the one from before the flood", counts[audit.Name])
			}
			if most := int(limit.MaxBytes) * limit.MaxFiles / 4000; counts[limit.Name] > most || counts[limit.Name] == 0 {
				t.Errorf("the flood has left %d records, want up to %d", counts[limit.Name], most)
			}
		})
	}
}

// While nothing can be appended, orders do not push out an attempt that waits, either.
func TestFloodWhileFull(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	for kind, log := range j.logs {
		if err := errors.Join(log.Close(), os.Remove(filepath.Join(dir, options[kind].Name+".jsonl"))); err != nil {
			t.Fatal(err)
		}
	}
	_ = j.Audit(policy.Record{Decision: policy.Decision{Restart: true}})
	for range 2 * maxPending {
		_ = j.Audit(policy.Record{Event: policy.Event{Resumed: &policy.Operator{}}})
	}
	if len(j.pending) != maxPending || j.pending[0].Kind() != policy.KindAttempt {
		t.Errorf("%d records wait, the first is about a %s, want %d and the attempt", len(j.pending), j.pending[0].Kind(), maxPending)
	}
}

// An exporter that reloads while it stops does not take the directory back.
func TestOpenAfterClose(t *testing.T) {
	j := open(t, t.TempDir())
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Open(); !errors.Is(err, ErrClosed) {
		t.Errorf("Open says %v, want that it is closed", err)
	}
}
