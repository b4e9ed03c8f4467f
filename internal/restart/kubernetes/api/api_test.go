package api_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes/apitest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/once"
)

const thing = "/apis/apps/v1/namespaces/shop/deployments/web"

func server(t *testing.T) *apitest.Server {
	t.Helper()
	s := apitest.New(t)
	s.Create(t, thing, `{"kind": "Deployment"}`)
	return s
}

// get asks for the thing, and wants an error with this text, or success if it is empty.
func get(t *testing.T, c *api.Client, want string) {
	t.Helper()
	var got struct {
		Kind string `json:"kind"`
	}
	err := c.Do(t.Context(), api.Request{Method: http.MethodGet, Path: thing}, &got)
	switch {
	case want == "" && (err != nil || got.Kind != "Deployment"):
		t.Errorf("got %+v, %v, want the object", got, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error is %v, want one with %q", err, want)
	case err != nil && strings.Contains(err.Error(), "canary"):
		t.Errorf("error is %v, want no secret", err)
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The token and the authorities of a pod are replaced while it runs.
func TestInCluster(t *testing.T) {
	t.Cleanup(probetest.NoLeaks(t))
	s, dir := server(t), t.TempDir()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", u.Hostname())
	t.Setenv("KUBERNETES_SERVICE_PORT", u.Port())
	write(t, filepath.Join(dir, "ca.crt"), string(s.CA()))
	write(t, filepath.Join(dir, "token"), apitest.Token+"\n")
	c, err := api.InCluster(dir)
	if err != nil {
		t.Fatal(err)
	}
	get(t, c, "")
	s.Require("canary-2")
	get(t, c, "status 401 Unauthorized")
	write(t, filepath.Join(dir, "token"), "canary-2")
	get(t, c, "")

	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if _, err := api.New(api.Config{}); err == nil || !strings.Contains(err.Error(), "has to run in a pod") {
		t.Errorf("outside of a cluster: error is %v", err)
	}
}

// config writes a kubeconfig for the server's cluster, with more keys of the cluster and of the user.
func config(t *testing.T, s *apitest.Server, cluster, user string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "ca.pem"), string(s.CA()))
	write(t, filepath.Join(dir, "token"), apitest.Token)
	return write(t, filepath.Join(dir, "config"), fmt.Sprintf(`
apiVersion: v1
kind: Config
current-context: here
contexts:
  - {name: there, context: {cluster: there, user: nobody}}
  - {name: here, context: {cluster: here, user: me, namespace: shop}}
clusters:
  - {name: here, cluster: {server: %q, %s}}
users:
  - {name: me, user: {%s}}
`, s.URL, cluster, user))
}

func TestKubeconfig(t *testing.T) {
	const data = "certificate-authority-data: %CA%"
	for _, tt := range []struct {
		name, cluster, user, context string
		bad                          string // the error of New
		want                         string // that of a request
	}{
		{"token", data, "token: " + apitest.Token, "", "", ""},
		{"files beside it", "certificate-authority: ca.pem", "tokenFile: token, token: canary-old", "here", "", ""},
		{"wrong token", data, "token: canary", "", "", "status 401"},
		{"another certificate", "certificate-authority-data: %OTHER%", "token: canary", "", "", "nothing was sent: tls: failed to verify certificate"},
		{"another name", data + ", tls-server-name: other.test", "token: canary", "", "", "nothing was sent: tls: failed to verify certificate"},
		{"this name", data + ", tls-server-name: example.com", "token: " + apitest.Token, "", "", ""},
		{"no context", data, "token: canary", "elsewhere", `it has no context "elsewhere"`, ""},
		{"no cluster", data, "token: canary", "there", `it has no cluster "there"`, ""},
		{"insecure", "insecure-skip-tls-verify: true", "token: canary", "", `cluster "here": insecure-skip-tls-verify`, ""},
		{"bad data", "certificate-authority-data: canary!", "token: canary", "", "certificate-authority-data is not base64", ""},
		{"bad certificate", "certificate-authority-data: Y2FuYXJ5", "token: canary", "", "preparing the connection", ""},
		{"no file", "certificate-authority: nowhere.pem", "token: canary", "", "nowhere.pem", ""},
		{"bad proxy", data + ", proxy-url: 'canary'", "token: canary", "", "proxy-url is not an absolute URL", ""},
		{"proxy", data + ", proxy-url: 'http://127.0.0.1:1'", "token: canary", "", "", "nothing was sent: proxyconnect tcp"},
		{"password", data, "username: canary, password: canary", "", `user "me": username`, ""},
		{"auth provider", data, "auth-provider: {name: canary}", "", "want exec", ""},
		{"somebody else", data, "as: canary", "", "does not impersonate anybody", ""},
		{"half a certificate", data, "client-certificate-data: Y2FuYXJ5", "", "want client-certificate and client-key", ""},
		{"bad key", data, "client-key-data: canary!", "", "client-key-data is not base64", ""},
		{"not the form", data, "token: [canary]", "", "it is not a kubeconfig in YAML", ""},
		{"not YAML", data, "canary: 'canary", "", "it is not a kubeconfig in YAML", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := server(t)
			other := string(probetest.NewCA(t).PEM())
			cluster := strings.NewReplacer("%CA%", base64.StdEncoding.EncodeToString(s.CA()), "%OTHER%", base64.StdEncoding.EncodeToString([]byte(other))).Replace(tt.cluster)
			c, err := api.New(api.Config{Kubeconfig: config(t, s, cluster, tt.user), Context: tt.context})
			switch {
			case tt.bad == "" && err == nil:
				get(t, c, tt.want)
			case tt.bad == "" || err == nil || !strings.Contains(err.Error(), tt.bad) || strings.Contains(err.Error(), "canary"):
				t.Errorf("error is %v, want one with %q and no secret", err, tt.bad)
			}
		})
	}
	if _, err := api.New(api.Config{Kubeconfig: "/nowhere/config"}); err == nil || !strings.Contains(err.Error(), "open /nowhere/config") {
		t.Errorf("without the file: error is %v", err)
	}
}

