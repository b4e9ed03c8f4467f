package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// templates is the shipped file of templates, by its absolute path.
var templates, _ = filepath.Abs("../../examples/alertmanager/healthcheck.tmpl")

// smallBase is a base file.
var smallBase = `
templates: ['` + templates + `']
route:
  receiver: nobody
  routes:
    - receiver: healthcheck-channels
      matchers: ['alertname=~"Healthcheck.+"']
receivers:
  - name: nobody
  - name: healthcheck-channels
`

// The users of a desk.
const deskUsers = `
modules: {http_2xx: {prober: http}}
access:
  users:
    - {name: alice, role: edit, bearer_token: canary-token-of-alice-0123456789}
    - {name: far, role: sync, bearer_token: canary-token-of-far-0123456789ab}
`

// A channelDesk is what an exporter needs with which people make channels: a directory of Alertmanager, and one that reads from there.
type channelDesk struct {
	base, dir string
	am        *probetest.Alertmanager
	o         Options
	log       *recorder
}

func newChannelDesk(t *testing.T) *channelDesk {
	t.Helper()
	home := t.TempDir()
	d := &channelDesk{base: filepath.Join(home, "base.yml"), dir: filepath.Join(home, "out"), am: probetest.NewAlertmanager(t), log: &recorder{}}
	writeFile(t, d.base, smallBase)
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d.am.ReadFrom(d.file())
	d.o = options(d.log)
	d.o.StoragePath = filepath.Join(home, "data")
	d.o.ConfigFile = configFile(t, d.config(""))
	return d
}

// file is what Alertmanager reads.
func (d *channelDesk) file() string { return filepath.Join(d.dir, "alertmanager.yml") }

// config is a configuration with the section, and more.
func (d *channelDesk) config(more string) string {
	return deskUsers + fmt.Sprintf(`
alertmanager:
  base: %s
  dir: %s
  servers: [{name: am-1, url: '%s', basic_auth: {username: exporter, password: canary-password}}]
`, d.base, d.dir, strings.Replace(d.am.URL, "://", "://someone:canary-in-url@", 1)) + more
}

// alice may do everything, and overwrites.
func alice() managed.Edit {
	return managed.Edit{By: managed.Author{Name: "alice", Role: "edit", May: func(...string) error { return nil }}, If: managed.Condition{Any: true}}
}

const slackChannel = `{"type":"slack_webhook","url":"https://hooks.slack.com/services/canary/secret","matchers":["environment=\"LIVE\""]}`

// channel makes a channel.
func (a *App) channel(t *testing.T, name, body string) channels.Outcome {
	t.Helper()
	e := alice()
	e.If = managed.Condition{}
	if _, ok := a.channels.Channel(name); ok {
		e = alice()
	}
	o, err := a.channels.Put(t.Context(), e, name, []byte(body))
	if err != nil {
		t.Fatalf("making the channel %s: %v", name, err)
	}
	return o
}

// runs waits until the Alertmanager runs the file, and that has a text.
func (d *channelDesk) runs(t *testing.T, a *App, text string) {
	t.Helper()
	until(t, fmt.Sprintf("the Alertmanager to run what has %q", text), func() bool {
		written, err := os.ReadFile(d.file())
		loaded, _ := d.am.Loaded()
		known := a.channels.Standings()
		return err == nil && loaded == string(written) && strings.Contains(loaded, text) && len(known) > 0 && known[0].State == alertconf.InSync
	})
}

