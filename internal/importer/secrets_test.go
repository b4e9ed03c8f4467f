package importer

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// Each file of a secret belongs to a module that is used, and what is told of secrets is true.
func TestSecretsThatAreInUse(t *testing.T) {
	const codes = `"type": "http", "accepted_statuscodes": ["200-299"], `
	const bearer = `"authMethod": "bearer", "bearer_token": "canary-1"`
	header := func(v string) string { return `, "headers": "{\"Authorization\": \"` + v + `\"}"` }
	basic := base64.StdEncoding.EncodeToString([]byte("u:canary-2"))
	client := `client: {oauth2: {client-id: i, token-url: 'http://t/', client-secret: canary-1, scopes: [s]}}`
	oauth := client + `, conditions: ["[STATUS] == 200"]`
	for _, tt := range []struct {
		name, format, text string
		files              map[string]string
		told               string // of what is in the configuration, without files
	}{
		{"a token", "kuma", oneMonitor("http://a/", codes+bearer), map[string]string{"token_1": "canary-1"}, "its token is"},
		{"another token in a header", "kuma", oneMonitor("http://a/", codes+bearer+header("Bearer canary-2")), map[string]string{"token_1": "canary-2"}, "its token is"},
		{"a password in a header", "kuma", oneMonitor("http://a/", codes+bearer+header("Basic "+basic)), map[string]string{"password_1": "canary-2"}, "its password is"},
		{"a header that stays", "kuma", oneMonitor("http://a/", codes+bearer+header("canary-2")), nil, "its header Authorization is"},
		{
			"a header that stays, and OAuth2", "kuma",
			oneMonitor("http://a/", codes+`"authMethod": "oauth2-cc", "oauth_client_id": "i", "oauth_client_secret": "canary-1", "oauth_token_url": "http://t/"`+header("canary-2")),
			nil, "its header Authorization is",
		},
		{"a token for a WebSocket", "kuma", oneMonitor("ws://a/", `"type": "websocket-upgrade", `+bearer), map[string]string{"token_1": "canary-1"}, "its token is"},
		{"a client secret", "gatus", oneEndpoint("http://a/", oauth), map[string]string{"client_secret_1": "canary-1"}, "its client secret is"},
		{"a header that Gatus replaces", "gatus", oneEndpoint("http://a/", "headers: {authorization: Bearer canary-2}, "+oauth), map[string]string{"client_secret_1": "canary-1"}, "its client secret is"},
		{"a client secret that is not in use", "gatus", oneEndpoint("ws://a/", `headers: {Authorization: Bearer canary-2}, `+client+`, conditions: ["[CONNECTED] == true"]`), map[string]string{"token_1": "canary-2"}, "its token is"},
		{"a proxy", "gatus", oneEndpoint("http://a/", `client: {proxy-url: 'http://u:canary-1@proxy:8080'}, conditions: ["[STATUS] == 200"]`), nil, "the password of its proxy is"},
		{"a proxy that asks for none", "gatus", oneEndpoint("http://a/", `client: {proxy-url: 'http://u@proxy:8080'}, conditions: ["[STATUS] == 200"]`), nil, ""},
		{"headers that HTTP/2 does not have", "gatus", oneEndpoint("http://a/", `headers: {Connection: Upgrade, Authorization: Bearer canary-1}, conditions: ["[STATUS] == 200"]`), map[string]string{"token_1": "canary-1"}, "its token is"},
		{"what is not a key", "kuma", oneMonitor("https://a/", codes+`"authMethod": "mtls", "tlsCert": "x", "tlsKey": "canary-1"`), nil, ""},
		{"not a URL", "kuma", oneMonitor("http://a b/", codes+bearer), nil, ""},
		{"no accepted code", "kuma", oneMonitor("http://a/", `"type": "http", "accepted_statuscodes": [], `+bearer), nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			im := New(Options{Mask: prober.MaskURL})
			importText(t, im, tt.format, tt.text)
			var told []string
			for _, line := range im.Changed() {
				if _, what, ok := strings.Cut(line, `target "a": `); ok && strings.Contains(what, " in the configuration") {
					told = append(told, what)
				}
			}
			if got := strings.Join(told, "\n"); (got == "") != (tt.told == "") || len(told) > 1 || !strings.HasPrefix(got, tt.told) {
				t.Errorf("told %q, want %q", got, tt.told)
			}

			dir, files := t.TempDir(), map[string]string{}
			im = New(Options{Mask: prober.MaskURL, Keep: func(name, secret string) (string, error) {
				files[name] = secret
				return filepath.Join(dir, name), os.WriteFile(filepath.Join(dir, name), []byte(secret), 0o600)
			}})
			importText(t, im, tt.format, tt.text+"\n")
			if diff := cmp.Diff(tt.files, files); diff != "" && len(tt.files)+len(files) > 0 {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			out, err := im.YAML()
			if err != nil && !im.Empty() {
				t.Fatal(err)
			}
			said := strings.Join(im.Changed(), "\n")
			for name, secret := range files {
				if !strings.Contains(string(out), "_file: "+filepath.Join(dir, name)) || strings.Contains(string(out), secret) {
					t.Errorf("%s is not where it belongs:\n%s", name, out)
				}
				if !strings.Contains(said, fmt.Sprintf("is in the file %q", filepath.Join(dir, name))) {
					t.Errorf("nothing is told of %s: %s", name, said)
				}
			}
			if strings.Count(said, "is in the file") != len(files) || len(im.targets) == 0 && len(im.order) > 0 {
				t.Errorf("told %q of the files %v; modules %q", said, files, im.order)
			}
		})
	}
}