// A plugin that records that it was run, with its environment, and prints the contents of a file.
func plugin(t *testing.T, s *apitest.Server, keys string) (kubeconfig, dir string) {
	t.Helper()
	path := config(t, s, "certificate-authority: ca.pem", `exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, args: [get, token],
    env: [{name: CANARY, value: canary-env}], interactiveMode: Never, `+keys+`}`)
	dir = filepath.Dir(path)
	write(t, filepath.Join(dir, "plugin"), fmt.Sprintf("#!/bin/sh\necho \"$*\" >>%[1]s/runs\nenv >%[1]s/env\ncat %[1]s/complaint >&2\ncat %[1]s/printed\ntest ! -s %[1]s/complaint\n", dir))
	write(t, filepath.Join(dir, "complaint"), "")
	if err := os.Chmod(filepath.Join(dir, "plugin"), 0o700); err != nil { //nolint:gosec // it is a program
		t.Fatal(err)
	}
	return path, dir
}

func printed(token string, expires time.Time) string {
	return fmt.Sprintf(`{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": %q, "expirationTimestamp": %q}}`,
		token, expires.Format(time.RFC3339))
}

func TestExec(t *testing.T) {
	t.Cleanup(probetest.NoLeaks(t))
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary") // nothing from the exporter's environment
	s := server(t)
	path, dir := plugin(t, s, "provideClusterInfo: true")
	c, err := api.New(api.Config{Kubeconfig: path})
	if err != nil {
		t.Fatal(err)
	}
	runs := func(want int) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, "runs"))
		if err != nil || strings.Count(string(text), "get token\n") != want {
			t.Errorf("the plugin was run with %q, %v, want %d times", text, err, want)
		}
	}
	write(t, filepath.Join(dir, "printed"), printed(apitest.Token, time.Now().Add(time.Hour)))
	get(t, c, "")
	get(t, c, "")
	runs(1) // kept until it expires

	env, err := os.ReadFile(filepath.Join(dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CANARY=canary-env\n", `"certificate-authority-data":"`, `"server":"https://127.0.0.1:`, `"interactive":false`} {
		if !strings.Contains(string(env), want) {
			t.Errorf("the environment lacks %s", want)
		}
	}
	if strings.Contains(string(env), "AWS_SECRET_ACCESS_KEY") {
		t.Error("the plugin got the exporter's environment")
	}

	s.Require("canary-2")
	get(t, c, "status 401")
	write(t, filepath.Join(dir, "printed"), printed("canary-2", time.Now().Add(10*time.Second)))
	get(t, c, "") // one that is rejected is forgotten
	runs(2)
	get(t, c, "") // and so is one that is about to expire
	runs(3)

	write(t, filepath.Join(dir, "printed"), `{"canary": `)
	get(t, c, "nothing was sent: getting credentials: reading what")
	write(t, filepath.Join(dir, "complaint"), "usage: …\nno session, log in with canary-env\n")
	get(t, c, `exit status 1: "no session, log in with <secret>"`)
}