// What people say of channels runs in Alertmanager, and no secret shows anywhere.
func TestChannels(t *testing.T) {
	d := newChannelDesk(t)
	a := started(t, d.o)
	d.runs(t, a, "# Written by healthcheck_exporter")
	if o := a.channel(t, "live", slackChannel); o.Pending || o.Action != managed.Created {
		t.Errorf("making a channel: %+v", o)
	}
	d.runs(t, a, "name: hc-live")
	if secret, err := os.ReadFile(filepath.Join(d.dir, "channel-secrets", "live")); err != nil || !strings.Contains(string(secret), "canary/secret") {
		t.Errorf("Alertmanager has the secret %q, %v", secret, err)
	}
	if _, err := a.channelTests.Start("live", "alice"); err != nil {
		t.Fatal(err)
	}
	until(t, "the test to end", func() bool { last, _ := a.channelTests.Last("live"); return !last.Ended.IsZero() })
	if last, _ := a.channelTests.Last("live"); !last.OK || len(last.Hops) != 4 || d.am.Firing() != 0 {
		t.Errorf("the test is %+v, want that it came through and ended", last)
	}
	if all, _ := a.status.Events(status.Filter{Kind: status.KindChannel}); len(all) != 1 || all[0].Channel != "live" || all[0].Who != "alice" {
		t.Errorf("events: %+v", all)
	}
	_, metrics := get(t, a.Addr(), "/metrics")
	for _, want := range []string{`healthcheck_exporter_alertmanager_in_sync{server="am-1"} 1`, `healthcheck_exporter_alertmanager_last_reload_success_timestamp_seconds{server="am-1"}`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	d.noSecret(t, a)
}

// noSecret looks for secrets everywhere but where they belong.
func (d *channelDesk) noSecret(t *testing.T, a *App) {
	t.Helper()
	places := map[string]string{}
	for _, path := range []string{"/config", "/metrics", "/api/v1/events", "/", "/events"} {
		_, places[path] = get(t, a.Addr(), path)
	}
	if !strings.Contains(places["/config"], "name: am-1") {
		t.Errorf("/config does not show the section: %s", places["/config"])
	}
	for _, r := range d.log.all() {
		places["the log"] += r.Message + " "
		r.Attrs(func(attr slog.Attr) bool { places["the log"] += attr.String() + "\n"; return true })
	}
	last, _ := a.channelTests.Last("live")
	places["the test"] = fmt.Sprint(last)
	for _, dir := range []string{d.o.StoragePath, d.dir} {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || strings.Contains(path, "channel-secrets") {
				return err
			}
			text, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) { // it was written aside, and has another name by now
				return nil
			}
			places[path] = string(text)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	for place, text := range places {
		if i := strings.Index(text, "canary"); i >= 0 {
			t.Errorf("%s has a secret: …%q", place, text[max(i-100, 0):min(i+30, len(text))])
		}
	}
}

// A base file that somebody changes is published: at a reload, and when the exporter sees it by itself.
func TestChannelsOfAnotherBase(t *testing.T) {
	d := newChannelDesk(t)
	a := started(t, d.o)
	a.loadEvery = 0
	a.channel(t, "live", slackChannel)
	for name, reload := range map[string]func(){"reload": func() {
		if err := a.Reload(); err != nil {
			t.Error(err)
		}
	}, "look": a.reloadChanged} {
		writeFile(t, d.base, smallBase+"  - name: by-"+name+"\n")
		reload()
		d.runs(t, a, "name: by-"+name)
		if text, _ := d.am.Loaded(); !strings.Contains(text, "name: hc-live") {
			t.Errorf("after the %s the channel is gone: %s", name, text)
		}
	}
	_, before := d.am.Loaded()
	a.reloadChanged()
	if _, after := d.am.Loaded(); after != before {
		t.Errorf("without a change it was told to load %d times", after-before)
	}
	writeFile(t, d.base, "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
	if err := a.Reload(); err == nil || !strings.Contains(err.Error(), "alertmanager.base") {
		t.Errorf("a base without a place for channels: %v", err)
	}
	if text, _ := d.am.Loaded(); !strings.Contains(text, "name: hc-live") {
		t.Errorf("it runs %s", text)
	}
}

// Without the section nobody makes channels; Alertmanager goes on with what it has, and another exporter may write there.
func TestChannelsEndWithTheSection(t *testing.T) {
	d := newChannelDesk(t)
	a := started(t, d.o)
	a.loadEvery = 0
	a.channel(t, "live", slackChannel)
	writeFile(t, d.o.ConfigFile, deskUsers)
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.channels.Put(t.Context(), alice(), "live", []byte(slackChannel)); !errors.Is(err, channels.ErrOff) {
		t.Errorf("without the section: %v, want ErrOff", err)
	}
	if _, err := a.channelTests.Start("live", "alice"); !errors.Is(err, channels.ErrOff) {
		t.Errorf("a test without the section: %v, want ErrOff", err)
	}
	if all := a.channels.Standings(); len(all) != 0 {
		t.Errorf("it looks after %v", all)
	}
	if text, err := os.ReadFile(d.file()); err != nil || !strings.Contains(string(text), "name: hc-live") {
		t.Errorf("what was written is gone: %v", err)
	}
	until(t, "another exporter to be able to write there", func() bool {
		lock, err := (&alertconf.Place{Dir: d.dir}).Lock()
		return err == nil && lock.Close() == nil
	})
	writeFile(t, d.o.ConfigFile, d.config(""))
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	d.runs(t, a, "name: hc-live")
	if c, ok := a.channels.Channel("live"); !ok || !c.Secret.Set {
		t.Errorf("with the section again the channel is %+v, %v", c, ok)
	}
}

// A test would reach whomever the routes of an Alertmanager have that does not run the channels, so it is not sent.
func TestTestOfAnotherConfiguration(t *testing.T) {
	d := newChannelDesk(t)
	a := started(t, d.o)
	a.channel(t, "live", slackChannel)
	d.runs(t, a, "name: hc-live")
	writeFile(t, d.file(), "route: {receiver: everybody}\nreceivers: [{name: everybody}]\n")
	if _, err := a.channels.Apply(t.Context(), managed.Author{Name: "alice", May: func(...string) error { return nil }}, false); !errors.Is(err, alertconf.ErrFileChanged) {
		t.Fatalf("publishing over a file of somebody else: %v", err)
	}
	until(t, "the change of the file to be seen", func() bool { return a.channels.Standings()[0].State == alertconf.FileChanged })
	if _, err := a.channelTests.Start("live", "alice"); err != nil {
		t.Fatal(err)
	}
	until(t, "the test to end", func() bool { last, _ := a.channelTests.Last("live"); return !last.Ended.IsZero() })
	if last, _ := a.channelTests.Last("live"); last.OK || len(last.Hops) > 0 || !strings.Contains(last.Error, "file_changed") || d.am.Firing() != 0 {
		t.Errorf("the test is %+v, want that nothing was sent", last)
	}
}

// Two exporters do not write to one directory. A load that finds it taken changes nothing.
func TestChannelsAreLocked(t *testing.T) {
	d := newChannelDesk(t)
	a := started(t, d.o)
	a.channel(t, "live", slackChannel)
	second := d.o
	second.StoragePath = t.TempDir()
	if _, err := New(second); err == nil || !strings.Contains(err.Error(), d.dir) || !strings.Contains(err.Error(), "alertmanager.dir") {
		t.Errorf("another exporter: %v, want an error that names the directory", err)
	}
	second.ConfigFile = configFile(t, deskUsers+"targets: [{name: old, url: 'http://127.0.0.1:1/'}]\n")
	other := started(t, second)
	other.loadEvery = 0
	writeFile(t, second.ConfigFile, d.config("managed: {targets: true}\ntargets: [{name: new, url: 'http://127.0.0.1:1/'}]\n"))
	if err := other.Reload(); err == nil || !strings.Contains(err.Error(), d.dir) {
		t.Errorf("a reload: %v, want an error that names the directory", err)
	}
	if other.currentInventory().ByName("old") == nil || other.currentInventory().ByName("new") != nil {
		t.Error("a load that failed has changed the targets")
	}
	if err := other.managed.Writable(); !errors.Is(err, managed.ErrReadOnly) {
		t.Errorf("after a load that failed: %v, want that targets are read-only as before", err)
	}
	if err := other.channels.Writable(); !errors.Is(err, channels.ErrOff) {
		t.Errorf("after a load that failed: %v, want that there are no channels as before", err)
	}
	a.channel(t, "more", slackChannel)
	d.runs(t, a, "name: hc-more")
	stopped(t, a)
	if err := other.Reload(); err != nil {
		t.Errorf("after the first has ended: %v", err)
	}
}

// An Alertmanager that hangs holds up neither the start nor the end.
func TestStopWhileAlertmanagerHangs(t *testing.T) {
	d := newChannelDesk(t)
	d.am.Set("", probetest.QuirkHangs)
	a := started(t, d.o)
	until(t, "the first look", func() bool { return len(a.channels.Standings()) > 0 || time.Since(a.made) > time.Second })
	began := time.Now()
	stopped(t, a)
	if took := time.Since(began); took > 5*time.Second { // it is 10 s that an Alertmanager may take
		t.Errorf("the end took %s", took)
	}
}

// A change that waits for an Alertmanager ends before the exporter does, and is kept.
func TestStopWhilePublishing(t *testing.T) {
	d := newChannelDesk(t)
	a := started(t, d.o)
	d.runs(t, a, "# Written by")
	d.am.Set("", probetest.QuirkHangs)
	answered := make(chan string, 1)
	go func() {
		answered <- putChannel(t, "http://"+a.Addr().String()+"/api/v1/channels/live", slackChannel)
	}()
	until(t, "the Alertmanager to be told", func() bool { return d.am.Waiting() > 0 })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		stopped(t, a)
	}()
	until(t, "the end to begin", func() bool { return !a.ready.Load() })
	d.am.Set("", probetest.QuirkNone)
	within(t, "Stop", func() { <-ended })
	if code := <-answered; code != "201 Created" {
		t.Errorf("the change was answered with %s", code)
	}
	a = started(t, d.o)
	if c, ok := a.channels.Channel("live"); !ok || !c.Secret.Set {
		t.Errorf("after the end the channel is %+v, %v", c, ok)
	}
}

// putChannel makes a channel as alice, and returns the status.
func putChannel(t *testing.T, url, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer canary-token-of-alice-0123456789")
	resp, err := client.Do(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	return resp.Status
}

// A test under way ends its alert before the exporter does.
func TestStopWhileTesting(t *testing.T) {
	d := newChannelDesk(t)
	a := started(t, d.o)
	a.channel(t, "live", slackChannel)
	d.am.Set("", probetest.QuirkSlow) // it takes alerts and delivers nothing
	if _, err := a.channelTests.Start("live", "alice"); err != nil {
		t.Fatal(err)
	}
	until(t, "the alert", func() bool { return d.am.Firing() == 1 })
	began := time.Now()
	stopped(t, a)
	if n, took := d.am.Firing(), time.Since(began); n != 0 || took > 10*time.Second { // it is 45 s that a hop may take
		t.Errorf("%d alerts still fire after %s", n, took)
	}
}

// A channel that goes to the restart receiver can be tested: nothing is restarted.
func TestTestOfRestartReceiver(t *testing.T) {
	d := newChannelDesk(t)
	a := build(t, d.o)
	run(t, a)
	a.loadEvery = 0
	writeFile(t, d.base, smallBase+fmt.Sprintf(`  - name: restart
    webhook_configs:
      - {url: 'http://%s/webhook/alertmanager', http_config: {authorization: {credentials: s3cret}}}
`, a.Addr()))
	writeFile(t, d.o.ConfigFile, d.config(`
targets: [{name: shop, url: 'http://127.0.0.1:1/', environment: LIVE}]
restart:
  mode: enforce
  receiver: {bearer_token: s3cret}
  services: [{name: shop, checks: [{target: shop}], command: {argv: [/bin/false]}}]
`))
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	waitForServices(t, a)
	a.channel(t, "restarts", `{"type":"receiver","receiver":"restart","matchers":["target=\"shop\"","environment=\"LIVE\""]}`)
	if _, err := a.channelTests.Start("restarts", "alice"); err != nil {
		t.Fatal(err)
	}
	until(t, "the test to end", func() bool { last, _ := a.channelTests.Last("restarts"); return !last.Ended.IsZero() })
	if last, _ := a.channelTests.Last("restarts"); !last.OK {
		t.Errorf("the test is %+v", last)
	}
	e, err := a.restarts.Service("shop")
	if err != nil || e.TestedAt.IsZero() || e.Alerts != 0 || !e.AlertedAt.IsZero() {
		t.Errorf("the service is %+v, %v, want that it got a test alert and nothing more", e, err)
	}
}

// Where all Alertmanagers are elsewhere, nobody can be asked from here, and the test says so.
func TestChannelsElsewhere(t *testing.T) {
	d := newChannelDesk(t)
	before, _, _ := strings.Cut(d.config(""), "  servers:")
	d.o.ConfigFile = configFile(t, before)
	a := started(t, d.o)
	a.channel(t, "live", slackChannel)
	if all := a.channels.Standings(); len(all) != 1 || all[0].Server != "far" {
		t.Errorf("it knows of %+v, want the one that far stands for", all)
	}
	if _, err := a.channelTests.Start("live", "alice"); err != nil {
		t.Fatal(err)
	}
	until(t, "the test to end", func() bool { last, _ := a.channelTests.Last("live"); return !last.Ended.IsZero() })
	if last, _ := a.channelTests.Last("live"); last.OK || !strings.Contains(last.Error, "alertmanager.servers") {
		t.Errorf("the test is %+v, want that no server is known", last)
	}
	if got := a.silences.For(nil); len(got) != 0 {
		t.Errorf("silences %v", got)
	}
}

// Silences are those of the first Alertmanager that answers.
func TestSilences(t *testing.T) {
	d := newChannelDesk(t)
	text := strings.Replace(d.config(""), "servers: [", "servers: [{name: away, url: 'http://127.0.0.1:1'}, ", 1)
	d.o.ConfigFile = configFile(t, text+"targets: [{name: shop, url: 'http://127.0.0.1:1/', environment: LIVE}, {name: cart, url: 'http://127.0.0.1:1/cart'}]\n")
	now := time.Now()
	silence := func(id, state, target string) map[string]any {
		return map[string]any{
			"id": id, "createdBy": "carol", "comment": "deploy", "startsAt": now.Add(-time.Hour), "endsAt": now.Add(time.Hour), "updatedAt": now,
			"status": map[string]string{"state": state}, "matchers": []any{map[string]any{"name": "target", "value": target, "isRegex": true, "isEqual": true}},
		}
	}
	d.am.Silence(silence("a", "active", "sh.p"), silence("b", "expired", "shop"), silence("c", "pending", "shop"))
	a := started(t, d.o)
	of := func(name string) []channels.Silence {
		return a.silences.For(alertLabels(a.currentInventory().ByName(name)))
	}
	until(t, "the silences", func() bool { return len(of("shop")) > 0 })
	if got := of("shop"); len(got) != 1 || got[0].ID != "a" || got[0].CreatedBy != "carol" || got[0].Comment != "deploy" || !got[0].EndsAt.Equal(now.Add(time.Hour)) {
		t.Errorf("shop has %+v, want the one in force", got)
	}
	if got := of("cart"); len(got) != 0 {
		t.Errorf("cart has %+v", got)
	}
}

// An Alertmanager is asked with the credentials of the section.
func TestAlertmanagerClient(t *testing.T) {
	var header http.Header
	server := probetest.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { header = r.Header }))
	d := newChannelDesk(t)
	before, _, _ := strings.Cut(d.config(""), "  servers:")
	d.o.ConfigFile = configFile(t, before+"  servers: [{name: am-1, url: '"+server.URL+"', authorization: {credentials: canary}}]\n")
	a := build(t, d.o)
	all := *a.alertmanagers.current.Load()
	if _, err := all[0].api.Get(context.WithoutCancel(t.Context()), "x"); err != nil || header.Get("Authorization") != "Bearer canary" {
		t.Errorf("it is asked with %q, %v", header.Get("Authorization"), err)
	}
}

