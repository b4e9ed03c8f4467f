package api

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	commonconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"
)

// A kubeconfig is the part of a kubeconfig file that is used here
// (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/).
type kubeconfig struct {
	CurrentContext string         `yaml:"current-context"`
	Contexts       []namedContext `yaml:"contexts"`
	Clusters       []namedCluster `yaml:"clusters"`
	Users          []namedUser    `yaml:"users"`
}

type namedContext struct {
	Name    string `yaml:"name"`
	Context struct {
		Cluster string `yaml:"cluster"`
		User    string `yaml:"user"`
	} `yaml:"context"`
}

type namedCluster struct {
	Name    string       `yaml:"name"`
	Cluster clusterEntry `yaml:"cluster"`
}

type namedUser struct {
	Name string    `yaml:"name"`
	User userEntry `yaml:"user"`
}

type clusterEntry struct {
	Server        string `yaml:"server"`
	CAFile        string `yaml:"certificate-authority"`
	CAData        string `yaml:"certificate-authority-data"`
	Insecure      bool   `yaml:"insecure-skip-tls-verify"`
	TLSServerName string `yaml:"tls-server-name"`
	ProxyURL      string `yaml:"proxy-url"`
}

type userEntry struct {
	Token        string      `yaml:"token"`
	TokenFile    string      `yaml:"tokenFile"`
	CertFile     string      `yaml:"client-certificate"`
	CertData     string      `yaml:"client-certificate-data"`
	KeyFile      string      `yaml:"client-key"`
	KeyData      string      `yaml:"client-key-data"`
	Exec         *execConfig `yaml:"exec"`
	Username     string      `yaml:"username"`
	Impersonate  string      `yaml:"as"`
	AuthProvider any         `yaml:"auth-provider"`
}

// maxFile is how large a kubeconfig may be, in bytes.
const maxFile = 1 << 20

