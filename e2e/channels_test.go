//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// channelsBase is a base file with short times.
const channelsBase = `templates: [healthcheck.tmpl]
route:
  receiver: nobody
  group_by: [alertname, environment, healthcheck_test]
  group_wait: 100ms
  group_interval: 200ms
  repeat_interval: 4h
  routes:
    - receiver: healthcheck-channels
      matchers: ['alertname=~"Healthcheck.+"']
receivers:
  - name: nobody
  - name: healthcheck-channels
    slack_configs:
      - {api_url_file: FALLBACK, title: '{{ template "healthcheck.title" . }}', text: '{{ template "healthcheck.text" . }}', fallback: x, send_resolved: false}
`

// A channelStack is a Publisher with real Alertmanagers and a fake Slack.
type channelStack struct {
	slack   *fakeslack.Server
	servers []*harness.Alertmanager
	pub     *alertconf.Publisher
	base    []byte
	// secrets are those that were published last.
	secrets  map[string]string
	revision uint64
}

// memory is an alertconf.Memory that ends with the test.
type memory struct{ written alertconf.Written }

func (m *memory) Written() (alertconf.Written, error)  { return m.written, nil }
func (m *memory) SetWritten(w alertconf.Written) error { m.written = w; return nil }

// startChannels starts an Alertmanager of each program, all with one configuration without channels.
func startChannels(t *testing.T, programs ...string) *channelStack {
	t.Helper()
	dir, ctx := t.TempDir(), context.WithoutCancel(t.Context())
	slack, err := fakeslack.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(slack.Refused(), slack.Close()); err != nil {
			t.Error(err)
		}
	})
	s := &channelStack{slack: slack, secrets: map[string]string{}}
	s.pub = &alertconf.Publisher{Place: alertconf.Place{Dir: dir}, Memory: &memory{}}
	text, err := os.ReadFile(binaries.Shipped("examples", "alertmanager", "healthcheck.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	fallback := filepath.Join(dir, "fallback")
	for file, text := range map[string][]byte{filepath.Join(dir, "healthcheck.tmpl"): text, fallback: []byte(slack.URL("fallback"))} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.base = []byte(strings.Replace(channelsBase, "FALLBACK", fallback, 1))
	s.publish(t) // nobody is there yet
	for i, program := range programs {
		s.add(t, fmt.Sprintf("am-%d", i+1), program)
	}
	return s
}

func (s *channelStack) add(t *testing.T, name, program string) {
	t.Helper()
	dir := s.pub.Place.Dir
	// Not t's own: that ends before the logs are read.
	am, err := harness.StartAlertmanager(context.WithoutCancel(t.Context()), harness.AlertmanagerOptions{
		Program: program, Dir: t.TempDir(), Config: filepath.Join(dir, "alertmanager.yml"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(name, am.Log())
		}
		am.Stop()
	})
	api, err := remote.Connect(remote.Options{Name: name, Kind: "an Alertmanager", URL: am.URL(), User: "test", MaxAnswer: alertconf.MaxMetrics})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	s.servers = append(s.servers, am)
	s.pub.Servers = append(s.pub.Servers, alertconf.NewHTTPServer(name, api))
}

// live is a channel of that name that takes an environment.
func live(name string, matchers ...string) alertconf.Channel {
	return alertconf.Channel{Name: name, Kind: alertconf.SlackWebhook, Enabled: true, SendResolved: true, Matchers: matchers}
}

func (s *channelStack) render(t *testing.T, channels ...alertconf.Channel) []byte {
	t.Helper()
	s.revision++
	text, err := alertconf.Render(s.base, channels, alertconf.Rendering{Base: "base.yml", Revision: s.revision, Secrets: s.pub.Place.Secrets()})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// publish makes these the channels.
func (s *channelStack) publish(t *testing.T, channels ...alertconf.Channel) time.Time {
	t.Helper()
	u := alertconf.Update{Config: s.render(t, channels...), Secrets: map[string]string{}}
	for _, c := range channels {
		if c.Kind == alertconf.SlackWebhook {
			u.Secrets[c.Name] = s.slack.URL(c.Name)
		}
	}
	at := time.Now()
	if err := s.pub.Publish(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	s.wants(t, alertconf.InSync)
	return at
}

// wants wants all servers in that state.
func (s *channelStack) wants(t *testing.T, state alertconf.State) {
	t.Helper()
	for _, st := range s.pub.Standings() {
		if st.State != state {
			t.Errorf("%s is %s (%s), want %s", st.Server, st.State, st.Detail, state)
		}
	}
}

func (s *channelStack) post(t *testing.T, labels ...string) {
	t.Helper()
	a := harness.Alert{Labels: map[string]string{}, Annotations: map[string]string{"summary": "x"}, StartsAt: time.Now()}
	for _, l := range labels {
		name, value, _ := strings.Cut(l, "=")
		a.Labels[name] = value
	}
	for _, am := range s.servers {
		if err := am.Post(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
}

// told counts the messages by channel.
func (s *channelStack) told() map[string]int {
	n := map[string]int{}
	for _, m := range s.slack.Messages() {
		n[m.Channel]++
	}
	return n
}

// settled is how long nothing more may come.
const settled = 2 * time.Second

// stays wants that so many messages come, and that no others follow.
func (s *channelStack) stays(t *testing.T, want map[string]int) {
	t.Helper()
	stays(t, s.told, want)
}

// stays wants that what was told becomes that, and stays so.
func stays(t *testing.T, told func() map[string]int, want map[string]int) {
	t.Helper()
	err := harness.Until(t.Context(), patience, "messages", func(context.Context) (bool, error) { return maps.Equal(told(), want), nil })
	if err == nil {
		err = harness.Throughout(t.Context(), settled, func(context.Context) error {
			if !maps.Equal(told(), want) {
				return errors.New("more messages come")
			}
			return nil
		})
	}
	if err != nil {
		t.Fatalf("%v (-want +got):\n%s", err, cmp.Diff(want, told()))
	}
}

// alertmanagers are the programs to test with: that of Debian, and a new one.
func alertmanagers(t *testing.T) map[string]string {
	t.Helper()
	newest, err := binaries.Newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"Debian": binaries.Debian(), "newest": newest}
}

// TestChannels counts who hears of what while channels come, are switched, and change.
func TestChannels(t *testing.T) {
	t.Parallel()
	for name, program := range alertmanagers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startChannels(t, program)
			s.publish(t)
			s.post(t, "alertname=HealthcheckTargetSlow", "environment=LIVE")
			s.stays(t, map[string]int{"#fallback": 1})

			at := s.publish(t, live("live", `environment="LIVE"`))
			s.stays(t, map[string]int{"#fallback": 1, "#live": 1})
			t.Logf("from Publish to the first message: %s", s.slack.Messages()[1].At.Sub(at))
			s.post(t, "alertname=HealthcheckTargetFlapping", "environment=LIVE")
			s.stays(t, map[string]int{"#fallback": 1, "#live": 2})

			off := live("live", `environment="LIVE"`)
			off.Enabled = false
			s.publish(t, off)
			s.post(t, "alertname=HealthcheckErrorBudgetBurn", "environment=LIVE")
			s.stays(t, map[string]int{"#fallback": 1, "#live": 2})
			s.post(t, "alertname=HealthcheckTargetDown", "environment=LIVE", "healthcheck_test=true", "healthcheck_channel=live", "healthcheck_test_id=1")
			s.stays(t, map[string]int{"#fallback": 1, "#live": 3})

			at = s.publish(t, live("live", `environment="LIVE"`)) // told of what has begun since, and not of the rest
			s.stays(t, map[string]int{"#fallback": 1, "#live": 4})
			t.Logf("from Publish to a channel that is on again: %s", s.slack.Messages()[4].At.Sub(at))

			s.publish(t, live("all"), live("live", `environment="LIVE"`)) // it sorts before live
			s.stays(t, map[string]int{"#fallback": 1, "#live": 4, "#all": 3})
			s.publish(t, live("all"), live("live", `environment="LIVE"`), live("zoo", `environment="ZOO"`))
			s.stays(t, map[string]int{"#fallback": 1, "#live": 4, "#all": 3})
			s.publish(t, live("all"), live("live", `environment=~"LIVE|STAGE"`), live("zoo", `environment="ZOO"`))
			s.stays(t, map[string]int{"#fallback": 1, "#live": 7, "#all": 3})

			s.post(t, "alertname=HealthcheckTargetDown", "environment=LIVE", "healthcheck_test=true", "healthcheck_channel=live", "healthcheck_test_id=2")
			s.stays(t, map[string]int{"#fallback": 1, "#live": 8, "#all": 3})
			s.noSecretIn(t, program)
		})
	}
}

// noSecretIn looks for the URLs of Slack where people may look.
func (s *channelStack) noSecretIn(t *testing.T, program string) {
	t.Helper()
	config, err := s.pub.Place.Config()
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"the configuration": string(config), "the log of " + program: s.servers[0].Log()} {
		if strings.Contains(text, "notARealWebhook") {
			t.Errorf("%s has a secret", where)
		}
	}
}

