package alertconf

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A fakeServer loads configurations as Alertmanager does: what has the word "refuse" it refuses.
type fakeServer struct {
	name  string
	place *Place
	mute  bool // it does not tell its hash

	mu      sync.Mutex // protects the following
	away    bool
	refuses bool // everything
	loaded  []byte
	loads   int
	refused int
	then    func() // is called at the next load
}

func (s *fakeServer) Name() string { return s.name }

func (s *fakeServer) Reload(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return errors.New("connection refused")
	}
	if s.then != nil {
		s.then()
		s.then = nil
	}
	config, err := s.place.Config()
	if err != nil || s.refuses || strings.Contains(string(config), "refuse") {
		s.refused++
		return &RefusedError{Server: s.name, Text: "undefined receiver"}
	}
	s.loaded = config
	s.loads++
	return nil
}

func (s *fakeServer) Loaded(context.Context) (float64, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return 0, false, errors.New("connection refused")
	}
	return LoadedHash(s.loaded), !s.mute, nil
}

func (s *fakeServer) set(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

type fakeMemory struct {
	written Written
	err     error
}

func (m *fakeMemory) Written() (Written, error) { return m.written, m.err }

func (m *fakeMemory) SetWritten(w Written) error {
	if m.err == nil {
		m.written = w
	}
	return m.err
}

func newPublisher(t *testing.T) (*Publisher, []*fakeServer) {
	t.Helper()
	p := &Publisher{Place: Place{Dir: t.TempDir()}, Memory: &fakeMemory{}}
	var all []*fakeServer
	for _, name := range []string{"am-1", "am-2"} {
		s := &fakeServer{name: name, place: &p.Place}
		all = append(all, s)
		p.Servers = append(p.Servers, s)
	}
	return p, all
}

func states(p *Publisher) (all []State) {
	for _, s := range p.Standings() {
		all = append(all, s.State)
	}
	return all
}

func (p *Publisher) mustPublish(t *testing.T, config string) {
	t.Helper()
	if err := p.Publish(t.Context(), Update{Config: []byte(config)}); err != nil {
		t.Fatal(err)
	}
}

func (p *Publisher) has(t *testing.T, want string) {
	t.Helper()
	if got, err := p.Place.Config(); err != nil || string(got) != want {
		t.Errorf("the file is %q, %v, want %q", got, err, want)
	}
}

func TestPublish(t *testing.T) {
	p, servers := newPublisher(t)
	p.mustPublish(t, "a: 1")
	p.has(t, "a: 1")
	p.mustPublish(t, "a: 2")
	if diff := cmp.Diff([]State{InSync, InSync}, states(p)); diff != "" {
		t.Error(diff)
	}
	if got, _ := os.ReadFile(filepath.Join(p.Place.Dir, previousFile)); string(got) != "a: 1" {
		t.Errorf("the previous one is %q", got)
	}
	for _, s := range servers {
		if string(s.loaded) != "a: 2" {
			t.Errorf("%s runs %q", s.name, s.loaded)
		}
	}
	if info, err := os.Stat(p.Place.config()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has %v, %v", info, err)
	}
}

// What one refuses, all refuse.
func TestPublishIsRefused(t *testing.T) {
	p, servers := newPublisher(t)
	p.mustPublish(t, "a: 1")
	err := p.Publish(t.Context(), Update{Config: []byte("refuse: 1")})
	if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Text != "undefined receiver" {
		t.Fatalf("got %v", err)
	}
	p.has(t, "a: 1")
	for _, s := range servers {
		if string(s.loaded) != "a: 1" || s.loads != 2 {
			t.Errorf("%s runs %q after %d loads", s.name, s.loaded, s.loads)
		}
	}
	if diff := cmp.Diff([]State{InSync, InSync}, states(p)); diff != "" {
		t.Error(diff)
	}
	p.mustPublish(t, "a: 3")
}

// The first one that is refused leaves nothing.
func TestFirstIsRefused(t *testing.T) {
	p, _ := newPublisher(t)
	if err := p.Publish(t.Context(), Update{Config: []byte("refuse: 1")}); err == nil {
		t.Fatal("it is accepted")
	}
	if got, err := p.Place.Config(); got != nil || err != nil {
		t.Errorf("there is %q, %v", got, err)
	}
}

func TestPublishToOneThatIsAway(t *testing.T) {
	p, servers := newPublisher(t)
	p.mustPublish(t, "a: 1")
	servers[1].set(true)
	p.mustPublish(t, "a: 2")
	if diff := cmp.Diff([]State{InSync, Pending}, states(p)); diff != "" {
		t.Error(diff)
	}
	if p.Standings()[1].InSyncAt.IsZero() {
		t.Error("it is forgotten when it was in sync")
	}
	if err := p.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]State{InSync, Unreachable}, states(p)); diff != "" {
		t.Error(diff)
	}
	servers[1].set(false)
	if err := p.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]State{InSync, InSync}, states(p)); diff != "" || string(servers[1].loaded) != "a: 2" {
		t.Errorf("%s it runs %q", diff, servers[1].loaded)
	}
}