// fromKubeconfig returns the cluster of a context of a file. Errors do not quote what may be a secret.
func fromKubeconfig(path, context string) (cluster, error) {
	f, err := os.Open(path)
	if err != nil {
		return cluster{}, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return cluster{}, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	c, err := parseKubeconfig(text, context, filepath.Dir(path))
	if err != nil {
		return cluster{}, fmt.Errorf("reading the kubeconfig %q: %w", path, err)
	}
	return c, nil
}

// parseKubeconfig takes relative paths as relative to dir.
func parseKubeconfig(text []byte, context, dir string) (cluster, error) {
	var k kubeconfig
	if yaml.Unmarshal(text, &k) != nil { // its errors quote values
		return cluster{}, errors.New("it is not a kubeconfig in YAML")
	}
	name := cmp.Or(context, k.CurrentContext)
	if name == "" {
		return cluster{}, errors.New("it has no current-context, and no context is configured")
	}
	at, ok := find(k.Contexts, func(c *namedContext) bool { return c.Name == name })
	if !ok {
		return cluster{}, fmt.Errorf("it has no context %q", name)
	}
	where, ok := find(k.Clusters, func(c *namedCluster) bool { return c.Name == at.Context.Cluster })
	if !ok {
		return cluster{}, fmt.Errorf("it has no cluster %q, which its context %q refers to", at.Context.Cluster, name)
	}
	who, ok := find(k.Users, func(u *namedUser) bool { return u.Name == at.Context.User })
	if !ok {
		return cluster{}, fmt.Errorf("it has no user %q, which its context %q refers to", at.Context.User, name)
	}
	c, err := where.Cluster.cluster(dir)
	if err != nil {
		return cluster{}, fmt.Errorf("cluster %q: %w", where.Name, err)
	}
	if err := who.User.authenticate(&c, dir); err != nil {
		return cluster{}, fmt.Errorf("user %q: %w", who.Name, err)
	}
	if c.exec != nil && c.exec.ProvideClusterInfo {
		c.exec.cluster = execCluster{
			Server: where.Cluster.Server, TLSServerName: where.Cluster.TLSServerName, ProxyURL: where.Cluster.ProxyURL,
		}
		if c.exec.cluster.CAData, err = where.Cluster.authorities(dir); err != nil {
			return cluster{}, fmt.Errorf("cluster %q: %w", where.Name, err)
		}
	}
	return c, nil
}

// find returns the first one of that name, as kubectl does.
func find[T any](all []T, meant func(*T) bool) (T, bool) {
	for i := range all {
		if meant(&all[i]) {
			return all[i], true
		}
	}
	var none T
	return none, false
}

func (e *clusterEntry) cluster(dir string) (cluster, error) {
	server, err := url.Parse(e.Server)
	switch {
	case err != nil || server.Scheme != "https" || server.Hostname() == "" || server.User != nil:
		return cluster{}, errors.New("server is not an absolute https URL")
	case e.Insecure:
		return cluster{}, errors.New("insecure-skip-tls-verify: anybody could be the API server and take the credentials, " +
			"want certificate-authority or certificate-authority-data")
	}
	c := cluster{server: server, client: commonconfig.HTTPClientConfig{
		TLSConfig: commonconfig.TLSConfig{CAFile: from(dir, e.CAFile), ServerName: e.TLSServerName},
	}}
	if e.CAData != "" {
		data, err := decoded("certificate-authority-data", e.CAData)
		if err != nil {
			return cluster{}, err
		}
		c.client.TLSConfig.CA, c.client.TLSConfig.CAFile = data, ""
	}
	if e.ProxyURL != "" {
		proxy, err := url.Parse(e.ProxyURL)
		if err != nil || proxy.Hostname() == "" {
			return cluster{}, errors.New("proxy-url is not an absolute URL")
		}
		c.client.ProxyURL = commonconfig.URL{URL: proxy}
	}
	return c, nil
}

// authorities returns the certificates that sign that of the API server, in PEM.
func (e *clusterEntry) authorities(dir string) ([]byte, error) {
	if e.CAData != "" {
		text, err := decoded("certificate-authority-data", e.CAData)
		return []byte(text), err
	}
	if e.CAFile == "" {
		return nil, nil
	}
	return os.ReadFile(from(dir, e.CAFile))
}

// authenticate adds the credentials to a cluster.
func (e *userEntry) authenticate(c *cluster, dir string) error {
	switch {
	case e.Username != "":
		return errors.New("username: Kubernetes no longer has basic authentication")
	case e.AuthProvider != nil:
		return errors.New("auth-provider: Kubernetes no longer has these, want exec")
	case e.Impersonate != "":
		return errors.New("as: the exporter does not impersonate anybody, want the credentials of that user")
	}
	if e.Token != "" || e.TokenFile != "" {
		c.client.Authorization = bearer(e.Token, "")
		if e.TokenFile != "" { // kubectl prefers it if there are both
			c.client.Authorization = bearer("", from(dir, e.TokenFile))
		}
	}
	t := &c.client.TLSConfig
	t.CertFile, t.KeyFile = from(dir, e.CertFile), from(dir, e.KeyFile)
	if e.CertData != "" {
		data, err := decoded("client-certificate-data", e.CertData)
		if err != nil {
			return err
		}
		t.Cert, t.CertFile = data, ""
	}
	if e.KeyData != "" {
		data, err := decoded("client-key-data", e.KeyData)
		if err != nil {
			return err
		}
		t.Key, t.KeyFile = commonconfig.Secret(data), ""
	}
	if (t.Cert != "" || t.CertFile != "") != (t.Key != "" || t.KeyFile != "") {
		return errors.New("want client-certificate and client-key, or neither of them")
	}
	if e.Exec == nil {
		return nil
	}
	if c.client.Authorization != nil || t.Cert != "" || t.CertFile != "" {
		return errors.New("want either exec, or a token or certificate")
	}
	c.exec = e.Exec
	return c.exec.check(dir)
}

// from returns a path that is relative to dir.
func from(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func decoded(key, text string) (string, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("%s is not base64", key)
	}
	return string(data), nil
}
