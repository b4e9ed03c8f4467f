package status

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func always() bool { return true }

// lived is a Tracker with some past.
func lived(targets int, at time.Time) *Tracker {
	t := NewTracker()
	for i := range targets {
		for j := range 40 {
			r := failing(map[bool]prober.Reason{true: prober.ReasonStatus}[(i+j)%3 == 0])
			r.Start, r.Duration = at.Add(time.Duration(j)*time.Hour), time.Duration(i+j)*time.Millisecond
			t.Observe(Probe{Name: fmt.Sprintf("target-%d", i), Result: r, Maintenance: j == 7})
		}
	}
	t.Record(Event{At: at, Kind: KindRestart, Service: "shop", Outcome: "recovered"})
	return t
}

func views(t *Tracker, targets int, at time.Time) (all []any) {
	for i := range targets {
		name := fmt.Sprintf("target-%d", i)
		c, u, d := t.Condition(name, time.Minute, at), t.Uptime(name, at), t.Details(name, at)
		// What is only in memory.
		c.Error, u.Hour, d.Recent, d.Failure, d.Minutes = "", Count{}, nil, nil, nil
		all = append(all, c, u, d)
	}
	events, _ := t.Events(Filter{})
	return append(all, events)
}

// What is known outlives the exporter, as far as it is kept.
func TestMemory(t *testing.T) {
	at := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	before, after := lived(20, at), NewTracker()
	m := Memory{Tracker: before, Path: filepath.Join(t.TempDir(), "data", FileName), Log: slog.New(slog.DiscardHandler), Wanted: always}
	m.write()
	m.Tracker = after
	m.Load()
	now := at.Add(50 * time.Hour)
	if diff := cmp.Diff(views(before, 20, now), views(after, 20, now)); diff != "" {
		t.Errorf("what is known (-before +after):\n%s", diff)
	}
	if info, err := os.Stat(m.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v; want mode 0600", info.Mode(), err)
	}
	if all, err := os.ReadDir(filepath.Dir(m.Path)); err != nil || len(all) != 1 {
		t.Errorf("the directory has %v, %v; want the file alone", all, err)
	}
	// An outage that lasts over the restart is one change.
	n := len(after.Details("target-0", now).Changes)
	r := failing(prober.ReasonStatus)
	r.Start = now
	if c := after.Observe(Probe{Name: "target-0", Result: r}); c != None || len(after.Details("target-0", now).Changes) != n {
		t.Errorf("a target that is still down has changed: %d", c)
	}
}

// However a file is damaged, nothing of it is taken over.
func TestDamaged(t *testing.T) {
	at := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	tracker := lived(3, at)
	text, err := tracker.snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		damaged := append([]byte(nil), text...)
		damaged[i] ^= 0x10
		other := NewTracker()
		if other.restore(damaged) == nil || len(other.listed) > 0 {
			t.Fatalf("a file with byte %d changed is taken over", i)
		}
		if other.restore(text[:i]) == nil || len(other.listed) > 0 {
			t.Fatalf("the first %d bytes are taken over", i)
		}
	}
}

// A file that cannot be used is put aside and told once.
func TestCorruptFile(t *testing.T) {
	var log strings.Builder
	m := Memory{Tracker: NewTracker(), Path: filepath.Join(t.TempDir(), FileName), Log: slog.New(slog.NewTextHandler(&log, nil)), Wanted: always}
	m.Load()
	if log.String() != "" {
		t.Errorf("a file that is not there is in the log: %s", &log)
	}
	if err := os.WriteFile(m.Path, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.Load()
	if !strings.Contains(log.String(), "begins anew") || !strings.Contains(log.String(), m.Path) {
		t.Errorf("the log has %q", &log)
	}
	if _, err := os.Stat(m.Path + ".corrupt"); err != nil {
		t.Errorf("the file was not put aside: %v", err)
	}
	log.Reset()
	m.Path = filepath.Join(m.Path+".corrupt", FileName) // below a file nothing can be written
	for range 3 {
		m.write()
	}
	if n := strings.Count(log.String(), "could not be kept"); n != 1 {
		t.Errorf("the log has %d lines, want 1:\n%s", n, &log)
	}
}

func TestRunWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	written := func() bool { return os.Remove(path) == nil } // since it was asked last; the time of a file is too coarse for that
	synctest.Test(t, func(t *testing.T) {
		tracker := NewTracker()
		m := Memory{Tracker: tracker, Path: path, Log: slog.New(slog.DiscardHandler), Wanted: always}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); m.Run(ctx) }()
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		pass(keepEvery - time.Second)
		if written() {
			t.Error("nothing has happened, and it was written")
		}
		pass(keepAfterChange)
		if !written() {
			t.Error("it was not written")
		}
		r := failing(prober.ReasonStatus)
		r.Start = time.Now()
		tracker.Observe(Probe{Name: "shop", Result: r})
		pass(keepAfterChange + time.Second)
		if !written() {
			t.Error("it was not written after a change")
		}
		cancel()
		<-done
		if !written() {
			t.Error("it was not written at the end")
		}
	})
}

