//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
)

const (
	// How soon it is found that an Alertmanager runs something else, on a busy machine.
	seen = alertconf.LookInterval + 5*time.Second
	// How soon an Alertmanager that was away hears of what it missed, likewise.
	toldAgain = 15 * time.Second
)

// sceneRefused has base files that Alertmanager refuses, or would fail on: all stays as it was, people are told, and messages go on.
func sceneRefused(t *testing.T, program string) {
	d := openDesk(t, deskOptions{programs: []string{program}})
	write(t, d.dir, "broken.tmpl", `{{ define "x" }}{{ if }}`)
	d.create(t, "live", d.webhookOf("live", liveOnly))
	before := d.written(t)
	const route = "  routes:\n"
	for _, tt := range []struct{ what, old, with, want string }{
		{"an unknown receiver", route, route + "    - {receiver: nowhere, matchers: [x=\"y\"]}\n", "nowhere"},
		{"an unknown key", "  repeat_interval: 4h\n", "  repeat_interval: 4h\n  unknown_key: 1\n", "unknown_key"},
		{"a broken matcher", route, route + "    - {receiver: nobody, matchers: ['x=~\"(\"']}\n", "parsing regexp"},
		{"a broken template", "[healthcheck.tmpl]", "[healthcheck.tmpl, broken.tmpl]", "broken.tmpl"},
		// Alertmanager would load these.
		{"a missing secret", "FALLBACK", "FALLBACK-gone", "fallback-gone"},
		{"a missing file of templates", "[healthcheck.tmpl]", "[healthcheck.tmpl, 'gone*.tmpl']", "gone*.tmpl"},
		{"no templates", "templates: [healthcheck.tmpl]\n", "", "want templates: [healthcheck.tmpl]"},
		{"a missing template", `template "healthcheck.title"`, `template "healthcheck.gone"`, "healthcheck.gone"},
	} {
		base := strings.Replace(deskBase, tt.old, tt.with, 1)
		if base == deskBase {
			t.Fatalf("%s: nothing was replaced", tt.what)
		}
		d.rebase(t, base)
		d.want(t, d.reload(t), http.StatusOK)
		d.awaitDetail(t, tt.want)
		a := d.put(t, "refused", d.webhookOf("refused"))
		if said := a.problem(t, http.StatusUnprocessableEntity, "alertmanager_refused"); !strings.Contains(said, tt.want) {
			t.Errorf("%s: it says %q, want %q in it", tt.what, said, tt.want)
		} else {
			t.Logf("%s: %s", tt.what, said)
		}
		d.stillRuns(t, before)
		d.keptOnly(t, "live")
		d.goodBase(t)
	}
	sceneEmpty(t, d)
	sceneReceivers(t, d)
	d.post(t, "alertname=HealthcheckTargetSlow", liveOnlyLabel)
	stays(t, d.told, map[string]int{"#live": 1, "/pager": 1})
}

// awaitDetail waits until the exporter says of Alertmanager that it does not have what it should, and why.
func (d *desk) awaitDetail(t *testing.T, why string) {
	t.Helper()
	awaitThat(t, patience, "it is told that "+why, func() bool {
		s := d.standing(t, "am-1")
		return s.State != alertconf.InSync && strings.Contains(s.Detail, why) && d.metric(t, "am-1") == 0
	})
}

// goodBase puts the good base back, which is then in force.
func (d *desk) goodBase(t *testing.T) {
	t.Helper()
	d.rebase(t, deskBase)
	d.want(t, d.reload(t), http.StatusOK)
	d.awaitState(t, "am-1", alertconf.InSync, patience)
	d.inSync(t)
}

// sceneEmpty has an empty base: it is not loaded, and the one before stays in force.
func sceneEmpty(t *testing.T, d *desk) {
	t.Helper()
	before := d.written(t)
	d.rebase(t, "")
	if a := d.want(t, d.reload(t), http.StatusInternalServerError); !strings.Contains(a.body, "base.yml") {
		t.Errorf("it says %q, want the file", a.body)
	}
	d.stillRuns(t, before)
	d.inSync(t)
	d.create(t, "while", object("type", "receiver", "receiver", "pager"))
	d.remove(t, "while")
	d.goodBase(t)
}

