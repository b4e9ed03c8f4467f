package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/journal"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/store"
)

// hasty are limits by which an incident takes a second or two.
const hasty = `
  mode: enforce
  receiver: {bearer_token: s3cret}
  defaults:
    check_interval: 100ms
    warm_up: 1ms
    start_grace: 1ms
    arm_probes: 2
    arm_time: 1ms
    confirm_probes: 2
    confirm_interval: 100ms
    confirm_age: 1m
    cooldown: 1ms
    cooldown_max: 24h
    budget_hour: 5
    verify_probes: 2
    verify_timeout: 250ms
    max_unverified: 2
`

// A shop is a service that is restarted by a command, and where the exporter keeps what it knows of it.
type shop struct {
	dir    string
	url    string
	broken atomic.Bool
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{dir: t.TempDir()}
	s.url = probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if s.broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})).URL + "/health"
	return s
}

// data is where the exporter keeps its state.
func (s *shop) data() string { return filepath.Join(s.dir, "data") }

// config writes the configuration and returns its path; limits are those of the shop that are not hasty.
func (s *shop) config(t *testing.T, limits string) string {
	t.Helper()
	writeFile(t, filepath.Join(s.dir, "restart.sh"), restartScript)
	file := filepath.Join(s.dir, "healthcheck.yml")
	writeFile(t, file, fmt.Sprintf(`modules: {http_2xx: {prober: http}}
restart:%s
  services:
    - name: shop
      %s
      checks: [{url: '%s'}]
      command: {argv: [/bin/sh, %s/restart.sh], dir: %[4]s}
`, hasty, limits, s.url, s.dir))
	return file
}

// restartScript notes that it was run. If told to, it waits for a file, or kills the exporter before or after.
const restartScript = `
n=$(($(cat runs 2>/dev/null | wc -l) + 1))
[ -e "kill before exec $n" ] && rm "kill before exec $n" && kill -9 $PPID
echo $HEALTHCHECK_ATTEMPT_ID >>runs
[ -e "kill after exec $n" ] && rm "kill after exec $n" && kill -9 $PPID
while [ -e wait ]; do sleep 0.01; done
exit 0
`

