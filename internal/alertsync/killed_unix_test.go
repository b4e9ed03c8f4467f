//go:build unix

package alertsync

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// The environment of the process that is killed.
const (
	urlVariable = "ALERTSYNC_TEST_URL"
	dirVariable = "ALERTSYNC_TEST_DIR"
)

func TestMain(m *testing.M) {
	if os.Getenv(urlVariable) != "" {
		runUntilKilled()
	}
	os.Exit(m.Run())
}

// runUntilKilled is the process that is killed.
func runUntilKilled() {
	connect := func(path string) *remote.Server {
		s, err := remote.Connect(remote.Options{URL: os.Getenv(urlVariable) + path, User: "test"})
		if err != nil {
			panic(err)
		}
		return s
	}
	s, err := Open(Options{
		Exporter: connect("/exporter"), Server: alertconf.NewHTTPServer("am", connect("/am")),
		Place: alertconf.Place{Dir: os.Getenv(dirVariable)}, Interval: time.Second, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	s.Run(context.Background())
}

// servers are an exporter and an Alertmanager that kill who asks them at a certain request.
type servers struct {
	*probetest.Server

	exporter     *fakeExporter
	alertmanager *fakeAlertmanager
	dir          string

	mu        sync.Mutex // protects the following; held for the whole of a request
	child     *exec.Cmd  // who asks
	number    int        // of the child, which is in its URLs: what is left of one that was killed is not answered
	countdown int        // the request at which it is killed; 0: at none
	acts      bool       // the request at which it is killed is carried out
}

func newServers(t *testing.T) *servers {
	t.Helper()
	dir := t.TempDir()
	s := &servers{exporter: &fakeExporter{}, alertmanager: &fakeAlertmanager{dir: dir}, dir: dir}
	s.Server = probetest.Serve(t, s)
	return s
}

func (s *servers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, ours := strings.CutPrefix(r.URL.Path, s.prefix())
	if !ours {
		panic(http.ErrAbortHandler)
	}
	s.countdown--
	kills := s.countdown == 0
	if kills && s.acts {
		s.answer(discarded{}, r, path)
	}
	if kills {
		_ = s.child.Process.Kill()
		panic(http.ErrAbortHandler)
	}
	s.answer(w, r, path)
}

// prefix is that of the paths of the child. The caller holds mu.
func (s *servers) prefix() string { return "/" + strconv.Itoa(s.number) }

// discarded is an answer that nobody gets.
type discarded struct{}

func (discarded) Header() http.Header         { return http.Header{} }
func (discarded) Write(p []byte) (int, error) { return len(p), nil }
func (discarded) WriteHeader(int)             {}

func (s *servers) answer(w http.ResponseWriter, r *http.Request, path string) {
	switch {
	case path == "/am/metrics":
		hash, _, _ := s.alertmanager.Loaded(r.Context())
		fmt.Fprintf(w, "alertmanager_config_hash %v\n", hash)
	case path == "/am/-/reload":
		if err := s.alertmanager.Reload(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	case strings.HasPrefix(path, "/exporter/"):
		body, _ := io.ReadAll(r.Body)
		answer, err := s.exporter.Do(r.Context(), remote.Request{
			Method: r.Method, Path: strings.TrimPrefix(path, "/exporter/"), JSON: body, IfNoneMatch: r.Header.Get("If-None-Match"),
		})
		w.Header().Set("ETag", answer.ETag)
		switch {
		case remote.IsStatus(err, http.StatusNotModified):
			w.WriteHeader(http.StatusNotModified)
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadGateway)
		default:
			_, _ = w.Write(answer.Body)
		}
	default:
		http.NotFound(w, r)
	}
}

// start starts the process, to be killed at a request. What another one has told is forgotten.
func (s *servers) start(t *testing.T, request int, acts bool) *exec.Cmd {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	s.exporter.forget()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), urlVariable+"="+s.URL+s.prefix(), dirVariable+"="+s.dir)
	var output bytes.Buffer
	child.Stderr = &output
	t.Cleanup(func() {
		if strings.Contains(output.String(), "panic") {
			t.Error(output.String())
		}
	})
	s.child, s.countdown, s.acts = child, request, acts
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	return child
}