// sceneReceivers has channels to receivers of the base that there are not, or not any more.
func sceneReceivers(t *testing.T, d *desk) {
	t.Helper()
	a := d.put(t, "page", object("type", "receiver", "receiver", "nowhere"))
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "nowhere") {
		t.Errorf("a channel to a receiver that is not there: got %d, want 422 that names it: %s", a.status, a.body)
	}
	d.keptOnly(t, "live")
	d.create(t, "page", object("type", "receiver", "receiver", "pager"))
	before := d.written(t)
	d.rebase(t, channelsBase) // without it
	d.want(t, d.reload(t), http.StatusOK)
	d.awaitDetail(t, "pager")
	if a := d.put(t, "another", d.webhookOf("another")); a.status < 400 || !strings.Contains(a.body, "pager") {
		t.Errorf("got %d, want an error that names the receiver which is gone: %s", a.status, a.body)
	}
	d.stillRuns(t, before)
	d.keptOnly(t, "live", "page")
	d.goodBase(t)
	d.stillRuns(t, before)
}

// keptOnly wants that these are all channels, and all secrets.
func (d *desk) keptOnly(t *testing.T, names ...string) {
	t.Helper()
	if got := d.names(t); !slices.Equal(got, names) {
		t.Errorf("the channels are %q, want %q", got, names)
	}
	if got := d.secretFiles(t); !slices.Equal(got, []string{"live"}) {
		t.Errorf("the secrets are %q, want that of live", got)
	}
}