// TestChannelsRefused publishes what Alertmanager refuses, each in another way: all goes back.
func TestChannelsRefused(t *testing.T) {
	t.Parallel()
	for name, program := range alertmanagers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startChannels(t, program)
			s.publish(t, live("live", `environment="LIVE"`))
			before, err := s.pub.Place.Config()
			if err != nil {
				t.Fatal(err)
			}
			broken := filepath.Join(s.pub.Place.Dir, "broken.tmpl")
			if err := os.WriteFile(broken, []byte(`{{ define "x" }}{{ if }}`), 0o600); err != nil {
				t.Fatal(err)
			}
			for what, replaced := range map[string][2]string{
				"unknown receiver": {"receiver: hc-live", "receiver: nowhere"},
				"unknown key":      {"group_interval: 30s", "group_interval: 30s\n          unknown_key: 1"},
				"broken matcher":   {`'environment="LIVE"'`, `'environment=~"("'`},
				"broken template":  {"[healthcheck.tmpl]", "[healthcheck.tmpl, broken.tmpl]"},
				"empty file":       {string(before), ""},
			} {
				config := strings.Replace(string(before), replaced[0], replaced[1], 1)
				if config == string(before) {
					t.Fatalf("%s: nothing was replaced", what)
				}
				err := s.pub.Publish(t.Context(), alertconf.Update{Config: []byte(config), Secrets: map[string]string{"live": "another"}})
				refused, ok := errors.AsType[*alertconf.RefusedError](err)
				if !ok {
					t.Errorf("%s: got %v, want that it is refused", what, err)
					continue
				}
				t.Logf("%s: %v", what, refused)
				after, err := s.pub.Place.Config()
				if err != nil || !bytes.Equal(after, before) {
					t.Errorf("%s: the file is not as before, %v", what, err)
				}
				s.wants(t, alertconf.InSync)
				s.runs(t, before)
			}
			s.missing(t, before)
			s.post(t, "alertname=HealthcheckTargetSlow", "environment=LIVE", "target=a")
			s.stays(t, map[string]int{"#live": 1}) // with the secret as it was
		})
	}
}