// runs are the attempts that the command was run for.
func (s *shop) runs(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "runs"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

func (s *shop) options(t *testing.T, log *recorder, limits string) Options {
	t.Helper()
	o := options(log)
	o.ConfigFile, o.StoragePath = s.config(t, limits), s.data()
	return o
}

// deliver sends an alert about the shop and returns the status code of the answer.
func (s *shop) deliver(ctx context.Context, address string) (int, error) {
	body := fmt.Sprintf(`{"version":"4","alerts":[{"status":"firing","labels":{"instance":%q}}]}`, s.url)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/webhook/alertmanager", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer s3cret")
	resp, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

func (s *shop) alert(t *testing.T, a *App) int {
	t.Helper()
	code, err := s.deliver(t.Context(), a.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// state is what the exporter thinks of the shop.
func state(a *App) policy.Explanation {
	all := a.restarts.Services()
	if len(all) != 1 {
		return policy.Explanation{}
	}
	return all[0]
}

func metric(t *testing.T, a *App, sample string) bool {
	t.Helper()
	_, body := get(t, a.Addr(), "/metrics")
	return strings.Contains(body, "\n"+sample+"\n")
}

func stop(t *testing.T, a *App) {
	t.Helper()
	if err := a.Stop(); err != nil {
		t.Error(err)
	}
}

// lockOut has the shop restarted in vain until it is locked out.
func (s *shop) lockOut(t *testing.T, a *App) {
	t.Helper()
	until(t, "the service to be armed", func() bool { return state(a).State.Armed })
	s.broken.Store(true)
	until(t, "a lock-out", func() bool {
		if code := s.alert(t, a); code != http.StatusOK {
			t.Fatalf("a delivery was answered %d", code)
		}
		return state(a).State.LockedOut
	})
}

// What was known of restarts is known after the exporter's own.
func TestStateOutlivesTheExporter(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	s, log := newShop(t), &recorder{}
	defer probetest.NoLeaks(t)()
	a := build(t, s.options(t, log, ""))
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	s.lockOut(t, a)
	pause := policy.Pause{Until: time.Now().Add(time.Hour), Who: "ann", Reason: "moving"}
	if err := a.restarts.Pause("shop", pause); err != nil {
		t.Fatal(err)
	}
	before := state(a).State
	stop(t, a)

	a = build(t, s.options(t, log, ""))
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the state to be loaded", func() bool { return state(a).State.LockedOut })
	after := state(a).State
	type kept struct {
		LockedOut, Armed bool
		Unverified       int
		Attempts         []time.Time
		LockedAt         time.Time
		Pause            policy.Pause
	}
	of := func(s *policy.State) kept {
		return kept{s.LockedOut, s.Armed, s.Unverified, s.Attempts, s.LockedAt, s.Pause}
	}
	if diff := cmp.Diff(of(&before), of(&after)); diff != "" {
		t.Errorf("state (-before +after):\n%s", diff)
	}
	if n := len(after.Attempts); n != 2 || len(s.runs(t)) != 2 {
		t.Errorf("%d attempts are known and %d were made, want 2", n, len(s.runs(t)))
	}
	for _, want := range []string{
		`healthcheck_restart_lockout{service="shop"} 1`,
		`healthcheck_restart_budget_remaining{service="shop",window="hour"} 3`,
	} {
		if !metric(t, a, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	stop(t, a)
	replay(t, s.data())
	if errs := log.count("The journal fails, nothing is restarted") + log.count("Writing to the audit failed"); errs != 0 {
		t.Errorf("%d errors are in the log", errs)
	}
	client.CloseIdleConnections()
}

// replay feeds the audit through the policy again and wants the decisions that it tells. It returns the records.
func replay(t *testing.T, dir string) []policy.Record {
	t.Helper()
	var records []policy.Record
	judge := func(l audit.Line) error {
		var r policy.Record
		if err := json.Unmarshal(l.JSON, &r); err != nil {
			return err
		}
		state, decision := r.Policy.Next(r.State, r.Event, r.Time)
		if diff := cmp.Diff(r.Decision, decision); diff != "" {
			t.Errorf("%s → %s: decision (-recorded +replayed):\n%s", r.From, r.To, diff)
		}
		if diff := cmp.Diff(r.After, state); diff != "" {
			t.Errorf("%s → %s: state (-recorded +replayed):\n%s", r.From, r.To, diff)
		}
		records = append(records, r)
		return nil
	}
	for _, name := range journal.Logs() {
		if report, err := audit.Read(dir, name, judge); err != nil || len(report.Breaks) > 0 {
			t.Errorf("the audit log %q has these breaks: %v; %v", name, report.Breaks, err)
		}
	}
	if len(records) == 0 {
		t.Error("the audit has no records")
	}
	slices.SortStableFunc(records, func(a, b policy.Record) int { return a.Time.Compare(b.Time) })
	return records
}

// A reload that would use the directory of another instance changes nothing.
func TestReloadOfAnother(t *testing.T) {
	s := newShop(t)
	first := started(t, s.options(t, &recorder{}, ""))
	o := s.options(t, &recorder{}, "")
	text, err := os.ReadFile(o.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	o.ConfigFile = configFile(t, "modules: {other: {prober: http}}")
	second := started(t, o)
	writeFile(t, o.ConfigFile, string(text))
	if err := second.Reload(); !errors.Is(err, store.ErrLocked) {
		t.Errorf("reloading: error is %v, want that the directory is used", err)
	}
	if _, ok := second.current.Load().module("other"); !ok {
		t.Error("the old configuration does not go on serving")
	}
	stop(t, first)
	if err := second.Reload(); err != nil {
		t.Errorf("reloading when the other instance has ended: %v", err)
	}
}

// A memory that cannot be trusted turns restarts off, and nothing else.
func TestCorruptStateHolds(t *testing.T) {
	s, log := newShop(t), &recorder{}
	file := filepath.Join(s.data(), journal.FileName)
	if err := os.MkdirAll(s.data(), 0o700); err != nil {
		t.Fatal(err)
	}
	garbage := strings.Repeat("garbage\n", 4096)
	writeFile(t, file, garbage)
	a := started(t, s.options(t, log, ""))
	until(t, "the service to be known", a.restarts.Ready)
	if status, body := get(t, a.Addr(), "/probe?module=http_2xx&target="+s.url); status != http.StatusOK || !strings.Contains(body, "\nprobe_success 1\n") {
		t.Errorf("a probe is answered %d: %s", status, body)
	}
	until(t, "the service to be probed", func() bool { return state(a).State.Armed })
	s.broken.Store(true)
	for range 10 {
		if code := s.alert(t, a); code != http.StatusServiceUnavailable {
			t.Fatalf("a delivery was answered %d, want 503", code)
		}
	}
	until(t, "the journal to hold", func() bool { return state(a).State.Hold == policy.GuardJournal })
	if want := `healthcheck_restart_decisions_total{decision="hold",reason="journal",service="shop"} 1`; !metric(t, a, want) {
		t.Errorf("/metrics lacks %s", want)
	}
	const message = "Nothing will be restarted: what is kept of restarts cannot be used"
	if text := log.attr(message, "err"); !strings.Contains(text, file) || !strings.Contains(text, "move it away") {
		t.Errorf("the log says %q, want the file and what to do", text)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != garbage {
		t.Errorf("the file was changed, or: %v", err)
	}
	if _, err := os.Stat(filepath.Join(s.data(), audit.FileName)); err == nil {
		t.Error("an audit was written without the lock")
	}
	if n := len(s.runs(t)); n != 0 {
		t.Errorf("restarted %d times", n)
	}
}

// Once the service is known nothing of a delivery that is a repetition is written.
func TestRepetitionWritesNothing(t *testing.T) {
	s := newShop(t)
	a := started(t, s.options(t, &recorder{}, "mode: 'off'"))
	until(t, "the service to be armed", func() bool { return state(a).State.Armed })
	s.broken.Store(true)
	until(t, "the delivery to be noted", func() bool { return s.alert(t, a) == http.StatusOK && state(a).State.Hold == policy.GuardMode })
	before := s.file(t)
	for range 100 {
		if code := s.alert(t, a); code != http.StatusOK {
			t.Fatalf("a delivery was answered %d", code)
		}
	}
	if !bytes.Equal(before, s.file(t)) { // every transaction has a number of its own
		t.Error("100 repetitions wrote something")
	}
}

// A service that is no longer configured finishes its attempt, and what came of it is kept.
func TestReloadWithoutRestarts(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	s := newShop(t)
	o := s.options(t, &recorder{}, "")
	a := build(t, o)
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(s.dir, "wait"), "")
	until(t, "the service to be armed", func() bool { return state(a).State.Armed })
	s.broken.Store(true)
	s.alert(t, a)
	until(t, "the restart to be under way", func() bool { return len(s.runs(t)) == 1 })
	writeFile(t, o.ConfigFile, "modules: {http_2xx: {prober: http}}")
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	until(t, "the section to be gone", func() bool { return len(a.restarts.Services()) == 0 })
	if err := os.Remove(filepath.Join(s.dir, "wait")); err != nil {
		t.Fatal(err)
	}
	stop(t, a)
	if kept := s.kept(t); kept.Intent.ID != s.runs(t)[0] || kept.VerifyUntil.IsZero() {
		t.Errorf("the state is %+v, want that of an attempt that has ended", kept)
	}
}

// file is what is in the file of the states.
func (s *shop) file(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.data(), journal.FileName))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// kept is the state in the file.
func (s *shop) kept(t *testing.T) (kept policy.State) {
	t.Helper()
	file, err := store.Open(filepath.Join(s.data(), journal.FileName))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := file.Record("shop")
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Error(err)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	return kept
}