// secretFiles are the names of the files with the secrets of channels.
func (d *desk) secretFiles(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(d.dir, "channel-secrets"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// scenePending changes channels while Alertmanager is away, and kills the exporter before it is back.
func scenePending(t *testing.T, program string) {
	d := openDesk(t, deskOptions{programs: []string{program}})
	d.post(t, "alertname=HealthcheckTargetSlow", liveOnlyLabel)
	stays(t, d.told, map[string]int{"#fallback": 1})
	d.secondExporter(t)

	d.servers[0].Stop()
	a := d.want(t, d.put(t, "live", d.webhookOf("live", liveOnly)), http.StatusAccepted)
	if !strings.Contains(a.body, `"name":"live"`) || a.header.Get("ETag") == "" {
		t.Errorf("what is accepted is answered with the ETag %q: %s", a.header.Get("ETag"), a.body)
	}
	if s := d.standing(t, "am-1"); s.State != alertconf.Pending && s.State != alertconf.Unreachable {
		t.Errorf("it is away, and is %+v", s)
	}
	if in := d.metric(t, "am-1"); in != 0 {
		t.Errorf("the metric is %v", in)
	}
	d.comesBack(t)
	d.post(t, "alertname=HealthcheckTargetSlow", liveOnlyLabel) // it keeps none
	stays(t, d.told, map[string]int{"#fallback": 1, "#live": 1})

	d.servers[0].Stop()
	d.want(t, d.ask(t, "alice", http.MethodPut, channelPath("more"), d.webhookOf("more", liveOnly), "If-None-Match", "*"), http.StatusAccepted)
	d.want(t, d.ask(t, "alice", http.MethodPatch, channelPath("live"), `{"enabled":false}`, "If-Match", "*"), http.StatusAccepted)
	before := d.written(t)
	d.pair.KillExporter()
	d.startExporter(t)
	if got := d.names(t); !slices.Equal(got, []string{"live", "more"}) || d.channel(t, "live").Enabled {
		t.Errorf("after it was killed there are %q, live is on: %t", got, d.channel(t, "live").Enabled)
	}
	d.comesBack(t)
	d.stillRuns(t, before)
	d.post(t, "alertname=HealthcheckTargetSlow", liveOnlyLabel)
	stays(t, d.told, map[string]int{"#fallback": 1, "#live": 1, "#more": 1})
	d.patch(t, "live", "enabled", true)
}

// comesBack starts Alertmanager, which is told what it missed.
func (d *desk) comesBack(t *testing.T) {
	t.Helper()
	if err := d.servers[0].Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	d.awaitState(t, "am-1", alertconf.InSync, toldAgain)
	d.inSync(t)
	if in := d.metric(t, "am-1"); in != 1 {
		t.Errorf("it is in sync, and the metric is %v", in)
	}
}

// secondExporter wants that another exporter with the same directory, and another storage, ends at once and says why.
func (d *desk) secondExporter(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	second := exec.CommandContext(ctx, binaries.Exporter(), "--config.file=healthcheck.yml", "--storage.path="+t.TempDir(), "--web.listen-address="+freePort(t))
	second.Dir = d.pair.Dir()
	out, err := second.CombinedOutput()
	if err == nil || ctx.Err() != nil || !strings.Contains(string(out), "another healthcheck_exporter writes to") || !strings.Contains(string(out), d.dir) {
		t.Errorf("a second exporter with the directory ends with %v (%v), want an error that names it:\n%s", err, ctx.Err(), out)
	}
}

// sceneDrift has two Alertmanagers that come to run something else behind the exporter's back, each in its way.
func sceneDrift(t *testing.T, debian, newest string) {
	d := openDesk(t, deskOptions{programs: []string{debian, newest}})
	old := d.written(t)
	d.create(t, "live", d.webhookOf("live", liveOnly))
	ours := d.written(t)
	hash := alertconf.LoadedHash(ours)
	if d.metric(t, "am-1") != 1 || d.metric(t, "am-2") != 1 {
		t.Error("all is well, and the metrics are not 1")
	}

	// Somebody loads another file into the first one, and puts ours back. The second one ends.
	d.servers[1].Stop()
	d.overwrite(t, append([]byte("# mine\n"), ours...))
	if err := d.servers[0].Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d.hash(t, 0) == hash { // while that is there nobody makes it run ours
		t.Fatal("it does not run the other file")
	}
	d.overwrite(t, ours)
	began := time.Now()
	awaitFor(t.Context(), t, seen, "it is made to run ours again", func(ctx context.Context) (bool, error) {
		got, err := d.servers[0].Hash(ctx)
		return got == hash, err
	})
	t.Logf("am-1 runs ours again after %s", time.Since(began).Round(10*time.Millisecond))
	awaitThat(t, seen-time.Since(began), "the metric of the one that has ended", func() bool { return d.metric(t, "am-2") == 0 })
	if s := d.standing(t, "am-2"); s.State != alertconf.Unreachable {
		t.Errorf("am-2 has ended, and is %+v", s)
	}

	// It begins again with an old file, behind our back.
	d.overwrite(t, old)
	if err := d.servers[1].Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	d.overwrite(t, ours)
	awaitThat(t, seen, "it is made to run ours", func() bool { return d.metric(t, "am-2") == 1 })
	d.stillRuns(t, ours)
	d.inSync(t)
	wantPrivate(t, d.dir, 0o600)
	d.post(t, "alertname=HealthcheckTargetSlow", liveOnlyLabel)
	stays(t, d.told, map[string]int{"#live": 2})
}

// overwrite writes what Alertmanager reads at its next reload.
func (d *desk) overwrite(t *testing.T, text []byte) {
	t.Helper()
	write(t, d.dir, "alertmanager.yml", string(text))
}

// sceneChanged has two Alertmanagers of which one refuses what the other takes, and then somebody who changes the file by hand.
func sceneChanged(t *testing.T, debian, newest string) {
	d := openDesk(t, deskOptions{programs: []string{debian, newest}})
	d.create(t, "live", d.webhookOf("live", liveOnly))
	ours := d.written(t)

	// Debian's does not know this key.
	d.rebase(t, strings.Replace(deskBase, "  - name: nobody\n", "  - name: nobody\n    mattermost_configs: [{webhook_url: 'http://127.0.0.1:1/'}]\n", 1))
	d.want(t, d.reload(t), http.StatusOK)
	d.awaitDetail(t, "mattermost_configs")
	a := d.put(t, "refused", d.webhookOf("refused"))
	if said := a.problem(t, http.StatusUnprocessableEntity, "alertmanager_refused"); !strings.Contains(said, "am-1") || !strings.Contains(said, "mattermost_configs") {
		t.Errorf("it says %q, want which server refuses what", said)
	}
	d.stillRuns(t, ours)
	d.keptOnly(t, "live")
	d.goodBase(t)
	d.awaitState(t, "am-2", alertconf.InSync, patience)
	d.stillRuns(t, ours)

	// Nothing of ours overwrites what somebody else has written.
	theirs := append([]byte("# mine\n"), ours...)
	d.overwrite(t, theirs)
	for _, refused := range []reply{
		d.put(t, "another", d.webhookOf("another")),
		d.ask(t, "alice", http.MethodPatch, channelPath("live"), `{"enabled":false}`, "If-Match", "*"),
		d.ask(t, "alice", http.MethodDelete, channelPath("live"), "", "If-Match", "*"),
		d.ask(t, "alice", http.MethodPost, "/api/v1/alertmanager/apply", ""),
	} {
		if said := refused.problem(t, http.StatusConflict, "file_changed"); !strings.Contains(said, d.file()) {
			t.Errorf("it says %q, want the file", said)
		}
	}
	d.keptOnly(t, "live")
	d.awaitState(t, "am-1", alertconf.FileChanged, seen)
	if d.standing(t, "am-2").State != alertconf.FileChanged || d.metric(t, "am-1") != 0 || d.metric(t, "am-2") != 0 {
		t.Errorf("am-2 is %+v, the metrics are %v and %v", d.standing(t, "am-2"), d.metric(t, "am-1"), d.metric(t, "am-2"))
	}
	if got := d.written(t); !slices.Equal(got, theirs) {
		t.Errorf("it was overwritten:\n%s", got)
	}
	for _, who := range []string{"", "rita", "oscar"} {
		if a := d.ask(t, who, http.MethodPost, "/api/v1/alertmanager/apply?overwrite=true", ""); a.status != http.StatusForbidden && a.status != http.StatusUnauthorized {
			t.Errorf("%q may overwrite it: %d", who, a.status)
		}
	}
	d.want(t, d.ask(t, "alice", http.MethodPost, "/api/v1/alertmanager/apply?overwrite=true", ""), http.StatusOK)
	if got := d.written(t); strings.HasPrefix(string(got), "# mine") {
		t.Errorf("it was not overwritten:\n%s", got)
	}
	d.inSync(t)
	if d.metric(t, "am-1") != 1 || d.metric(t, "am-2") != 1 {
		t.Error("all is well again, and the metrics are not 1")
	}
	d.create(t, "another", d.webhookOf("another", liveOnly))
	d.post(t, "alertname=HealthcheckTargetSlow", liveOnlyLabel)
	stays(t, d.told, map[string]int{"#live": 2, "#another": 2})
}

// manyChannels is how many there may be.
const manyChannels = alertconf.MaxChannels

// sceneMany makes as many channels as there may be, and one more.
func sceneMany(t *testing.T, _, newest string) {
	d := openDesk(t, deskOptions{programs: []string{newest}})
	var took []time.Duration
	for i := range manyChannels {
		name := fmt.Sprintf("channel-%03d", i)
		body := d.webhookOf("many", `environment="LIVE"`, fmt.Sprintf(`team=~"shop|cart-%03d"`, i))
		a := d.patiently(t, "alice", http.MethodPut, channelPath(name), body)
		took = append(took, time.Since(a.asked))
		d.want(t, a, http.StatusCreated)
	}
	d.inSync(t)
	first, last := took[:20], took[len(took)-20:]
	slices.Sort(first)
	slices.Sort(last)
	t.Logf("a PUT took %s among 20 channels, %s among %d (medians; at most %s); the file has %d bytes", first[10], last[10], manyChannels, last[19], len(d.written(t)))
	if a := d.patiently(t, "alice", http.MethodPut, channelPath("one-more"), d.webhookOf("many")); a.status < 400 || !strings.Contains(a.body, strconv.Itoa(manyChannels)) {
		t.Errorf("one more is answered with %d, want an error with the number: %s", a.status, a.body)
	}
	if got := d.names(t); len(got) != manyChannels {
		t.Errorf("there are %d channels", len(got))
	}
	began := time.Now()
	d.post(t, "alertname=HealthcheckTargetSlow", liveOnlyLabel, "team=shop")
	awaitFor(t.Context(), t, patience, "all hear of it", func(context.Context) (bool, error) { return d.told()["#many"] == manyChannels, nil })
	t.Logf("all of them heard of an alert after %s", time.Since(began).Round(time.Millisecond))
}