// What is read from a file has no spaces around it, so a secret that has some stays in the configuration.
func TestSecretWithSpaces(t *testing.T) {
	im := New(Options{Mask: prober.MaskURL, Keep: func(name, _ string) (string, error) {
		t.Errorf("%s has a file", name)
		return "", nil
	}})
	importText(t, im, "kuma", oneMonitor("http://a/", `"type": "http", "authMethod": "basic", "basic_auth_user": "u", "basic_auth_pass": "canary "`))
	c := imported(t, im)
	if m := c.Modules[c.Targets[0].Module]; m.HTTP.Client.BasicAuth.Password != "canary " {
		t.Error("the password is another one")
	}
	const want = `target "a": its password is in the configuration: it begins or ends with a space`
	if said := strings.Join(im.Changed(), "\n"); !strings.Contains(said, want) || strings.Contains(said, "canary") {
		t.Errorf("changed %s, want %s", said, want)
	}
}

// A private key ends with a line break, and has a file all the same.
func TestKeyHasAFile(t *testing.T) {
	cert, key := probetest.CertFiles(t, probetest.NewCA(t).Issue(t, probetest.Cert{}))
	quoted := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strconv.Quote(string(text))
	}
	files := map[string]string{}
	im := New(Options{Mask: prober.MaskURL, Keep: func(name, secret string) (string, error) {
		files[name] = secret
		return key, nil
	}})
	importText(t, im, "kuma", oneMonitor("https://a/", `"type": "http", "accepted_statuscodes": ["200-299"], "authMethod": "mtls", "tlsCert": `+quoted(cert)+`, "tlsKey": `+quoted(key)))
	imported(t, im)
	if got := files["key_1"]; len(files) != 1 || !strings.HasSuffix(got, "-----END PRIVATE KEY-----\n") {
		t.Errorf("files: %d, key_1 is %d bytes", len(files), len(got))
	}
}

// Two monitors with one secret share its file and are both told of it, also where one of them is dropped afterwards.
func TestSecretThatIsShared(t *testing.T) {
	files := map[string]string{}
	im := New(Options{Mask: prober.MaskURL, Keep: func(name, secret string) (string, error) {
		files[name] = secret
		return "/secrets/" + name, nil
	}})
	one := func(id, name, address string) string {
		return `{"id": ` + id + `, "name": "` + name + `", "url": "` + address + `", "type": "http", "accepted_statuscodes": ["200-299"], "authMethod": "bearer", "bearer_token": "canary"}`
	}
	importText(t, im, "kuma", "["+strings.Join([]string{one("1", "a", "http://a/"), one("2", "b", "http://b/"), one("3", "c", "http://c d/")}, ",")+"]")
	if diff := cmp.Diff(map[string]string{"token_1": "canary"}, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if want := `kuma: 2 targets ("a", "b"): its token is in the file "/secrets/token_1"`; !strings.Contains(strings.Join(im.Changed(), "\n"), want) {
		t.Errorf("changed %q, want %s", im.Changed(), want)
	}
	if len(im.order) != 1 || len(im.targets) != 2 {
		t.Errorf("modules %q, want one of the two targets; %d targets", im.order, len(im.targets))
	}
}

// A secret of a site is in no name and no label, and nothing that is told repeats it, whichever key has it.
func TestSecretsOfSitesAreNotShown(t *testing.T) {
	for _, more := range []string{
		"tags: [x, $API_KEY]", "tags: $API_KEY", "check: $API_KEY", "method: $API_KEY", "icon: $API_KEY", "slug: $API_KEY", "assignees: [$API_KEY]", "body: $API_KEY",
		"headers: ['User-Agent: $API_KEY']", "headers: ['$API_KEY: x']", "headers: [$API_KEY]", "expectedStatusCodes: [$API_KEY]", "maxResponseTime: $API_KEY",
		"__dangerous__body_degraded: $API_KEY", "__dangerous__body_down: $API_KEY", "maxRedirects: $API_KEY", "verbose: $API_KEY", "other: {$API_KEY: $API_KEY}",
	} {
		for _, secret := range []string{"canary", "Canary (x): y"} {
			im := New(Options{Mask: prober.MaskURL, Env: func(string) (string, bool) { return secret, true }})
			importText(t, im, "upptime", "sites: [{name: '$API_KEY', url: 'http://a/', "+more+"}]")
			seen := append(append(im.Dropped(), im.Changed()...), im.order...)
			for _, target := range imported(t, im).Targets {
				seen = append(seen, target.Name, fmt.Sprint(target.Labels))
			}
			if all := strings.Join(seen, "\n"); strings.Contains(strings.ToLower(all), "canary") {
				t.Errorf("%s: shown:\n%s", more, all)
			}
		}
	}
}
