//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertsync"
)

const (
	// How soon a change arrives at an Alertmanager elsewhere, on a busy machine.
	fetched = alertsync.DefaultInterval + 5*time.Second
	// How soon the exporter then knows what became of it, likewise.
	known = fetched + 5*time.Second
)

// A remoteDesk is an Alertmanager elsewhere, with who fetches its configuration.
type remoteDesk struct {
	am   *harness.Alertmanager
	sync *harness.Program
	dir  string
}

// openRemote starts one that asks a desk.
func openRemote(t *testing.T, d *desk, program string) *remoteDesk {
	t.Helper()
	ctx, home := context.WithoutCancel(t.Context()), t.TempDir()
	r := &remoteDesk{dir: filepath.Join(home, "am")}
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(d.dir, "healthcheck.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, r.dir, "healthcheck.tmpl", string(text))
	write(t, home, "client.yml", "authorization: {credentials: "+clerkToken(remoteName)+"}\n")
	if r.am, err = harness.NewAlertmanager(ctx, harness.AlertmanagerOptions{Program: program, Dir: home, Config: r.file()}); err != nil {
		t.Fatal(err)
	}
	r.sync, err = harness.StartProgram(
		ctx, home, binaries.Exporter(), "alertmanager-sync", "--url=http://"+d.pair.Exporter, "--http.config.file=client.yml", "--dir="+r.dir, "--alertmanager.url="+r.am.URL(),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("sync", r.sync.Log(), "elsewhere", r.am.Log())
		}
		r.sync.Stop()
		r.am.Stop()
	})
	r.await(t, "a configuration is there", fetched, func() bool { return r.written() != nil })
	if err := r.am.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *remoteDesk) file() string { return filepath.Join(r.dir, "alertmanager.yml") }

// written is what its Alertmanager reads, or nil if that cannot be read.
func (r *remoteDesk) written() []byte {
	text, err := os.ReadFile(r.file())
	if err != nil {
		return nil
	}
	return text
}