// The last failures stay within their bounds, whatever targets answer.
func TestFailuresAreBounded(t *testing.T) {
	f := newFailures()
	for i := range 3 * maxFailures {
		r := failing(prober.ReasonStatus)
		for range 100 {
			r.Events = append(r.Events, prober.Event{Message: strings.Repeat("x", 200)})
		}
		name := fmt.Sprintf("target-%d", i)
		f.keep(name, r)
		got, ok := f.get(name)
		if !ok || len(got.Events) != maxFailureEvents {
			t.Fatalf("the newest has %d events, kept %t; want %d", len(got.Events), ok, maxFailureEvents)
		}
		if f.bytes > failuresBudget || f.order.Len() > maxFailures || f.order.Len() != len(f.of) {
			t.Fatalf("%d failures (%d by name) take %d bytes, want %d and %d at most", f.order.Len(), len(f.of), f.bytes, maxFailures, failuresBudget)
		}
	}
	for name := range f.of {
		f.drop(name)
	}
	if f.bytes != 0 || f.order.Len() != 0 {
		t.Errorf("%d bytes of %d failures are left", f.bytes, f.order.Len())
	}
}

// A target takes less than 2.5 kB of memory, and about 1 kB of the file.
func TestSize(t *testing.T) {
	const targets = 2000
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	names := make([]string, targets)
	for i := range names {
		names[i] = fmt.Sprintf("target-%d", i)
	}
	tracker := NewTracker()
	before := probetest.HeapInUse(t)
	ok, down := failing(""), failing(prober.ReasonStatus)
	for i := range 100 {
		for _, name := range names {
			r := &ok
			if i%2 == 0 {
				r = &down
			}
			r.Start = at.Add(time.Duration(i) * 24 * time.Hour)
			tracker.Observe(Probe{Name: name, Result: *r})
		}
		tracker.failures, tracker.events = newFailures(), events{} // these have bounds of their own, at which each one more takes long
	}
	perTarget := (int64(probetest.HeapInUse(t)) - int64(before)) / targets
	text, err := tracker.snapshot()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("a target takes %d bytes, and %d of the file", perTarget, len(text)/targets)
	if perTarget > 2500 || len(text)/targets > 1500 {
		t.Errorf("a target takes %d bytes, and %d of the file, want 2500 and 1500 at most", perTarget, len(text)/targets)
	}
}

func FuzzRestore(f *testing.F) {
	text, err := lived(2, time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)).snapshot()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text[len(snapshotMagic) : len(text)-4])
	f.Fuzz(func(_ *testing.T, b []byte) {
		d := &decoder{rest: b}
		for range d.count(len(b)) {
			_ = d.text()
			new(track).decode(d)
		}
	})
}

// What is written while probes end and targets go is a whole snapshot all the same.
func TestSnapshotOfWhatChanges(t *testing.T) {
	at := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	tracker, stop := lived(3*encodedAtOnce, at), make(chan struct{})
	var changing sync.WaitGroup
	changing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			name := fmt.Sprintf("target-%d", i%(3*encodedAtOnce))
			tracker.Forget(func(other string) bool { return other != name })
			r := failing("")
			r.Start = at
			tracker.Observe(Probe{Name: name, Result: r})
		}
	})
	for range 20 {
		text, err := tracker.snapshot()
		if err == nil {
			err = NewTracker().restore(text)
		}
		if err != nil {
			t.Error(err)
		}
	}
	close(stop)
	changing.Wait()
}
