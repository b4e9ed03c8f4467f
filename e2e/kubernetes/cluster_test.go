//go:build e2e_kubernetes

package kubernetes

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes/api"
)

// patience is how long anything may take.
const patience = 2 * time.Minute

// The tokens of those who use the cluster, and what the second one is called there.
const (
	adminToken    = "admin-token"
	exporterToken = "exporter-token"
	exporterUser  = "system:serviceaccount:monitoring:healthcheck-exporter"
)

// A cluster is the control plane of Kubernetes: etcd, the API server, and the controllers that roll workloads out. There
// is no node; the test says that pods are ready.
type cluster struct {
	dir    string
	server string // its URL
	admin  *api.Client
}

// start runs a cluster until the end of the test.
func start(t *testing.T) *cluster {
	t.Helper()
	program := filepath.Join(t.TempDir(), "cluster")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = filepath.Join("..", "cluster")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the cluster: %v: %s", err, out)
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	etcd, peer, secure := freePort(t), freePort(t), freePort(t)
	c := &cluster{dir: dir, server: "https://127.0.0.1:" + secure}
	c.write(t, "tokens.csv", fmt.Sprintf("%s,admin,1,system:masters\n%s,%s,2\n", adminToken, exporterToken, exporterUser))
	c.write(t, "account.key", newKey(t))
	run(t, dir, "etcd", "etcd", "--data-dir", in("etcd"), "--listen-client-urls", "http://127.0.0.1:"+etcd,
		"--advertise-client-urls", "http://127.0.0.1:"+etcd, "--listen-peer-urls", "http://127.0.0.1:"+peer,
		"--initial-advertise-peer-urls", "http://127.0.0.1:"+peer, "--initial-cluster", "default=http://127.0.0.1:"+peer)
	run(t, dir, "kube-apiserver", program, "kube-apiserver", "--etcd-servers", "http://127.0.0.1:"+etcd,
		"--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--secure-port", secure, "--cert-dir", in("certs"),
		"--token-auth-file", in("tokens.csv"), "--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.0.0.0/24",
		"--service-account-issuer", c.server, "--service-account-key-file", in("account.key"), "--service-account-signing-key-file", in("account.key"),
		"--disable-admission-plugins", "ServiceAccount") // pods need no account
	await(t, "the API server has a certificate", func() bool {
		_, err := os.Stat(in("certs/apiserver.crt"))
		return err == nil
	})
	c.admin = c.client(t, adminToken)
	await(t, "the API server is ready", func() bool {
		return c.admin.Do(t.Context(), api.Request{Method: http.MethodGet, Path: "/api/v1/namespaces/default"}, nil) == nil
	})
	run(t, dir, "kube-controller-manager", program, "kube-controller-manager", "--kubeconfig", c.kubeconfig(t, adminToken),
		"--controllers", "deployment-controller,replicaset-controller", "--leader-elect=false", "--secure-port", "0")
	return c
}

func (c *cluster) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// kubeconfig is that of somebody.
func (c *cluster) kubeconfig(t *testing.T, token string) string {
	t.Helper()
	return c.write(t, token+".kubeconfig", fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c,
contexts: [{name: c, context: {cluster: c, user: u}}],
clusters: [{name: c, cluster: {server: %q, certificate-authority: certs/apiserver.crt}}],
users: [{name: u, user: {token: %s}}]}`, c.server, token))
}

func (c *cluster) client(t *testing.T, token string) *api.Client {
	t.Helper()
	client, err := api.New(api.Config{Kubeconfig: c.kubeconfig(t, token)})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// create makes an object as the administrator.
func (c *cluster) create(t *testing.T, path string, object any) {
	t.Helper()
	err := c.admin.Do(t.Context(), api.Request{Method: http.MethodPost, Path: path, ContentType: "application/json", Body: object}, nil)
	if err != nil {
		t.Fatalf("creating in %s: %v", path, err)
	}
}

// patch changes an object as the administrator.
func (c *cluster) patch(t *testing.T, path string, patch any) {
	t.Helper()
	if err := c.admin.Do(t.Context(), api.Request{Method: http.MethodPatch, Path: path, ContentType: api.MergePatch, Body: patch}, nil); err != nil {
		t.Fatalf("patching %s: %v", path, err)
	}
}

// kubelet says of every pod of a namespace that it runs and is ready, until the end of the test.
func (c *cluster) kubelet(t *testing.T, namespace string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			c.ready(ctx, "/api/v1/namespaces/"+namespace+"/pods")
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

func (c *cluster) ready(ctx context.Context, path string) {
	var pods struct {
		Items []struct {
			Metadata struct{ Name string }
			Status   struct{ Phase string }
		}
	}
	if c.admin.Do(ctx, api.Request{Method: http.MethodGet, Path: path}, &pods) != nil {
		return // the next time
	}
	for _, p := range pods.Items {
		if p.Status.Phase == "Running" {
			continue
		}
		now := time.Now().UTC().Format(time.RFC3339)
		_ = c.admin.Do(ctx, api.Request{
			Method: http.MethodPatch, Path: path + "/" + p.Metadata.Name + "/status", ContentType: api.StrategicMergePatch,
			Body: map[string]any{"status": map[string]any{"phase": "Running", "startTime": now, "conditions": []any{
				map[string]any{"type": "Ready", "status": "True", "lastTransitionTime": now},
			}}},
		}, nil) // an error: it may be gone
	}
}

// run runs a program until the end of the test; what it says is told if that fails.
func run(t *testing.T, dir, name string, argv ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), argv[0], argv[1:]...) //nolint:gosec // what the test says
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		_ = log.Close()
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("==== %s\n%s", name, text[max(0, len(text)-5000):])
		}
	})
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	address, err := harness.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(address, "127.0.0.1:")
}

func newKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}
