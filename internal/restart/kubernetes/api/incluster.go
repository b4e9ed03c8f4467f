package api

import (
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"

	commonconfig "github.com/prometheus/common/config"
)

// accountDir is where the kubelet puts the credentials of a pod's service account. It replaces them before they expire.
const accountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// inCluster returns the cluster in which the exporter runs.
func inCluster(dir string) (cluster, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return cluster{}, errors.New("KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is not set: without a kubeconfig " +
			"the exporter has to run in a pod")
	}
	return cluster{
		server: &url.URL{Scheme: "https", Host: net.JoinHostPort(host, port)},
		client: commonconfig.HTTPClientConfig{
			Authorization: bearer("", filepath.Join(dir, "token")),
			TLSConfig:     commonconfig.TLSConfig{CAFile: filepath.Join(dir, "ca.crt")},
		},
	}, nil
}

// bearer sends a token, or that of a file, which is read for every request.
func bearer(token, file string) *commonconfig.Authorization {
	return &commonconfig.Authorization{Type: "Bearer", Credentials: commonconfig.Secret(token), CredentialsFile: file}
}
