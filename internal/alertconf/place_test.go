package alertconf

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The hash that Alertmanager has of no bytes at all.
func TestLoadedHash(t *testing.T) {
	if got, want := LoadedHash(nil), float64(0x04b2008fd98c1dd4&0xffffffffffff); got != want {
		t.Errorf("got %.0f, want %.0f", got, want)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCheckFindsWhatIsMissing(t *testing.T) {
	p := Place{Dir: t.TempDir(), SeenAs: "/etc/am"}
	write(t, filepath.Join(p.Dir, "healthcheck.tmpl"), "{{ define \"healthcheck.title\" }}x{{ end }}{{- define \"healthcheck.text\" -}}x{{block `healthcheck.foot` .}}{{ end }}{{ end }}")
	write(t, filepath.Join(p.Dir, "empty"), "")
	if err := p.setSecret("live", "https://hooks.slack.com/x"); err != nil {
		t.Fatal(err)
	}
	const config = `templates: [healthcheck.tmpl, '*.none', /etc/am/healthcheck.tmpl]
receivers:
- name: a
  slack_configs: [{api_url_file: /etc/am/channel-secrets/live, title: '{{ template "healthcheck.title" . }}'}, {api_url_file: /etc/am/channel-secrets/gone}, {api_url_file: relative}]
- name: b
  webhook_configs: [{http_config: {authorization: {credentials_file: empty}, tls_config: {ca_file: gone}}}]
- {name: again, webhook_configs: [{http_config: {tls_config: {&f ca_file: gone}}}, {http_config: {tls_config: {*f : gone-too}}}]}
- name: c
  slack_configs: [{title: '{{ template "slack.default.title" . }}', text: '{{ template "healthcheck.body" . }}{{ template "healthcheck.text" . }}{{ template "healthcheck.foot" . }}'}]
`
	missing, _ := errors.AsType[*MissingError](p.Check([]byte(config), nil))
	want := []string{
		fmt.Sprintf(`line 1: no file matches the template %q: messages would fail`, filepath.Join(p.Dir, "*.none")),
		`line 4: api_url_file "/etc/am/channel-secrets/gone" is missing or empty: messages would fail; type the secret of the channel again, or copy channel-secrets from where alertmanager.dir was before`,
		`line 6: credentials_file "empty" is missing or empty: messages would fail`,
		`line 6: ca_file "gone" is missing or empty: messages would fail`,
		`line 7: ca_file "gone-too" is missing or empty: messages would fail`,
		`line 9: no file under templates defines "healthcheck.body": messages would fail`,
	}
	if missing == nil {
		t.Fatal("it finds nothing")
	}
	if diff := cmp.Diff(want, missing.Missing); diff != "" {
		t.Error(diff)
	}
}

// What the exporter may not look at is not missing.
func TestCheckWithoutPermission(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may look at everything")
	}
	p := Place{Dir: t.TempDir()}
	private := filepath.Join(p.Dir, "private")
	if err := os.Mkdir(private, 0); err != nil {
		t.Fatal(err)
	}
	for _, config := range []string{"a_file: PRIVATE/x", "templates: [PRIVATE/x.tmpl]", "templates: [PRIVATE/*.tmpl]"} {
		if err := p.Check([]byte(strings.ReplaceAll(config, "PRIVATE", private)), nil); err != nil {
			t.Errorf("%s: %v", config, err)
		}
	}
}

// Where a file of templates is not seen from here, nobody knows what it defines, whatever the others do. Without any file, only
// what Alertmanager brings is defined.
func TestCheckWithUnseenTemplates(t *testing.T) {
	p := Place{Dir: t.TempDir(), SeenAs: "/etc/am"}
	write(t, filepath.Join(p.Dir, "own.tmpl"), `{{ define "own" }}x{{ end }}`)
	const use = `
receivers: [{name: a, slack_configs: [{text: '{{ template "healthcheck.text" . }}'}]}]
`
	for templates, want := range map[string]bool{
		"[/elsewhere/x.tmpl, own.tmpl]": true, "[own.tmpl, /elsewhere/x.tmpl]": true, "[/elsewhere/x.tmpl]": true, "[own.tmpl]": false,
	} {
		if err := p.Check([]byte("templates: "+templates+use), nil); (err == nil) != want {
			t.Errorf("%s: %v", templates, err)
		}
	}
	for templates, want := range map[string]string{"[]": "want templates: [healthcheck.tmpl]", "[gone.tmpl]": "no file matches"} {
		missing, ok := errors.AsType[*MissingError](p.Check([]byte("templates: "+templates+use), nil))
		if !ok || len(missing.Missing) != 1 || !strings.Contains(missing.Error(), want) {
			t.Errorf("%s: %v, want %q and nothing else", templates, missing, want)
		}
	}
}

func TestSecrets(t *testing.T) {
	p := Place{Dir: t.TempDir(), Mode: 0o640}
	for _, name := range []string{"live", "서버/1"} {
		if err := p.setSecret(name, "s3cret-"+name); err != nil {
			t.Fatal(err)
		}
		if got, err := p.secret(name); got != "s3cret-"+name || err != nil || !p.HasSecret(name) {
			t.Errorf("%q has %q, %v", name, got, err)
		}
		if info, err := os.Stat(p.secretFile(name)); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%v, %v", info, err)
		}
	}
	if info, err := os.Stat(filepath.Join(p.Dir, secretsDir)); err != nil || info.Mode() != fs.ModeDir|fs.ModeSetgid|0o750 {
		t.Errorf("the directory has %v, %v", info.Mode(), err)
	}
	if err := p.sweep([]byte("x: [" + p.Secrets() + "/live]")); err != nil || !p.HasSecret("live") || p.HasSecret("서버/1") {
		t.Errorf("%v, or the wrong ones are there", err)
	}
	for range 2 {
		if err := p.setSecret("live", ""); err != nil || p.HasSecret("live") {
			t.Errorf("%v, or it is still there", err)
		}
	}
}