func TestSomebodyElseChangesTheFile(t *testing.T) {
	p, servers := newPublisher(t)
	p.mustPublish(t, "a: 1")
	if err := os.WriteFile(p.Place.config(), []byte("b: 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Look(t.Context()); !errors.Is(err, ErrFileChanged) {
		t.Errorf("a look finds %v", err)
	}
	if diff := cmp.Diff([]State{FileChanged, FileChanged}, states(p)); diff != "" {
		t.Error(diff)
	}
	if err := p.Publish(t.Context(), Update{Config: []byte("a: 2")}); !errors.Is(err, ErrFileChanged) {
		t.Errorf("it is overwritten: %v", err)
	}
	p.has(t, "b: 1")
	if string(servers[0].loaded) != "a: 1" {
		t.Errorf("it was made to load %q", servers[0].loaded)
	}
	if err := p.Publish(t.Context(), Update{Config: []byte("a: 2"), Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	p.has(t, "a: 2")
}

// A configuration that was there before is somebody else's.
func TestNotOurs(t *testing.T) {
	p, _ := newPublisher(t)
	if err := os.WriteFile(p.Place.config(), []byte("b: 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Publish(t.Context(), Update{Config: []byte("a: 2")}); !errors.Is(err, ErrFileChanged) {
		t.Errorf("it is overwritten: %v", err)
	}
}

// However far a Publisher came, the one that follows it knows the file for its own, and gets all in sync: with the new
// configuration if it was kept, and with the old one if not.
func TestCrash(t *testing.T) {
	for _, kept := range []string{"a: 1", "a: 2"} {
		for steps, name := range []string{"before", "secrets", "remembered", "previous", "half written", "written", "one loaded", "all loaded", "settled"} {
			t.Run(name+" "+kept, func(t *testing.T) {
				p, servers := newPublisher(t)
				p.mustPublish(t, "a: 1")
				for i, do := range []func() error{
					func() error { return p.Place.setSecret("live", "new") },
					func() error {
						return p.Memory.SetWritten(Written{Digest: Digest([]byte("a: 2")), Before: Digest([]byte("a: 1")), Changing: true})
					},
					func() error { return os.WriteFile(p.Place.previous(), []byte("a: 1"), 0o600) },
					func() error { return os.WriteFile(p.Place.config()+".4711", []byte("a:"), 0o600) },
					func() error { return p.Place.restore([]byte("a: 2")) },
					func() error { return servers[0].Reload(t.Context()) },
					func() error { return servers[1].Reload(t.Context()) },
					func() error { return p.Memory.SetWritten(Written{Digest: Digest([]byte("a: 2"))}) },
				} {
					if i < steps {
						if err := do(); err != nil {
							t.Fatal(err)
						}
					}
				}
				next := &Publisher{Place: p.Place, Servers: p.Servers, Memory: p.Memory}
				lock, err := next.Place.Lock()
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = lock.Close() }()
				if err := next.Look(t.Context()); err != nil {
					t.Errorf("a look after it finds %v", err)
				}
				next.mustPublish(t, kept)
				next.has(t, kept)
				if diff := cmp.Diff([]State{InSync, InSync}, states(next)); diff != "" {
					t.Error(diff)
				}
				if next.Place.HasSecret("live") {
					t.Error("a secret is left that no channel needs")
				}
				if left, _ := filepath.Glob(next.Place.config() + ".[0-9]*"); len(left) > 0 {
					t.Errorf("%q are left", left)
				}
			})
		}
	}
}

func TestPublishWithoutMemory(t *testing.T) {
	p, servers := newPublisher(t)
	p.mustPublish(t, "a: 1")
	p.Memory.(*fakeMemory).err = errors.New("disk full")
	if err := p.Publish(t.Context(), Update{Config: []byte("a: 2"), Overwrite: true}); err == nil {
		t.Error("it is published")
	}
	p.has(t, "a: 1")
	if string(servers[0].loaded) != "a: 1" {
		t.Errorf("it runs %q", servers[0].loaded)
	}
}

func TestServerThatDoesNotTell(t *testing.T) {
	p, servers := newPublisher(t)
	servers[0].mute = true
	p.mustPublish(t, "a: 1")
	if diff := cmp.Diff([]State{Unverified, InSync}, states(p)); diff != "" {
		t.Error(diff)
	}
}
