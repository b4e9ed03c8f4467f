//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
)

// A desk is an exporter at which people make channels, with the Alertmanagers that run them and with those who hear of it.
type desk struct {
	pair    *harness.Pair
	slack   *fakeslack.Server
	hook    *harness.Hook
	servers []*harness.Alertmanager
	// dir is what Alertmanager reads.
	dir string
}

// deskOptions say what a desk is like. The zero value is one without an Alertmanager.
type deskOptions struct {
	// programs are one Alertmanager each.
	programs []string
	// base is the base file. Empty: deskBase. FALLBACK and HOOK in it are a file with a URL of Slack, and the address of the Hook.
	base string
	// section has more lines of the section alertmanager, and config of the rest.
	section, config string
	// syncs says that there is somebody who may fetch what an Alertmanager elsewhere is made of.
	syncs bool
	// mode is that of the directory. 0: 0700.
	mode os.FileMode
	// hosts and ca are those of harness.AlertmanagerOptions.
	hosts, ca string
}

// deskBase is channelsBase with a receiver that channels may use.
var deskBase = strings.Replace(channelsBase, "  - name: nobody\n", `  - name: nobody
  - name: pager
    webhook_configs: [{url: 'http://HOOK/pager', send_resolved: false}]
`, 1)

// clerks are those who come to a desk, with their roles, and remoteName is that of an Alertmanager elsewhere.
var clerks = map[string]string{"alice": "edit", "oscar": "operate", "rita": "read"}

const remoteName = "am-9"

// clerkToken is the token of one of them.
func clerkToken(who string) string { return who + "-" + strings.Repeat("x", 32) }

// openDesk starts a desk. At its end Slack must have liked every message.
func openDesk(t *testing.T, o deskOptions) *desk {
	t.Helper()
	ctx, root := context.WithoutCancel(t.Context()), t.TempDir() // t's own ends before the logs are read
	d := &desk{dir: filepath.Join(root, "am")}
	var errs [3]error
	d.slack, errs[0] = fakeslack.Start(ctx)
	d.hook, errs[1] = harness.StartHook(ctx)
	d.pair, errs[2] = harness.NewPair(ctx, binaries, root)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.close(t) })
	d.furnish(t, &o)
	var names []string
	for i, program := range o.programs {
		am, err := harness.NewAlertmanager(ctx, harness.AlertmanagerOptions{Program: program, Dir: t.TempDir(), Config: d.file(), Hosts: o.hosts, CA: o.ca})
		if err != nil {
			t.Fatal(err)
		}
		d.servers = append(d.servers, am)
		names = append(names, fmt.Sprintf("{name: am-%d, url: '%s'}", i+1, am.URL()))
	}
	write(t, root, "healthcheck.yml", d.config(&o, names))
	d.startExporter(t)
	awaitFor(t.Context(), t, patience, "a configuration of Alertmanager is written", func(context.Context) (bool, error) {
		_, err := os.Stat(d.file())
		return err == nil, nil
	})
	for _, am := range d.servers {
		if err := am.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	d.want(t, d.ask(t, "alice", http.MethodPost, "/api/v1/alertmanager/apply", ""), http.StatusOK, http.StatusAccepted)
	d.inSync(t)
	return d
}