// A change that is refused leaves the secret that was there before.
func TestSecretIsPutBack(t *testing.T) {
	p, _ := newPublisher(t)
	use := "a_file: " + p.Place.Secrets() + "/live\n"
	publish := func(config, secret string) error {
		return p.Publish(t.Context(), Update{Config: []byte(config), Secrets: map[string]string{"live": secret}})
	}
	if err := publish(use, "one"); err != nil {
		t.Fatal(err)
	}
	var refused *RefusedError
	if err := publish(use+"refuse: 1", "two"); !errors.As(err, &refused) {
		t.Fatalf("got %v", err)
	}
	if got, err := p.Place.secret("live"); got != "one" || err != nil {
		t.Errorf("it has %q, %v", got, err)
	}
	var missing *MissingError
	if err := publish(use+"b_file: "+p.Place.Secrets()+"/gone", "two"); !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
	if got, err := p.Place.secret("live"); got != "one" || err != nil {
		t.Errorf("it has %q, %v", got, err)
	}
	if err := publish("a: 1", ""); err != nil || p.Place.HasSecret("live") {
		t.Errorf("%v, or the secret is still there", err)
	}
}

// However far a change of secrets came before the exporter was killed, the next Publish has those of before, unless it was kept.
func TestSecretsOfAnInterruptedChange(t *testing.T) {
	before := map[string]string{"changed": "old", "gone": "old", "stays": "old"}
	after := map[string]string{"changed": "new", "made": "new", "stays": "old"}
	for steps, name := range []string{"before", "noted", "remembered", "half written", "written", "loaded", "kept", "ended"} {
		t.Run(name, func(t *testing.T) {
			p, servers := newPublisher(t)
			use := func(secrets map[string]string, more string) []byte {
				text := []byte(more)
				for _, channel := range slices.Sorted(maps.Keys(secrets)) {
					text = fmt.Appendf(text, "\n%s_file: %s/%s", channel, p.Place.Secrets(), channel)
				}
				return text
			}
			old, next := use(before, "a: 1"), use(after, "a: 2")
			if err := p.Publish(t.Context(), Update{Config: old, Secrets: before}); err != nil {
				t.Fatal(err)
			}
			changed := map[string]string{"changed": "old", "made": ""}
			for i, do := range []func() error{
				func() error { return p.Place.noteSecrets(changed) },
				func() error {
					return p.Memory.SetWritten(Written{Digest: Digest(next), Before: Digest(old), Changing: true})
				},
				func() error { return p.Place.setSecret("changed", "new") },
				func() error { return errors.Join(p.Place.setSecret("made", "new"), p.Place.replace(next)) },
				func() error { return servers[0].Reload(t.Context()) },
				func() error { return p.Memory.SetWritten(Written{Digest: Digest(next)}) },
				func() error { return p.Place.forgetSecrets() },
			} {
				if i < steps {
					if err := do(); err != nil {
						t.Fatal(err)
					}
				}
			}
			want, config := before, old
			if steps >= 6 {
				want, config = after, next
			}
			again := &Publisher{Place: p.Place, Servers: p.Servers, Memory: p.Memory}
			if steps%2 == 0 {
				if err := again.Look(t.Context()); err != nil {
					t.Error(err)
				}
			}
			again.mustPublish(t, string(config))
			got := map[string]string{}
			entries, err := os.ReadDir(filepath.Join(p.Place.Dir, secretsDir))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				got[e.Name()], _ = p.Place.Secret(e.Name())
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if _, err := os.Stat(p.Place.secretsBefore()); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("what they were is left: %v", err)
			}
		})
	}
}

