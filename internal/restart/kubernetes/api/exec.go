package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/command"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/once"
)

// An execConfig is a program that prints credentials, in a kubeconfig.
type execConfig struct {
	APIVersion         string      `yaml:"apiVersion"`
	Command            string      `yaml:"command"`
	Args               []string    `yaml:"args"`
	Env                []execValue `yaml:"env"`
	InteractiveMode    string      `yaml:"interactiveMode"`
	ProvideClusterInfo bool        `yaml:"provideClusterInfo"`
	InstallHint        string      `yaml:"installHint"`

	cluster execCluster // what the program is told about the cluster, if it wants that
}

type execValue struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
}

// An execCluster is what a program is told about the cluster.
type execCluster struct {
	Server        string `json:"server"`
	TLSServerName string `json:"tls-server-name,omitempty"`
	CAData        []byte `json:"certificate-authority-data,omitempty"`
	ProxyURL      string `json:"proxy-url,omitempty"`
}

// The versions of what the program reads and prints
// (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
const (
	execV1      = "client.authentication.k8s.io/v1"
	execV1beta1 = "client.authentication.k8s.io/v1beta1"
)

// check finds the program as kubectl does.
func (e *execConfig) check(dir string) error {
	switch {
	case e.APIVersion != execV1 && e.APIVersion != execV1beta1:
		return fmt.Errorf("exec: apiVersion is %q, want %s or %s", e.APIVersion, execV1, execV1beta1)
	case e.InteractiveMode == "Always":
		return errors.New("exec: interactiveMode is Always, but nobody is there to answer")
	case e.Command == "":
		return errors.New("exec: command is missing")
	}
	path := e.Command
	if strings.ContainsRune(path, filepath.Separator) {
		path = from(dir, path)
	}
	found, err := exec.LookPath(path)
	if err != nil {
		text := fmt.Sprintf("exec: there is no program %q here", e.Command)
		if e.InstallHint != "" {
			text += ": " + printable.Line(e.InstallHint, once.MaxMessage)
		}
		return errors.New(text)
	}
	if e.Command, err = filepath.Abs(found); err != nil {
		return fmt.Errorf("exec: %w", err)
	}
	return nil
}

// A plugin keeps the credentials that a program printed, until they expire or the API server rejects them.
type plugin struct {
	program    command.Program
	apiVersion string
	client     commonconfig.HTTPClientConfig // the settings besides the credentials

	lock    chan struct{}     // holds one while the program runs; protects the following
	current http.RoundTripper // with the credentials; nil: there are none
	until   time.Time         // when they expire; zero: never
}

// keptEnv is the part of the exporter's environment that a program gets. The kubeconfig has to set whatever else it needs.
var keptEnv = []string{"PATH", "HOME"}

func newPlugin(e *execConfig, client commonconfig.HTTPClientConfig) (*plugin, error) {
	info, err := json.Marshal(execInfo(e))
	if err != nil {
		return nil, fmt.Errorf("exec: %w", err)
	}
	p := &plugin{apiVersion: e.APIVersion, client: client, lock: make(chan struct{}, 1)}
	p.program.Argv = append([]string{e.Command}, e.Args...)
	for _, name := range keptEnv {
		if value, ok := os.LookupEnv(name); ok {
			p.program.Env = append(p.program.Env, name+"="+value)
		}
	}
	for _, v := range e.Env {
		p.program.Env = append(p.program.Env, v.Name+"="+v.Value)
		p.program.Secrets = append(p.program.Secrets, v.Value)
	}
	p.program.Env = append(p.program.Env, "KUBERNETES_EXEC_INFO="+string(info))
	return p, nil
}

func execInfo(e *execConfig) any {
	spec := map[string]any{"interactive": false}
	if e.ProvideClusterInfo {
		spec["cluster"] = e.cluster
	}
	return map[string]any{"apiVersion": e.APIVersion, "kind": "ExecCredential", "spec": spec}
}

// early is how long before they expire credentials are no longer used: a request takes time, and clocks differ.
const early = 30 * time.Second

// transport returns a transport with the credentials. It runs the program if there are no valid ones.
func (p *plugin) transport(ctx context.Context) (http.RoundTripper, error) {
	select {
	case p.lock <- struct{}{}:
		defer func() { <-p.lock }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for credentials: %w", ctx.Err())
	}
	if p.current != nil && (p.until.IsZero() || time.Until(p.until) > early) {
		return p.current, nil
	}
	c, err := p.run(ctx)
	if err != nil {
		return nil, err
	}
	client := p.client
	if c.Token != "" {
		client.Authorization = bearer(c.Token, "")
	}
	client.TLSConfig.Cert, client.TLSConfig.Key = c.Certificate, commonconfig.Secret(c.Key)
	rt, err := roundTripper(client)
	if err != nil {
		return nil, err
	}
	p.current, p.until = rt, c.Expires
	return rt, nil
}

// forget drops credentials that the API server has rejected, so that the next request gets new ones.
func (p *plugin) forget() {
	p.lock <- struct{}{} // it is never held for longer than a program may run
	p.current = nil
	<-p.lock
}

// run runs the program. Errors never quote its output, but they do quote its complaints.
func (p *plugin) run(ctx context.Context) (credential, error) {
	var printed capped
	program := p.program
	program.Stdout = &printed
	complaint, err := program.Run(ctx)
	if err != nil {
		if complaint != "" {
			lines := strings.Split(complaint, "\n")
			err = fmt.Errorf("%w: %q", err, printable.Line(lines[len(lines)-1], once.MaxMessage))
		}
		return credential{}, fmt.Errorf("getting credentials: %w", err)
	}
	c, err := parseCredential(printed.Bytes(), p.apiVersion)
	if err != nil {
		return credential{}, fmt.Errorf("getting credentials: reading what %q prints: %w", program.Argv[0], err)
	}
	return c, nil
}

// capped keeps the first bytes that are written to it.
type capped struct{ bytes.Buffer }

// Write implements io.Writer.
func (c *capped) Write(b []byte) (int, error) {
	if room := maxFile - c.Len(); room > 0 {
		_, _ = c.Buffer.Write(b[:min(room, len(b))]) // never an error
	}
	return len(b), nil
}

// A credential is what a program prints: a token, a certificate with its key, or both.
type credential struct {
	Token       string    `json:"token"`
	Certificate string    `json:"clientCertificateData"` // PEM
	Key         string    `json:"clientKeyData"`         // PEM
	Expires     time.Time `json:"expirationTimestamp"`   // zero: never
}

// parseCredential reads what a program prints. Errors quote nothing of it.
func parseCredential(text []byte, apiVersion string) (credential, error) {
	var printed struct {
		APIVersion string     `json:"apiVersion"`
		Kind       string     `json:"kind"`
		Status     credential `json:"status"`
	}
	if json.Unmarshal(text, &printed) != nil { // its errors quote values
		return credential{}, errors.New("it is not an ExecCredential in JSON")
	}
	c := printed.Status
	switch {
	case printed.Kind != "ExecCredential":
		return credential{}, errors.New("it is not an ExecCredential")
	case printed.APIVersion != apiVersion:
		return credential{}, errors.New("it has another apiVersion, want " + apiVersion)
	case (c.Certificate == "") != (c.Key == ""):
		return credential{}, errors.New("want clientCertificateData and clientKeyData, or neither of them")
	case c.Token == "" && c.Certificate == "":
		return credential{}, errors.New("it has neither a token nor a certificate")
	}
	return c, nil
}