// furnish writes what the Alertmanagers read and the exporter does not write.
func (d *desk) furnish(t *testing.T, o *deskOptions) {
	t.Helper()
	if o.mode == 0 {
		o.mode = 0o700
	}
	if err := errors.Join(os.Mkdir(d.dir, 0o700), os.Chmod(d.dir, o.mode)); err != nil { // whatever the umask
		t.Fatal(err)
	}
	text, err := os.ReadFile(binaries.Shipped("examples", "alertmanager", "healthcheck.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, d.dir, "healthcheck.tmpl", string(text))
	write(t, d.dir, "fallback", d.slack.URL("fallback"))
	if o.base == "" {
		o.base = deskBase
	}
	d.rebase(t, o.base)
}

// rebase writes the base file.
func (d *desk) rebase(t *testing.T, base string) {
	t.Helper()
	write(t, d.pair.Dir(), "base.yml", strings.NewReplacer("FALLBACK", filepath.Join(d.dir, "fallback"), "HOOK", d.hook.Address).Replace(base))
}

// config is what the exporter is told, with those servers.
func (d *desk) config(o *deskOptions, servers []string) string {
	slack, err := url.Parse(d.slack.APIURL())
	if err != nil {
		panic(err) // it is ours
	}
	var users []string
	for _, who := range slices.Sorted(maps.Keys(clerks)) {
		users = append(users, fmt.Sprintf("{name: %s, role: %s, bearer_token: %s}", who, clerks[who], clerkToken(who)))
	}
	if o.syncs {
		users = append(users, fmt.Sprintf("{name: %s, role: sync, bearer_token: %s}", remoteName, clerkToken(remoteName)))
	}
	return fmt.Sprintf(`modules: {http_2xx: {prober: http, timeout: 1s}}
access: {users: [%s]}
alertmanager:
  base: base.yml
  dir: '%s'
  channel_hosts: ['%s', '%s', slack.com]
  servers: [%s]
%s%s`, strings.Join(users, ", "), d.dir, slack.Host, d.hook.Address, strings.Join(servers, ", "), o.section, o.config)
}

// startExporter starts the exporter, also again.
func (d *desk) startExporter(t *testing.T) {
	t.Helper()
	if err := d.pair.StartExporter(context.WithoutCancel(t.Context()), "healthcheck.yml", "--log.level=debug"); err != nil {
		t.Fatal(err)
	}
}

// reload has the exporter read its configuration and the base file.
func (d *desk) reload(t *testing.T) reply {
	t.Helper()
	return d.ask(t, "alice", http.MethodPost, "/-/reload", "")
}

func (d *desk) close(t *testing.T) {
	if t.Failed() {
		t.Log(d.pair.Log())
		for i, am := range d.servers {
			t.Logf("am-%d %s", i+1, am.Log())
		}
		for _, m := range d.slack.Messages() {
			t.Logf("%s %s: %.200q", m.At.Format(time.StampMilli), m.Channel, m.Plain())
		}
	}
	d.pair.Stop()
	for _, am := range d.servers {
		am.Stop()
	}
	if err := errors.Join(d.slack.Refused(), d.slack.Close(), d.hook.Close()); err != nil {
		t.Error(err)
	}
}

// A reply is an answer of the exporter.
type reply struct {
	status int
	header http.Header
	body   string
	// asked is when the request was sent.
	asked time.Time
}

// ask sends a request by one of the clerks; an empty name is nobody's. Headers are names and values, one after the other.
func (d *desk) ask(t *testing.T, who, method, path, body string, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+d.pair.Exporter+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+clerkToken(who))
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	a := reply{asked: time.Now()}
	answer, err := noRedirects.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	a.status, a.header, a.body = answer.StatusCode, answer.Header, string(text)
	return a
}

// patiently is ask, once more if there were too many changes within a second.
func (d *desk) patiently(t *testing.T, who, method, path, body string, headers ...string) (a reply) {
	t.Helper()
	awaitThat(t, patience, "a change may be made", func() bool {
		a = d.ask(t, who, method, path, body, headers...)
		return a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == ""
	})
	return a
}

// awaitThat waits until something holds.
func awaitThat(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	awaitFor(t.Context(), t, limit, what, func(context.Context) (bool, error) { return ok(), nil })
}

// noRedirects shows them. A change takes as long as the slowest Alertmanager, of which each has 10 s.
var noRedirects = &http.Client{Timeout: 40 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// want wants an answer with one of those statuses.
func (d *desk) want(t *testing.T, a reply, statuses ...int) reply {
	t.Helper()
	if !slices.Contains(statuses, a.status) {
		t.Fatalf("got status %d, want one of %d: %.1000s", a.status, statuses, a.body)
	}
	return a
}

// problem wants that a request was refused in that way, and returns what was said.
func (a *reply) problem(t *testing.T, status int, kind string) string {
	t.Helper()
	var p struct{ Type, Detail string }
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != status || !strings.HasSuffix(p.Type, "#"+kind) {
		t.Errorf("got status %d, want %d and a problem of type %s: %s", a.status, status, kind, a.body)
	}
	return p.Detail
}

// read decodes an answer of status 200.
func read[T any](t *testing.T, d *desk, path string) (value T) {
	t.Helper()
	a := d.want(t, d.ask(t, "rita", http.MethodGet, path, ""), http.StatusOK)
	if err := json.Unmarshal([]byte(a.body), &value); err != nil {
		t.Fatalf("%s: %v: %s", path, err, a.body)
	}
	return value
}

// channelPath is where a channel is.
func channelPath(name string) string { return "/api/v1/channels/" + url.PathEscape(name) }

// object is JSON of keys and values, one after the other.
func object(pairs ...any) string {
	all := map[string]any{}
	for pair := range slices.Chunk(pairs, 2) {
		name, ok := pair[0].(string)
		if !ok {
			panic("a key is a string")
		}
		all[name] = pair[1]
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // it is ours
	}
	return string(text)
}

// webhookOf is the body of a channel of Slack.
func (d *desk) webhookOf(channel string, matchers ...string) string {
	return object("type", "slack_webhook", "url", d.slack.URL(channel), "matchers", slices.Concat([]string{}, matchers))
}

// put asks for a channel.
func (d *desk) put(t *testing.T, name, body string) reply {
	t.Helper()
	return d.ask(t, "alice", http.MethodPut, channelPath(name), body)
}

// create makes a channel that all Alertmanagers run.
func (d *desk) create(t *testing.T, name, body string) reply {
	t.Helper()
	a := d.want(t, d.put(t, name, body), http.StatusCreated)
	d.inSync(t)
	return a
}

// patch changes a channel; all Alertmanagers run it.
func (d *desk) patch(t *testing.T, name string, pairs ...any) reply {
	t.Helper()
	a := d.want(t, d.ask(t, "alice", http.MethodPatch, channelPath(name), object(pairs...), "If-Match", "*"), http.StatusOK)
	d.inSync(t)
	return a
}

// remove deletes a channel.
func (d *desk) remove(t *testing.T, name string) {
	t.Helper()
	d.want(t, d.ask(t, "alice", http.MethodDelete, channelPath(name), "", "If-Match", "*"), http.StatusNoContent)
	d.inSync(t)
}

// names are those of all channels.
func (d *desk) names(t *testing.T) []string {
	t.Helper()
	list := read[struct{ Channels []channels.Channel }](t, d, "/api/v1/channels")
	all := []string{}
	for i := range list.Channels {
		all = append(all, list.Channels[i].Name)
	}
	return all
}

// file is what the Alertmanagers read.
func (d *desk) file() string { return filepath.Join(d.dir, "alertmanager.yml") }

// written is what it has.
func (d *desk) written(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(d.file())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// standing is how the exporter says that a server is.
func (d *desk) standing(t *testing.T, server string) alertconf.Standing {
	t.Helper()
	for _, s := range read[channels.Alertmanager](t, d, "/api/v1/alertmanager").Servers {
		if s.Server == server {
			return s
		}
	}
	return alertconf.Standing{Server: server}
}

// awaitState waits until the exporter says that a server is so.
func (d *desk) awaitState(t *testing.T, server string, state alertconf.State, limit time.Duration) alertconf.Standing {
	t.Helper()
	s := d.standing(t, server)
	began := time.Now()
	defer func() {
		if t.Failed() {
			t.Logf("%s is %+v", server, s)
		}
	}()
	awaitThat(t, limit, fmt.Sprintf("%s is %s", server, state), func() bool {
		s = d.standing(t, server)
		return s.State == state
	})
	t.Logf("%s is %s after %s", server, state, time.Since(began).Round(10*time.Millisecond))
	return s
}

// inSync wants that the exporter says of all servers that they run the file, and that they do.
func (d *desk) inSync(t *testing.T) {
	t.Helper()
	for _, s := range read[channels.Alertmanager](t, d, "/api/v1/alertmanager").Servers {
		if s.State != alertconf.InSync && s.Server != remoteName {
			t.Errorf("%s is %s (%s), want %s", s.Server, s.State, s.Detail, alertconf.InSync)
		}
	}
	d.runs(t, d.written(t))
}

// runs wants that all Alertmanagers run a configuration.
func (d *desk) runs(t *testing.T, config []byte) {
	t.Helper()
	want := alertconf.LoadedHash(config)
	for i := range d.servers {
		if got := d.hash(t, i); got != want {
			t.Errorf("am-%d runs the hash %.0f, want %.0f", i+1, got, want)
		}
	}
}

// hash is that of what a server runs.
func (d *desk) hash(t *testing.T, server int) float64 {
	t.Helper()
	hash, err := d.servers[server].Hash(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// metric is the exporter's own word for whether a server runs the file.
func (d *desk) metric(t *testing.T, server string) float64 {
	t.Helper()
	m, err := d.pair.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m.Sum("healthcheck_exporter_alertmanager_in_sync", harness.Labels{"server": server})
}

// post sends an alert to all Alertmanagers. Labels are names and values with = between.
func (d *desk) post(t *testing.T, labels ...string) {
	t.Helper()
	a := harness.Alert{Labels: map[string]string{}, Annotations: map[string]string{"summary": "x"}, StartsAt: time.Now()}
	for _, l := range labels {
		name, value, _ := strings.Cut(l, "=")
		a.Labels[name] = value
	}
	for _, am := range d.servers {
		if err := am.Post(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
}

// told counts the messages, by the channel of Slack, and by the path of the Hook.
func (d *desk) told() map[string]int {
	n := map[string]int{}
	for _, m := range d.slack.Messages() {
		n[m.Channel]++
	}
	for _, c := range d.hook.Calls() {
		n[c.Path]++
	}
	return n
}

// firstTo is the first message to a channel of Slack.
func (d *desk) firstTo(t *testing.T, channel string) fakeslack.Message {
	t.Helper()
	var found fakeslack.Message
	awaitFor(t.Context(), t, patience, "a message to "+channel, func(context.Context) (bool, error) {
		all := d.slack.Messages()
		i := slices.IndexFunc(all, func(m fakeslack.Message) bool { return m.Channel == channel })
		if i >= 0 {
			found = all[i]
		}
		return i >= 0, nil
	})
	return found
}

// tested tests a channel and returns how that ended.
func (d *desk) tested(t *testing.T, name string) channels.Test {
	t.Helper()
	a := d.want(t, d.ask(t, "oscar", http.MethodPost, channelPath(name)+"/test", ""), http.StatusAccepted)
	if want := channelPath(name) + "/test"; !strings.HasSuffix(a.header.Get("Location"), want) {
		t.Errorf("the Location is %q, want %q", a.header.Get("Location"), want)
	}
	var test channels.Test
	awaitFor(t.Context(), t, patience, "the test of "+name+" ends", func(context.Context) (bool, error) {
		test = read[channels.Test](t, d, channelPath(name)+"/test")
		return !test.Ended.IsZero(), nil
	})
	t.Logf("the test of %s took %s: ok %t", name, test.Ended.Sub(test.Started).Round(10*time.Millisecond), test.OK)
	for _, h := range test.Hops {
		t.Logf("  %t %s %q", h.OK, h.Name, h.Said)
	}
	return test
}

// stillRuns wants that the file is as it was, and that all Alertmanagers run it, whatever the exporter says of them.
func (d *desk) stillRuns(t *testing.T, before []byte) {
	t.Helper()
	if after := d.written(t); !bytes.Equal(after, before) {
		t.Errorf("the file is not as before:\n%s", after)
	}
	d.runs(t, before)
}

// A scene is something that happens at a desk.
type scene struct {
	name string
	play func(t *testing.T)
}

// atOnce is how many scenes are played at once: they mostly wait.
const atOnce = 6

// TestDesk plays all scenes, many more at once than there are processors.
func TestDesk(t *testing.T) {
	t.Parallel()
	programs := alertmanagers(t)
	debian, newest := programs["Debian"], programs["newest"]
	var scenes []scene
	for _, s := range []struct { // the longest first
		name string
		play func(t *testing.T, debian, newest string)
	}{{"sync", sceneSync}, {"drift", sceneDrift}, {"changed", sceneChanged}, {"many", sceneMany}, {"secrets", sceneSecrets}, {"probed", sceneProbed}} {
		scenes = append(scenes, scene{s.name, func(t *testing.T) { s.play(t, debian, newest) }})
	}
	for _, s := range []struct {
		name string
		play func(t *testing.T, program string)
	}{{"told", sceneTold}, {"pending", scenePending}, {"refused", sceneRefused}, {"bot", sceneBot}} {
		for version, program := range programs {
			scenes = append(scenes, scene{s.name + " " + version, func(t *testing.T) { s.play(t, program) }})
		}
	}
	var wg sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for _, s := range scenes {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			t.Run(s.name, s.play)
		})
	}
	wg.Wait()
}