// People hear of an Alertmanager that needs them at once, and of one that may come back by itself later.
func TestUnsynced(t *testing.T) {
	now := time.Now()
	a := &App{made: now.Add(-time.Hour)}
	young := &App{made: now.Add(-settling / 2)}
	all := []alertconf.Standing{
		{Server: "fine", State: alertconf.InSync, InSyncAt: now},
		{Server: "silent", State: alertconf.Unverified},
		{Server: "away", State: alertconf.Unreachable, InSyncAt: now.Add(-settling)},
		{Server: "just away", State: alertconf.Unreachable, InSyncAt: now.Add(-settling / 2)},
		{Server: "never seen", State: alertconf.Pending},
		{Server: "edited", State: alertconf.FileChanged, InSyncAt: now},
		{Server: "refuses", State: alertconf.ReloadFailed, InSyncAt: now},
		{Server: "another", State: alertconf.NotLoaded},
	}
	for of, want := range map[*App]string{a: "refuses, edited, another, away, never seen", young: "refuses, edited"} {
		var names []string
		for _, s := range of.troubled(all) {
			names = append(names, s.Server)
		}
		if got := strings.Join(names, ", "); got != want {
			t.Errorf("people hear of %q, want %q", got, want)
		}
	}
	if len(urgency) != len(alertconf.States())-2 {
		t.Error("a state is missing")
	}
}
