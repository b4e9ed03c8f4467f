package alertsync

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// templates is the shipped file of templates, by its absolute path.
var templates, _ = filepath.Abs("../../examples/alertmanager/healthcheck.tmpl")

var base = `templates: ['` + templates + `']
route:
  receiver: healthcheck-channels
receivers:
  - name: healthcheck-channels
`

// bundle is one with channels whose secrets are canaries.
func bundle(revision uint64, names ...string) channels.Bundle {
	b := channels.Bundle{Revision: revision, Base: base, BaseFile: "base.yml", Secrets: map[string]string{}}
	for _, name := range names {
		b.Channels = append(b.Channels, alertconf.Channel{Name: name, Kind: alertconf.SlackWebhook, Enabled: true, SendResolved: true, GroupWait: new(config.Duration(500 * time.Millisecond))})
		b.Secrets[name] = canary(name)
	}
	return b
}

func canary(name string) string { return "https://hooks.slack.com/services/canary-" + name }

var errAway = errors.New("connection refused")

// A fakeExporter has a bundle, and takes results.
type fakeExporter struct {
	mu      sync.Mutex // protects the following
	body    []byte
	etag    string
	away    bool
	deaf    bool // takes no results
	sent    int  // bundles
	results []channels.Result
}

func (e *fakeExporter) Do(ctx context.Context, r remote.Request) (remote.Answer, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return remote.Answer{}, ctx.Err()
	case e.away:
		return remote.Answer{}, errAway
	case r.Method == http.MethodPost && r.Path == "api/v1/alertmanager/bundle/result":
		var result channels.Result
		if err := json.Unmarshal(r.JSON, &result); err != nil || e.deaf {
			return remote.Answer{}, errors.Join(errors.New("not taken"), err)
		}
		e.results = append(e.results, result)
		return remote.Answer{}, nil
	case r.Method != http.MethodGet || r.Path != "api/v1/alertmanager/bundle":
		return remote.Answer{}, fmt.Errorf("got %s %s", r.Method, r.Path)
	case r.IfNoneMatch != "" && r.IfNoneMatch == e.etag:
		return remote.Answer{}, &remote.StatusError{Code: 304}
	default:
		e.sent++
		return remote.Answer{Body: e.body, ETag: e.etag}, nil
	}
}

func (e *fakeExporter) set(b channels.Bundle) {
	text, err := json.Marshal(b)
	if err != nil {
		panic(err)
	}
	e.say(string(text), fmt.Sprintf(`"%d"`, b.Revision))
}

func (e *fakeExporter) say(body, etag string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.body, e.etag = []byte(body), etag
}

func (e *fakeExporter) be(away, deaf bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.away, e.deaf = away, deaf
}

// last is what it was told last.
func (e *fakeExporter) last() channels.Result {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.results) == 0 {
		return channels.Result{}
	}
	return e.results[len(e.results)-1]
}

// forget forgets what it was told.
func (e *fakeExporter) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.results = nil
}

func (e *fakeExporter) count() (results, sent int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.results), e.sent
}

// A fakeAlertmanager loads what is in a directory, unless that has a channel of the name refuse.
type fakeAlertmanager struct {
	dir     string
	blocked chan struct{} // Reload waits for it, whatever the context says; nil: it does not wait
	blocks  chan struct{} // is closed when it does

	mu    sync.Mutex // protects the following
	away  bool
	runs  []byte
	loads int
}

func (a *fakeAlertmanager) Name() string { return "am" }

func (a *fakeAlertmanager) Reload(context.Context) error {
	if a.blocked != nil {
		close(a.blocks)
		<-a.blocked
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away {
		return errAway
	}
	text, err := os.ReadFile(filepath.Join(a.dir, "alertmanager.yml"))
	a.loads++
	if err != nil || bytes.Contains(text, []byte("hc-refuse")) {
		return &alertconf.RefusedError{Server: "am (0.25.0)", Text: "undefined receiver \"x\""}
	}
	a.runs = text
	return nil
}

func (a *fakeAlertmanager) Loaded(context.Context) (float64, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away {
		return 0, false, errAway
	}
	return alertconf.LoadedHash(a.runs), true, nil
}

func (a *fakeAlertmanager) be(away bool, runs string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.away, a.runs = away, []byte(runs)
}

func (a *fakeAlertmanager) loaded() (text string, loads int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return string(a.runs), a.loads
}

// A lab is a Syncer between fakes.
type lab struct {
	t            *testing.T
	dir          string
	exporter     *fakeExporter
	alertmanager *fakeAlertmanager
	log          *logBuffer
}

func newLab(t *testing.T) *lab {
	t.Helper()
	dir := t.TempDir()
	return &lab{t: t, dir: dir, exporter: &fakeExporter{}, alertmanager: &fakeAlertmanager{dir: dir}, log: &logBuffer{}}
}

func (l *lab) open() *Syncer {
	l.t.Helper()
	s, err := Open(Options{
		Exporter: l.exporter, Server: l.alertmanager, Place: alertconf.Place{Dir: l.dir},
		Log: slog.New(slog.NewTextHandler(l.log, nil)),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

// run runs a Syncer until the function that is returned is called, which waits for its end.
func (l *lab) run() (end func()) {
	l.t.Helper()
	s := l.open()
	ctx, cancel := context.WithCancel(l.t.Context())
	ended := make(chan struct{})
	go func() {
		s.Run(ctx)
		close(ended)
	}()
	return func() {
		cancel()
		<-ended
		if err := s.Close(); err != nil {
			l.t.Error(err)
		}
	}
}

func (l *lab) wants(state alertconf.State, revision uint64, detail string) {
	l.t.Helper()
	got := l.exporter.last()
	if got.Standing.State != state || got.Revision != revision || !strings.Contains(got.Standing.Detail, detail) || got.Standing.Server == "" {
		l.t.Errorf("the exporter was told %+v, want %s, revision %d, with %q", got, state, revision, detail)
	}
}

func (l *lab) file(name string) string {
	l.t.Helper()
	text, err := os.ReadFile(filepath.Join(l.dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		l.t.Error(err)
	}
	return string(text)
}

func (l *lab) write(name, text string) {
	l.t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// runs wants Alertmanager to run what is in the file, which has a text.
func (l *lab) runs(text string) {
	l.t.Helper()
	got, _ := l.alertmanager.loaded()
	if file := l.file("alertmanager.yml"); got != file || !strings.Contains(file, text) {
		l.t.Errorf("Alertmanager runs\n%s\nthe file has\n%s\nwant both to have %q", got, file, text)
	}
}

// A logBuffer is a log.
type logBuffer struct {
	mu   sync.Mutex // protects the following
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
