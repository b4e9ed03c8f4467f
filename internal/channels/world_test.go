package channels

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// templates is the shipped file of templates, by its absolute path.
var templates, _ = filepath.Abs("../../examples/alertmanager/healthcheck.tmpl")

// baseFile is a small base.
var baseFile = `# canary-base-comment
templates: ['` + templates + `']
global: {slack_api_url: 'https://hooks.slack.com/services/canary-base'}
route:
  receiver: nobody
  routes:
    - {receiver: healthcheck-channels, matchers: ['alertname=~"Healthcheck.+"']}
receivers:
  - name: nobody
  - name: pager
  - name: healthcheck-channels
`

// A server loads configurations as Alertmanager does.
type server struct {
	name  string
	place *alertconf.Place

	mu      sync.Mutex // protects the following
	away    bool
	refuses string // what a configuration has in it that it does not load
	hangs   chan struct{}
	loaded  []byte
	loads   int
	then    func() // is called after each load
}

// Name implements alertconf.Server.
func (s *server) Name() string { return s.name }

// Reload implements alertconf.Server.
func (s *server) Reload(ctx context.Context) error {
	if err := s.hang(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return errors.New("connection refused")
	}
	text, err := s.place.Config()
	if err != nil {
		return err
	}
	if s.refuses != "" && strings.Contains(string(text), s.refuses) {
		return &alertconf.RefusedError{Server: s.name, Text: "it does not like https://hooks.slack.com/services/canary-base"}
	}
	s.loaded = text
	s.loads++
	if s.then != nil {
		s.then()
	}
	return nil
}

// Loaded implements alertconf.Server.
func (s *server) Loaded(ctx context.Context) (float64, bool, error) {
	if err := s.hang(ctx); err != nil {
		return 0, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return 0, false, errors.New("connection refused")
	}
	return alertconf.LoadedHash(s.loaded), true, nil
}

func (s *server) hang(ctx context.Context) error {
	s.mu.Lock()
	hangs := s.hangs
	s.mu.Unlock()
	if hangs == nil {
		return nil
	}
	select {
	case <-hangs:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// told is how often it has loaded a configuration.
func (s *server) told() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loads
}

func (s *server) set(do func(s *server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s)
}

// A world is an Editor with all that it needs.
type world struct {
	*Editor
	registry *managed.Registry
	metrics  *prometheus.Registry
	settings *Settings
	servers  []*server
	storage  string
	log      *lockedBuffer
	authors  int
}

// A lockedBuffer keeps what is logged.
type lockedBuffer struct {
	mu sync.Mutex // protects the following
	b  bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// newRegistry makes a Registry that keeps everything in a directory; it is not open yet.
func newRegistry(dir string, r prometheus.Registerer) *managed.Registry {
	registry := managed.New(managed.Options{
		Dir: dir, Owner: func(string) (string, bool) { return "", false }, Services: func(string) []string { return nil },
		Changed: func() {}, Log: slog.New(slog.DiscardHandler),
	}, r)
	c := *byDefault()
	c.Managed.Targets = true
	registry.Configure(&c, 0)
	return registry
}

var byDefault = sync.OnceValue(config.Default)

// settingsIn are those of a directory, with a base and some servers.
func settingsIn(dir string, names ...string) (*Settings, []*server, error) {
	s := &Settings{
		Base: filepath.Join(dir, "base.yml"), Place: alertconf.Place{Dir: filepath.Join(dir, "am")}, Syncs: []string{"far"},
		Hosts: []string{"hooks.slack.com", "slack.com", "hook.example.com"},
	}
	var servers []*server
	for _, name := range names {
		one := &server{name: name, place: &s.Place}
		servers, s.Servers = append(servers, one), append(s.Servers, one)
	}
	err := os.MkdirAll(s.Place.Dir, 0o700)
	if _, statErr := os.Stat(s.Base); statErr != nil && err == nil {
		err = os.WriteFile(s.Base, []byte(baseFile), 0o600)
	}
	return s, servers, err
}

func newWorld(t *testing.T, dir string) *world {
	t.Helper()
	settings, servers, err := settingsIn(dir, "am-1", "am-2")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{metrics: prometheus.NewPedanticRegistry(), settings: settings, servers: servers, storage: filepath.Join(dir, "storage"), log: &lockedBuffer{}}
	w.open(t)
	t.Cleanup(func() { w.close(t) })
	return w
}

// open is what a start of the exporter does, and one round of Run.
func (w *world) open(t *testing.T) {
	t.Helper()
	w.metrics = prometheus.NewPedanticRegistry()
	w.registry = newRegistry(w.storage, w.metrics)
	if err := w.registry.Open(); err != nil {
		t.Fatal(err)
	}
	w.Editor = New(Options{Registry: w.registry, Log: slog.New(slog.NewTextHandler(w.log, nil))})
	w.metrics.MustRegister(w.Collector())
	if err := w.Configure(w.settings); err != nil {
		t.Fatal(err)
	}
	w.tend(t.Context(), true)
}

func (w *world) close(t *testing.T) {
	t.Helper()
	if err := errors.Join(w.Close(), w.registry.Close()); err != nil {
		t.Error(err)
	}
}

// by is one of many authors, so that none makes too many changes.
func (w *world) by(c managed.Condition) managed.Edit {
	w.authors++
	return managed.Edit{By: anybody(fmt.Sprintf("author%d", w.authors%900)), If: c}
}

func anybody(name string) managed.Author {
	return managed.Author{Name: name, Role: "edit", Addr: "192.0.2.1:4711", May: func(...string) error { return nil }}
}

var overwrite = managed.Condition{Any: true}

func (w *world) put(t *testing.T, name, body string) Outcome {
	t.Helper()
	var c managed.Condition
	if _, ok := w.Channel(name); ok {
		c = overwrite
	}
	out, err := w.Put(t.Context(), w.by(c), name, []byte(body))
	if err != nil {
		t.Fatalf("Put(%q): %v", name, err)
	}
	return out
}

// disk is everything below the directory that Alertmanager reads, by path, but the lock and the configuration before.
func (w *world) disk(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	dir := w.settings.Place.Dir
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".lock") || strings.HasSuffix(path, "yml.previous") {
			return err
		}
		text, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, dir+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (w *world) states(t *testing.T) (all []alertconf.State) {
	t.Helper()
	a, err := w.Alertmanager()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range a.Servers {
		if s.Server != "far" {
			all = append(all, s.State)
		}
	}
	return all
}

const (
	slackURL = "https://hooks.slack.com/services/canary-"
	live     = `{"type":"slack_webhook","url":"` + slackURL + `live","matchers":["environment=\"LIVE\""]}`
	hook     = `{"type":"webhook","url":"https://hook.example.com/a","token":"canary-token","matchers":["environment=~\"DEV|STAGE\""],"group_wait":"500ms"}`
	pager    = `{"type":"receiver","receiver":"pager","enabled":false}`
)

// found are the pointers of what is wrong.
func found(err error) (all []string) {
	wrong, _ := errors.AsType[*managed.InvalidError](err)
	if wrong == nil {
		return nil
	}
	for _, p := range wrong.Problems {
		all = append(all, p.Pointer)
	}
	slices.Sort(all)
	return all
}

func raws(texts ...string) []json.RawMessage {
	all := []json.RawMessage{}
	for _, text := range texts {
		all = append(all, json.RawMessage(text))
	}
	return all
}