// A plugin that hangs ends with the request, even if another request waits for it.
func TestExecHangs(t *testing.T) {
	t.Cleanup(probetest.NoLeaks(t))
	s := server(t)
	path, dir := plugin(t, s, "")
	write(t, filepath.Join(dir, "plugin"), "#!/bin/sh\nexec sleep 60\n")
	c, err := api.New(api.Config{Kubeconfig: path})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	failed := make(chan error, 2)
	for range 2 {
		go func() { failed <- c.Do(ctx, api.Request{Method: http.MethodGet, Path: thing}, nil) }()
	}
	for range 2 {
		if err := <-failed; !errors.Is(err, once.ErrNotSent) {
			t.Errorf("error is %v, want that nothing was sent", err)
		}
	}
}

func TestBadExec(t *testing.T) {
	for _, tt := range []struct{ name, exec, want string }{
		{"version", "{apiVersion: client.authentication.k8s.io/v1alpha1, command: sh}", `apiVersion is "client.authentication.k8s.io/v1alpha1"`},
		{"interactive", "{apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: Always}", "nobody is there to answer"},
		{"no command", "{apiVersion: client.authentication.k8s.io/v1}", "command is missing"},
		{"no program", "{apiVersion: client.authentication.k8s.io/v1beta1, command: no-such-plugin, installHint: 'get\n\n it'}", `there is no program "no-such-plugin" here: get`},
		{"beside a token", "{apiVersion: client.authentication.k8s.io/v1, command: sh}, token: canary", "want either exec, or a token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := api.New(api.Config{Kubeconfig: config(t, server(t), "certificate-authority: ca.pem", "exec: "+tt.exec)})
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("error is %v, want one with %q", err, tt.want)
			}
		})
	}
}

// What was not sent, and what may have been sent.
func TestNotSent(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server(t)
	c := s.Client(t)
	s.Intercept(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if err := c.Do(t.Context(), api.Request{Method: http.MethodGet, Path: thing}, nil); err == nil || errors.Is(err, once.ErrNotSent) {
		t.Errorf("error is %v, want one of a request that was sent", err)
	}
	s.Intercept(func(w http.ResponseWriter, _ *http.Request) {
		http.Redirect(w, &http.Request{Method: http.MethodGet}, "https://"+l.Addr().String(), http.StatusFound)
	})
	get(t, c, "status 302 Found") // and it is not followed
	s.Intercept(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "canary") })
	get(t, c, "reading the answer: ")
	s.Close()
	if err := c.Do(t.Context(), api.Request{Method: http.MethodGet, Path: thing}, nil); !errors.Is(err, once.ErrNotSent) {
		t.Errorf("error is %v, want that nothing was sent", err)
	}
	l.Close()
}

func FuzzKubeconfig(f *testing.F) {
	f.Add([]byte("current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]\nclusters: [{name: b, cluster: {server: 'https://x'}}]\nusers: [{name: c, user: {token: canary-secret}}]"))
	f.Add([]byte("users: [{name: c, user: {token: [canary-secret]}}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := api.ParseKubeconfig(text); err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("error is %v, want one line", err)
		}
	})
}

func FuzzCredential(f *testing.F) {
	f.Add([]byte(printed("canary-secret", time.Unix(0, 0))))
	f.Add([]byte(`{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"clientKeyData": "canary-secret"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := api.ParseCredential(text); err != nil && strings.Contains(err.Error(), "canary-secret") {
			t.Errorf("error is %v, want no secret", err)
		}
	})
}