// runs reports whether its Alertmanager runs the file.
func (r *remoteDesk) runs(t *testing.T) bool {
	t.Helper()
	hash, err := r.am.Hash(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return hash == alertconf.LoadedHash(r.written())
}

// await waits, as long as its program runs.
func (r *remoteDesk) await(t *testing.T, what string, limit time.Duration, ok func() bool) {
	t.Helper()
	began := time.Now()
	awaitFor(t.Context(), t, limit, what, func(context.Context) (bool, error) { return ok(), r.sync.Running() })
	t.Logf("%s after %s", what, time.Since(began).Round(10*time.Millisecond))
}

func (r *remoteDesk) post(t *testing.T, alertname string) {
	t.Helper()
	err := r.am.Post(t.Context(), harness.Alert{
		Labels: map[string]string{"alertname": alertname, "environment": "LIVE"}, Annotations: map[string]string{"summary": "x"}, StartsAt: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sceneSync has an old Alertmanager elsewhere and a new one here.
func sceneSync(t *testing.T, debian, newest string) {
	d := openDesk(t, deskOptions{programs: []string{newest}, syncs: true})
	d.want(t, d.put(t, "first", d.webhookOf("first", `environment="STAGE"`)), http.StatusCreated, http.StatusAccepted)
	if s := d.standing(t, remoteName); s.State == alertconf.InSync {
		t.Errorf("nobody has asked yet, and %s is %s", remoteName, s.State)
	}
	r := openRemote(t, d, debian)
	d.awaitState(t, remoteName, alertconf.InSync, known)

	// A change arrives.
	made := d.want(t, d.put(t, "live", d.webhookOf("live", liveOnly)), http.StatusCreated, http.StatusAccepted)
	r.await(t, "the channel is elsewhere", fetched, func() bool { return bytes.Contains(r.written(), []byte("hc-live")) && r.runs(t) })
	r.post(t, "HealthcheckTargetSlow")
	t.Logf("from PUT to the first message from elsewhere: %s", d.firstTo(t, "#live").At.Sub(made.asked).Round(time.Millisecond))
	d.awaitState(t, remoteName, alertconf.InSync, known)
	if in := d.metric(t, remoteName); in != 1 {
		t.Errorf("it is in sync, and the metric is %v", in)
	}

	// What is refused elsewhere stays here, and is told.
	good := r.written()
	d.rebase(t, strings.Replace(deskBase, "  - name: nobody\n", "  - name: nobody\n    mattermost_configs: [{webhook_url: 'http://127.0.0.1:1/'}]\n", 1))
	d.want(t, d.reload(t), http.StatusOK)
	d.want(t, d.put(t, "more", d.webhookOf("more", liveOnly)), http.StatusCreated, http.StatusAccepted)
	if s := d.awaitState(t, remoteName, alertconf.ReloadFailed, known); !strings.Contains(s.Detail, "mattermost_configs") {
		t.Errorf("it says %q, want what Alertmanager does not know", s.Detail)
	}
	d.inSync(t)
	if !bytes.Equal(r.written(), good) || !r.runs(t) {
		t.Errorf("elsewhere it is not as before:\n%s", r.written())
	}

	// The exporter is away: it goes on, and drift is mended.
	d.pair.KillExporter()
	r.post(t, "HealthcheckTargetFlapping")
	stays(t, d.told, map[string]int{"#live": 2})
	write(t, r.dir, "alertmanager.yml", "# mine\n"+string(good))
	if err := r.am.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	// While the other file is there nobody makes it run ours.
	if hash, err := r.am.Hash(t.Context()); err != nil || hash == alertconf.LoadedHash(good) {
		t.Fatalf("it does not run the other file: %v", err)
	}
	write(t, r.dir, "alertmanager.yml", string(good))
	r.await(t, "it is made to run ours again", seen, func() bool { return r.runs(t) })

	// The exporter is back, with what everybody takes.
	d.rebase(t, deskBase)
	d.startExporter(t)
	r.await(t, "the other channel is elsewhere, too", known, func() bool { return bytes.Contains(r.written(), []byte("hc-more")) && r.runs(t) })
	d.awaitState(t, remoteName, alertconf.InSync, known)
	stays(t, d.told, map[string]int{"#live": 2, "#more": 2})

	d.want(t, d.ask(t, "alice", http.MethodPatch, channelPath("live"), object("url", d.slack.URL("moved")), "If-Match", "*"), http.StatusOK, http.StatusAccepted)
	r.await(t, "the new secret is elsewhere", fetched, func() bool {
		text, err := os.ReadFile(filepath.Join(r.dir, "channel-secrets", "live"))
		return err == nil && strings.Contains(string(text), "moved")
	})
	r.post(t, "HealthcheckErrorBudgetBurn")
	stays(t, d.told, map[string]int{"#live": 2, "#moved": 1, "#more": 3})
	wantPrivate(t, r.dir, 0o600)
}

// wantPrivate wants that secrets can be read by those alone who may.
func wantPrivate(t *testing.T, dir string, mode os.FileMode) {
	t.Helper()
	wantDir := os.ModeDir | 0o700
	if mode == 0o640 {
		wantDir = os.ModeDir | os.ModeSetgid | 0o750
	}
	modes := map[string]os.FileMode{"alertmanager.yml": mode, "alertmanager.yml.previous": mode, "channel-secrets": wantDir}
	entries, err := os.ReadDir(filepath.Join(dir, "channel-secrets"))
	if err != nil || len(entries) == 0 {
		t.Fatalf("there are %d secrets: %v", len(entries), err)
	}
	for _, e := range entries {
		modes[filepath.Join("channel-secrets", e.Name())] = mode
	}
	for name, want := range modes {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode() != want {
			t.Errorf("%s has mode %s, want %s", name, info.Mode(), want)
		}
	}
	if t.Failed() {
		t.Log(fmt.Sprint(modes))
	}
}
