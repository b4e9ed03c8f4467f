//go:build unix

package channels

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// The environment by which the parent controls the child of TestKilledAtEveryStep.
const (
	childDir  = "CHANNELS_TEST_DIR"
	childKill = "CHANNELS_TEST_KILL" // the step at which it kills itself; 0: none
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
	kill int

	mu sync.Mutex // protects the following; Alertmanagers are told at the same time
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

// A lastingServer is an Alertmanager that is not killed with the exporter: what it has loaded is in a file.
type lastingServer struct {
	server

	file  string
	steps *steps
}

// Reload implements alertconf.Server, with a step before and after it.
func (s *lastingServer) Reload(context.Context) error {
	s.steps.step()
	defer s.steps.step()
	config, err := s.place.Config()
	if err != nil {
		return err
	}
	if strings.Contains(string(config), "hc-refused") {
		return &alertconf.RefusedError{Server: s.name, Text: "no"}
	}
	return os.WriteFile(s.file, config, 0o600)
}

// Loaded implements alertconf.Server.
func (s *lastingServer) Loaded(context.Context) (float64, bool, error) {
	config, err := os.ReadFile(s.file)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return alertconf.LoadedHash(config), true, err
}

// A steppingMemory has a step before and after all that it keeps.
type steppingMemory struct {
	alertconf.Memory

	steps *steps
}

// SetWritten implements alertconf.Memory.
func (m steppingMemory) SetWritten(w alertconf.Written) error {
	m.steps.step()
	defer m.steps.step()
	return m.Memory.SetWritten(w)
}

// lasting is an Editor with Alertmanagers that outlive it.
func lasting(dir string, s *steps) (*Editor, *managed.Registry, error) {
	settings, _, err := settingsIn(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range []string{"am-1", "am-2"} {
		settings.Servers = append(settings.Servers, &lastingServer{
			server: server{name: name, place: &settings.Place}, file: filepath.Join(dir, name), steps: s,
		})
	}
	registry := managed.New(managed.Options{
		Dir: filepath.Join(dir, "storage"), Log: slog.New(slog.DiscardHandler),
		Owner: func(string) (string, bool) { return "", false }, Services: func(string) []string { return nil },
		Changed: func() {}, Edited: func([]managed.Entry) { s.step() }, // between the store and the answer
	}, prometheus.NewRegistry())
	c := *byDefault()
	c.Managed.Targets = true
	registry.Configure(&c, 0)
	if err := registry.Open(); err != nil {
		return nil, nil, err
	}
	e := New(Options{Registry: registry, Log: slog.New(slog.DiscardHandler)})
	if err := e.Configure(settings); err != nil {
		return nil, nil, err
	}
	f := e.force()
	f.publisher.Memory = steppingMemory{f.publisher.Memory, s}
	e.tend(context.Background(), true)
	return e, registry, nil
}

// A chapter is an edit, and the secrets that there are after it.
type chapter struct {
	edit    func(e *Editor) error
	secrets map[string]string
	refused bool
}

// story are edits of all kinds.
func story() []chapter {
	put := func(name, body string) func(*Editor) error {
		return func(e *Editor) error {
			c := managed.Condition{}
			if _, ok := e.Channel(name); ok {
				c = overwrite
			}
			_, err := e.Put(context.Background(), managed.Edit{By: anybody("alice" + name), If: c}, name, []byte(body))
			return err
		}
	}
	slack := func(secret string) string { return `{"type":"slack_webhook","url":"` + slackURL + secret + `"}` }
	return []chapter{
		{put("live", slack("a")), map[string]string{"live": slackURL + "a"}, false},
		{put("dev", hook), map[string]string{"live": slackURL + "a", "dev": "canary-token"}, false},
		{put("live", slack("b")), map[string]string{"live": slackURL + "b", "dev": "canary-token"}, false},
		{put("refused", slack("r")), map[string]string{"live": slackURL + "b", "dev": "canary-token"}, true},
		{put("dev", strings.Replace(hook, "canary-token", "", 1)), map[string]string{"live": slackURL + "b"}, false},
		{put("live", `{"type":"webhook","url":"https://hook.example.com/","token":"c"}`), map[string]string{"live": "c"}, false},
		{func(e *Editor) error {
			_, err := e.Import(context.Background(), managed.Edit{By: anybody("bob"), If: overwrite}, managed.Replace, managed.Document{
				Channels: raws(`{"name":"live","type":"webhook","url":"https://hook.example.com/","token":"d"}`, `{"name":"new","type":"slack_webhook","url":"`+slackURL+`n"}`),
			})
			return err
		}, map[string]string{"live": "d", "new": slackURL + "n"}, false},
		{func(e *Editor) error {
			_, err := e.Delete(context.Background(), managed.Edit{By: anybody("bob"), If: overwrite}, "live")
			return err
		}, map[string]string{"new": slackURL + "n"}, false},
	}
}

// child makes the edits one after another, and prints the revision after each that was answered.
func child(dir string) error {
	kill, err := strconv.Atoi(os.Getenv(childKill))
	if err != nil {
		return err
	}
	s := &steps{kill: kill}
	e, registry, err := lasting(dir, s)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, registry.ChannelsRevision())
	for i, c := range story() {
		err := c.edit(e)
		if c.refused != is[*alertconf.RefusedError](err) || !c.refused && err != nil {
			return fmt.Errorf("edit %d: %w", i, err)
		}
		fmt.Fprintln(os.Stdout, registry.ChannelsRevision())
	}
	fmt.Fprintln(os.Stdout, "steps", s.n)
	return errors.Join(e.Close(), registry.Close())
}

// run runs the child, which kills itself at a step, or is killed after some time. It returns the last revision that was answered and
// how many steps there were; killed reports whether it was killed.
func run(t *testing.T, dir string, kill int, after time.Duration) (answered uint64, n int, killed bool) {
	t.Helper()
	if _, _, err := settingsIn(dir); err != nil { // the base file is whole: who writes it is not killed
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childKill+"="+strconv.Itoa(kill), "GORACE=atexit_sleep_ms=0")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if after > 0 {
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	err := cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		err, killed = nil, true
	}
	if err != nil {
		t.Fatalf("the exporter: %v\n%s", err, errOut.String())
	}
	for line := range strings.Lines(out.String()) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "steps "); ok {
			n, err = strconv.Atoi(text)
		} else if strings.HasSuffix(line, "\n") {
			answered, err = strconv.ParseUint(strings.TrimSpace(line), 10, 64)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return answered, n, killed
}

// converges starts the exporter again. Everything agrees then, with what was answered or with one change more: the channels, the file,
// what the Alertmanagers run, and the secrets.
func converges(t *testing.T, dir string, answered uint64) {
	t.Helper()
	e, registry, err := lasting(dir, &steps{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(e.Close(), registry.Close()); err != nil {
			t.Error(err)
		}
	}()
	kept := registry.ChannelsRevision()
	if kept != answered && kept != answered+1 {
		t.Errorf("revision %d is kept, want %d or one more", kept, answered)
	}
	want := map[string]string{}
	revision := uint64(0)
	for _, c := range story() {
		if !c.refused {
			revision++
		}
		if revision == kept && !c.refused {
			want = c.secrets
		}
	}
	w := &world{Editor: e, settings: &e.force().settings}
	disk := w.disk(t)
	config := disk["alertmanager.yml"]
	delete(disk, "alertmanager.yml")
	secrets := map[string]string{}
	for name, text := range disk {
		secrets[strings.TrimPrefix(name, "channel-secrets/")] = strings.TrimSuffix(text, "\n")
	}
	if diff := cmp.Diff(want, secrets); diff != "" {
		t.Errorf("the secrets at revision %d: %s", kept, diff)
	}
	for name := range maps.Keys(want) {
		if c, ok := e.Channel(name); !ok || !c.Secret.Set {
			t.Errorf("channel %q is %+v", name, c)
		}
	}
	p, err := e.begin()
	if err == nil {
		err = p.render(kept)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(p.config), config); diff != "" {
		t.Errorf("the file: %s", diff)
	}
	if diff := cmp.Diff([]alertconf.State{alertconf.InSync, alertconf.InSync}, w.states(t)); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(filepath.Join(w.settings.Place.Dir, "channel-secrets.previous")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what secrets were before is left: %v", err)
	}
	if w, err := (memory{registry}).Written(); err != nil || w.Changing {
		t.Errorf("it is known that %+v, %v", w, err)
	}
}

// TestKilledAtEveryStep kills the exporter before and after everything that it keeps and tells.
func TestKilledAtEveryStep(t *testing.T) {
	_, n, _ := run(t, t.TempDir(), 0, 0)
	if n < 50 {
		t.Fatalf("there are %d steps, want at least 50", n)
	}
	for kill := 1; kill <= n; kill++ {
		t.Run(strconv.Itoa(kill), func(t *testing.T) {
			dir := t.TempDir()
			answered, _, killed := run(t, dir, kill, 0)
			if !killed {
				t.Fatal("it was not killed")
			}
			converges(t, dir, answered)
		})
	}
}

// TestKilledAnyTime kills it whenever, such as between two files.
func TestKilledAnyTime(t *testing.T) {
	began := time.Now()
	run(t, t.TempDir(), 0, 0)
	whole := time.Since(began)
	times := 60
	if testing.Short() {
		times = 10
	}
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	for i := range times {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			dir := t.TempDir()
			answered, _, _ := run(t, dir, 0, time.Duration(rnd.Int64N(int64(whole))))
			converges(t, dir, answered)
		})
	}
}

// One that is there twice in a row finds nothing to do.
func TestStartedAgain(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, 0, 0)
	converges(t, dir, 7)
	s := &steps{}
	e, registry, err := lasting(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	if s.n != 0 {
		t.Errorf("it did %d steps, want none", s.n)
	}
	if err := errors.Join(e.Close(), registry.Close()); err != nil {
		t.Error(err)
	}
}