// until waits until the exporter was told of a bundle, which it returns, or until the process has ended.
func (s *servers) until(t *testing.T, ended <-chan struct{}, is func(channels.Result) bool) (told bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		select {
		case <-ended:
			return false
		default:
		}
		if is(s.exporter.last()) {
			return true
		}
	}
	t.Fatalf("the exporter was told %+v", s.exporter.last())
	return false
}

func waited(child *exec.Cmd) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		_ = child.Wait() // it is killed
		close(ended)
	}()
	return ended
}

// outcomes are what becomes of the second bundle.
var outcomes = []struct {
	name    string
	channel string
	is      func(channels.Result) bool
	runs    string
}{
	{"good", "dev", func(r channels.Result) bool { return r.Revision == 2 && r.Standing.State == alertconf.InSync }, "revision 2."},
	{"refused", "refuse", func(r channels.Result) bool { return r.Revision == 1 && r.Standing.State == alertconf.ReloadFailed }, "revision 1."},
}

// TestKilledAtEachRequest kills the process at each request that it makes to publish a second bundle, before and after that is
// carried out. Another process has to end what the first one began.
func TestKilledAtEachRequest(t *testing.T) {
	for _, o := range outcomes {
		for _, acts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, carried out %t", o.name, acts), func(t *testing.T) {
				for request := 1; ; request++ {
					s := newServers(t)
					s.first(t)
					ended := waited(s.start(t, request, acts))
					if s.until(t, ended, o.is) {
						if request < 5 {
							t.Errorf("it made %d requests in all", request)
						}
						s.kill(ended)
						return
					}
					s.recovers(t, o.is, o.runs, fmt.Sprintf("killed at request %d", request))
				}
			})
		}
	}
}

// TestKilledAtAnyTime is the same for what it does with files in between.
func TestKilledAtAnyTime(t *testing.T) {
	for _, o := range outcomes {
		t.Run(o.name, func(t *testing.T) {
			for range 8 {
				s := newServers(t)
				s.first(t)
				child := s.start(t, 0, false)
				ended := waited(child)
				for asked := false; !asked; time.Sleep(time.Millisecond) { // from when it has the bundle
					_, sent := s.exporter.count()
					asked = sent > 1
				}
				after := time.Duration(rand.IntN(40)) * time.Millisecond
				time.Sleep(after)
				s.kill(ended)
				s.recovers(t, o.is, o.runs, fmt.Sprintf("killed after %s", after))
			}
		})
	}
}

// first publishes the first bundle, and offers the second.
func (s *servers) first(t *testing.T) {
	t.Helper()
	s.exporter.set(bundle(1, "live"))
	ended := waited(s.start(t, 0, false))
	s.until(t, ended, func(r channels.Result) bool { return r.Standing.State == alertconf.InSync })
	s.kill(ended)
	b := bundle(2, "live", outcomes[0].channel)
	if strings.Contains(t.Name(), "refused") {
		b = bundle(2, "live", outcomes[1].channel)
	}
	s.exporter.set(b)
}

func (s *servers) kill(ended <-chan struct{}) {
	_ = s.child.Process.Kill()
	<-ended
}

// recovers starts another process, and looks at what it comes to.
func (s *servers) recovers(t *testing.T, is func(channels.Result) bool, runs, what string) {
	t.Helper()
	ended := waited(s.start(t, 0, false))
	if !s.until(t, ended, is) {
		t.Fatalf("%s: the next process has ended", what)
	}
	s.kill(ended)
	file, err := os.ReadFile(filepath.Join(s.dir, "alertmanager.yml"))
	loaded, _ := s.alertmanager.loaded()
	if err != nil || loaded != string(file) || !strings.Contains(loaded, runs) {
		t.Errorf("%s: the file is\n%s\n%v, and Alertmanager runs\n%s\nwant both to have %q", what, file, err, loaded, runs)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		switch e.Name() {
		case "alertmanager.yml", "alertmanager.yml.previous", "channel-secrets", memoryFile, ".healthcheck_exporter.lock":
		default:
			t.Errorf("%s: %s is left over", what, e.Name())
		}
	}
	var k kept
	text, err := os.ReadFile(filepath.Join(s.dir, memoryFile))
	if err != nil || json.Unmarshal(text, &k) != nil || k.Written != (alertconf.Written{Digest: alertconf.Digest(file)}) {
		t.Errorf("%s: it remembers %s, %v", what, text, err)
	}
}