// runs wants that all servers say that they run a configuration, by its hash and by its text.
func (s *channelStack) runs(t *testing.T, config []byte) {
	t.Helper()
	for i, server := range s.pub.Servers {
		hash, known, err := server.Loaded(t.Context())
		if want := alertconf.LoadedHash(config); !known || err != nil || hash != want {
			t.Errorf("%s has the hash %.0f (%v, %v), want %.0f", server.Name(), hash, known, err, want)
		}
		text, err := s.servers[i].Original(t.Context())
		if err != nil || strings.Contains(text, "unknown_key") || strings.Contains(text, "nowhere") {
			t.Errorf("%s runs something else, %v", server.Name(), err)
		}
	}
}

// missing publishes what Alertmanager accepts and then fails on.
func (s *channelStack) missing(t *testing.T, before []byte) {
	t.Helper()
	for what, replaced := range map[string][2]string{
		"a secret":            {s.pub.Place.Secrets() + "/live", s.pub.Place.Secrets() + "/gone"},
		"a file of templates": {"[healthcheck.tmpl]", "[healthcheck.tmpl, 'gone*.tmpl']"},
		"a template":          {`template "healthcheck.title"`, `template "healthcheck.gone"`},
	} {
		config := strings.Replace(string(before), replaced[0], replaced[1], 1)
		err := s.pub.Publish(t.Context(), alertconf.Update{Config: []byte(config)})
		if missing, ok := errors.AsType[*alertconf.MissingError](err); !ok || len(missing.Missing) != 1 {
			t.Errorf("%s is missing: got %v", what, err)
		}
	}
}

