//go:build unix

package managed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

// The environment by which the parent controls the child of TestKilledAtEveryStep.
const (
	childDir  = "MANAGED_TEST_DIR"
	childKill = "MANAGED_TEST_KILL" // the step at which it kills itself; 0: none
)

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

// steps counts what a child does, and kills its own process at one of them.
type steps struct {
	file
	n, kill int
}

func (s *steps) step() {
	s.n++
	if s.n == s.kill {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// SaveAll has a step before and after it: the latter is before the audit log is written.
func (s *steps) SaveAll(changes map[string][]byte) error {
	s.step()
	defer s.step()
	return s.file.SaveAll(changes)
}

// child makes changes one after another, and prints the revision after each that was answered. It goes on from where the one
// before it was killed.
func child(dir string) error {
	kill, err := strconv.Atoi(os.Getenv(childKill))
	if err != nil {
		return err
	}
	s := &steps{kill: kill}
	r := New(Options{
		Dir: dir, Log: slog.New(slog.DiscardHandler),
		Owner:    func(string) (string, bool) { return "", false },
		Services: func(string) []string { return nil },
		Changed:  s.step, // after the audit log
	}, prometheus.NewRegistry())
	r.Configure(editable(), 0)
	if err := r.Open(); err != nil {
		return err
	}
	s.file = r.file
	r.file = s
	for i, edit := range story(r) {
		if err := edit(); err != nil {
			return fmt.Errorf("edit %d: %w", i, err)
		}
		fmt.Fprintln(os.Stdout, r.state().Revision)
	}
	fmt.Fprintln(os.Stdout, "steps", s.n)
	return r.Close()
}

// story are edits of all kinds, each of which changes something.
func story(r *Registry) []func() error {
	ctx := context.Background()
	e := Edit{By: anybody("alice"), If: Condition{Any: true}}
	fresh := Edit{By: anybody("bob")}
	put := func(e Edit, name, text string) func() error {
		return func() error { _, err := r.Put(ctx, e, name, []byte(text)); return err }
	}
	return []func() error{
		put(fresh, "a", `{"url":"http://a"}`),
		put(e, "a", `{"url":"http://b"}`),
		func() error {
			_, err := r.Import(ctx, fresh, Merge, documentOf(`{"name":"b","url":"http://b"}`, `{"name":"c","url":"http://c"}`))
			return err
		},
		func() error {
			_, err := r.Set(ctx, fresh, Mute, []Subject{{Name: "a"}, {Name: "x"}}, &calendar.Period{End: time.Now().Add(time.Hour)})
			return err
		},
		func() error {
			_, err := r.KeepChannels(ctx, ChannelEdit{By: anybody("alice"), Changes: []ChannelChange{defined("a", `{"type":"webhook"}`)}})
			return err
		},
		func() error { _, err := r.Delete(ctx, e, "b"); return err },
		func() error { _, err := r.Set(ctx, fresh, Mute, []Subject{{Name: "a"}}, nil); return err },
	}
}

// run runs the child; killed reports whether it killed itself. It returns the revisions that were answered and how many steps
// there were.
func run(t *testing.T, dir string, kill int) (revisions []uint64, steps int, killed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childKill+"="+strconv.Itoa(kill), "GORACE=atexit_sleep_ms=0")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		err, killed = nil, true
	}
	if err != nil {
		t.Fatalf("the exporter: %v\n%s", err, errOut.String())
	}
	for line := range strings.Lines(out.String()) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "steps "); ok {
			steps, err = strconv.Atoi(n)
		} else {
			var n uint64
			n, err = strconv.ParseUint(strings.TrimSpace(line), 10, 64)
			revisions = append(revisions, n)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return revisions, steps, killed
}

// TestKilledAtEveryStep kills the exporter before and after everything that it writes. What was answered is there, what is there
// is whole, and every change is in the audit log once.
func TestKilledAtEveryStep(t *testing.T) {
	_, n, _ := run(t, t.TempDir(), 0)
	if n < 15 {
		t.Fatalf("there are %d steps, want at least 15", n)
	}
	for kill := 1; kill <= n; kill++ {
		t.Run(strconv.Itoa(kill), func(t *testing.T) {
			dir := t.TempDir()
			revisions, _, killed := run(t, dir, kill)
			if !killed {
				t.Fatal("it was not killed")
			}
			answered := uint64(0)
			if len(revisions) > 0 {
				answered = revisions[len(revisions)-1]
			}
			w := openWorld(t, dir)
			s := w.state()
			if s.Revision < answered || s.Revision > answered+1 {
				t.Errorf("revision %d, want %d or one more", s.Revision, answered)
			}
			if (s.targets["b"] == nil) != (s.targets["c"] == nil) && s.Revision < 6 {
				t.Error("half an import is there")
			}
			if all, _ := w.channels(t); (len(all) == 1) != (s.Revision >= 5) {
				t.Errorf("the channels at revision %d are %+v", s.Revision, all)
			}
			if (s.overlays["a"] == nil) != (s.overlays["x"] == nil) {
				t.Error("half of the mutes are there")
			}
			once(t, audited(t, dir, s.Revision))
			w.put(t, "after", shop)
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			once(t, audited(t, dir, s.Revision+1))
		})
	}
}

// once checks that no entry is there twice.
func once(t *testing.T, entries []Entry) {
	t.Helper()
	var all []string
	for _, e := range entries {
		all = append(all, fmt.Sprint(e.Revision, e.Name))
	}
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("an edit was audited twice: %q", all)
	}
}

// Two processes never have the file at the same time.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	openWorld(t, dir)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childKill+"=0")
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	if _, ok := errors.AsType[*exec.ExitError](cmd.Run()); !ok || !strings.Contains(errOut.String(), "another instance of the exporter has it open") {
		t.Errorf("got %s", errOut.String())
	}
}