func TestLock(t *testing.T) {
	p := Place{Dir: t.TempDir()}
	first, err := p.Lock()
	if err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	if _, err := p.Lock(); !errors.As(err, &locked) || locked.Dir != p.Dir {
		t.Errorf("a second one gets %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := p.Lock()
	if err != nil {
		t.Fatalf("after the first: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

// A path of seen_as that is not in its shortest form must not make secrets look as if nobody needed them.
func TestSecretsSeenByALongPath(t *testing.T) {
	for _, seenAs := range []string{"/etc//am", "/etc/./am/", "/etc/x/../am", "/"} {
		p := Place{Dir: t.TempDir(), SeenAs: seenAs}
		if err := p.setSecret("live", "canary-live"); err != nil {
			t.Fatal(err)
		}
		config, err := Render([]byte(smallBase), []Channel{{Name: "live", Kind: SlackWebhook, Enabled: true}}, Rendering{Secrets: p.Secrets()})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.sweep(config); err != nil || !p.HasSecret("live") {
			t.Errorf("%s: the secret is gone (%v)", seenAs, err)
		}
		if err := p.setSecret("live", ""); err != nil {
			t.Fatal(err)
		}
		if err := p.Check(config, nil); err == nil {
			t.Errorf("%s: a secret that is gone is not missed", seenAs)
		}
	}
}

// The group must be able to enter the directory of secrets, also if a first attempt to let it has failed.
func TestSecretsDirIsForTheGroup(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are those of Unix")
	}
	p := Place{Dir: t.TempDir(), Mode: 0o640}
	dir := filepath.Join(p.Dir, secretsDir)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := p.setSecret("live", "canary-live"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("got %v, %v, want 0750", info.Mode(), err)
	}
}

// Who changes the mode in the configuration gets it for what is there already.
func TestModeIsChanged(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are those of Unix")
	}
	p, _ := newPublisher(t)
	config, secret := p.Place.config(), p.Place.secretFile("live")
	publish := func() {
		t.Helper()
		text := "a_file: " + p.Place.Secrets() + "/live"
		if err := p.Publish(t.Context(), Update{Config: []byte(text), Secrets: map[string]string{"live": "one"}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, mode := range []fs.FileMode{0o600, 0o640, 0o600} {
		p.Place.Mode = mode
		publish()
		for _, file := range []string{config, secret} {
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s has %v, %v, want %v", file, info.Mode(), err, mode)
			}
		}
		if info, err := os.Stat(filepath.Dir(secret)); err != nil || mode == 0o640 && info.Mode().Perm() != 0o750 {
			t.Errorf("the directory of the secrets has %v, %v", info.Mode(), err)
		}
	}
	if err := os.Chmod(config, 0o644); err != nil { // by hand
		t.Fatal(err)
	}
	publish()
	if info, err := os.Stat(config); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v, want that of somebody else", info.Mode(), err)
	}
}

// Whoever may test a channel of one environment must not inhibit alerts of others.
func TestTestAlertInhibitsNothing(t *testing.T) {
	c := Channel{Name: "dev", Matchers: []string{`environment="DEV"`, `alertname="HealthcheckExporterDown"`, `team="a"`}}
	want := map[string]string{
		"alertname": "HealthcheckTargetDown", "environment": "DEV", "team": "a", TestLabel: "true", TestChannelLabel: "dev",
	}
	if diff := cmp.Diff(want, c.TestLabels()); diff != "" {
		t.Error(diff)
	}
}

const smallBase = `route: {receiver: nobody, routes: [{receiver: healthcheck-channels}]}
receivers: [{name: nobody}, {name: healthcheck-channels}]
`
