package config

import (
	commonconfig "github.com/prometheus/common/config"
)

// Command is the back-end that runs a program.
type Command struct {
	// Argv is the program by its absolute path, and its arguments.
	Argv []string `yaml:"argv"`
	// Env is the environment, besides PATH.
	Env map[string]string `yaml:"env,omitempty"`
	// Dir is the working directory, "/" where empty.
	Dir string `yaml:"dir,omitempty"`
}

// PM2 is the back-end that restarts an app of PM2.
type PM2 struct {
	// App is the name of the app, all instances of which are restarted.
	App string `yaml:"app"`
	// Home is PM2_HOME, an absolute path.
	Home string `yaml:"home"`
	// Program is pm2, by its absolute path.
	Program string `yaml:"program"`
	// Node is what runs pm2, by its absolute path. Empty: the one beside pm2, or in the usual places.
	Node string `yaml:"node,omitempty"`
	// Action is "restart" or "reload". Empty: "restart".
	Action string `yaml:"action,omitempty"`
}

// Hook is the back-end that sends an HTTP request. It is not redirected, and speaks HTTP/1.1.
type Hook struct {
	// Method is that of the request. Empty: "POST".
	Method string `yaml:"method,omitempty"`
	// URL is where it goes, or else URLFile the file that holds it, read for every request. All of it may be secret.
	URL     string `yaml:"url,omitempty"`
	URLFile string `yaml:"url_file,omitempty"`
	// Headers are sent, and HTTPHeaders, which may be secrets or in files.
	Headers     map[string]string     `yaml:"headers,omitempty"`
	HTTPHeaders *commonconfig.Headers `yaml:"http_headers,omitempty"`
	// Body is sent, or else what is in BodyFile, read for every request.
	Body     string `yaml:"body,omitempty"`
	BodyFile string `yaml:"body_file,omitempty"`
	// ValidStatusCodes are those of an accepted request. Empty: 2xx.
	ValidStatusCodes StatusRanges `yaml:"valid_status_codes,omitempty"`

	BasicAuth                *commonconfig.BasicAuth     `yaml:"basic_auth,omitempty"`
	Authorization            *commonconfig.Authorization `yaml:"authorization,omitempty"`
	TLSConfig                commonconfig.TLSConfig      `yaml:"tls_config,omitempty"`
	commonconfig.ProxyConfig `yaml:",inline"`
}

// Client is the part that all Prometheus components share, in their form.
func (h *Hook) Client() commonconfig.HTTPClientConfig {
	return commonconfig.HTTPClientConfig{
		BasicAuth: h.BasicAuth, Authorization: h.Authorization, TLSConfig: h.TLSConfig, ProxyConfig: h.ProxyConfig,
		HTTPHeaders: h.HTTPHeaders,
	}
}