// TestChannelsDrift follows two Alertmanagers of different versions through what becomes of a file and of them.
func TestChannelsDrift(t *testing.T) {
	t.Parallel()
	programs := alertmanagers(t)
	s := startChannels(t, programs["Debian"], programs["newest"])
	s.publish(t, live("live", `environment="LIVE"`))
	ours, err := s.pub.Place.Config()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.pub.Place.Dir, "alertmanager.yml")
	put := func(text []byte) {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	look := func(want error, state alertconf.State) {
		t.Helper()
		if err := s.pub.Look(t.Context()); !errors.Is(err, want) {
			t.Errorf("a look finds %v, want %v", err, want)
		}
		s.wants(t, state)
	}

	// Somebody else changes the file: found, not overwritten, and not loaded.
	put(append([]byte("# mine\n"), ours...))
	look(alertconf.ErrFileChanged, alertconf.FileChanged)
	err = s.pub.Publish(t.Context(), alertconf.Update{Config: s.render(t)})
	if !errors.Is(err, alertconf.ErrFileChanged) {
		t.Errorf("it is overwritten: %v", err)
	}
	s.runs(t, ours)

	// He loads it, and puts the file back: they run something else.
	for _, server := range s.pub.Servers {
		if err := server.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	put(ours)
	look(nil, alertconf.InSync)
	s.runs(t, ours)

	// What one version refuses, the other does not keep. Debian's does not know this key.
	newer := strings.Replace(string(ours), "  - name: nobody", "  - name: nobody\n    mattermost_configs: [{webhook_url: 'http://127.0.0.1:1/'}]", 1)
	err = s.pub.Publish(t.Context(), alertconf.Update{Config: []byte(newer)})
	refused, ok := errors.AsType[*alertconf.RefusedError](err)
	if !ok || !strings.Contains(refused.Error(), "am-1") {
		t.Errorf("got %v, want that am-1 refuses it", err)
	}
	t.Log(err)
	s.wants(t, alertconf.InSync)
	s.runs(t, ours)

	// One is away while a channel is published. When it is back it runs it.
	s.servers[1].Stop()
	if err := s.pub.Publish(t.Context(), alertconf.Update{Config: s.render(t, live("live"))}); err != nil {
		t.Fatal(err)
	}
	if got := s.pub.Standings(); got[0].State != alertconf.InSync || got[1].State != alertconf.Pending {
		t.Errorf("they are %v", got)
	}
	if err := s.servers[1].Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	look(nil, alertconf.InSync)

	// The exporter is killed with a change half done: the next one ends it.
	now, err := s.pub.Place.Config()
	if err != nil {
		t.Fatal(err)
	}
	next := s.render(t, live("live", `environment="STAGE"`))
	m := &memory{alertconf.Written{Digest: alertconf.Digest(next), Before: alertconf.Digest(now), Changing: true}}
	put(next)
	s.pub = &alertconf.Publisher{Place: s.pub.Place, Servers: s.pub.Servers, Memory: m}
	for _, config := range [][]byte{next, now} { // whether the change was kept or not
		if err := s.pub.Publish(t.Context(), alertconf.Update{Config: config}); err != nil {
			t.Fatal(err)
		}
		s.wants(t, alertconf.InSync)
		s.runs(t, config)
	}
}
