package config

import (
	"bytes"
	"net/url"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mask is shown instead of a secret, as in all Prometheus components.
const mask = "<secret>"

// modulePattern is the pattern of a module in the file.
const modulePattern = "modules.*"

// targetPattern is the pattern of a target in the file.
const targetPattern = "targets"

// shown are the texts of a module, and of the other sections, that are not secrets. All others are masked, including those of
// keys to come.
var shown = set(append(shownBackends(),
	"prober",
	"http.valid_http_versions",
	"http.preferred_ip_protocol",
	"http.method",
	"http.url_file", // of a hook, whose url is a secret as a whole
	"http.body_file",
	"http.compression",
	"http.fail_if_header_matches.header",
	"http.fail_if_header_not_matches.header",
	"http.basic_auth.username",
	"http.basic_auth.username_file",
	"http.basic_auth.password_file",
	"http.authorization.type",
	"http.authorization.credentials_file",
	"http.bearer_token_file",
	"http.oauth2.client_id",
	"http.oauth2.client_secret_file",
	"http.oauth2.client_certificate_key_id",
	"http.oauth2.client_certificate_key_file",
	"http.oauth2.grant_type",
	"http.oauth2.signature_algorithm",
	"http.oauth2.iss",
	"http.oauth2.audience",
	"http.oauth2.scopes",
	"http.oauth2.tls_config.ca_file",
	"http.oauth2.tls_config.cert_file",
	"http.oauth2.tls_config.key_file",
	"http.oauth2.tls_config.server_name",
	"http.oauth2.no_proxy",
	"http.tls_config.ca_file",
	"http.tls_config.cert_file",
	"http.tls_config.key_file",
	"http.tls_config.server_name",
	"http.no_proxy",
	"http.http_headers.*.files",
	"websocket.preferred_ip_protocol",
	"websocket.headers.*.files",
	"websocket.origin",
	"websocket.subprotocols",
	"websocket.query_response.expect_binary",
	"targets.name",
	"targets.module",
	"targets.environment",
	"targets.notification",
	"targets.labels.*",
	"targets.depends_on",
	"targets.method",
	"target_files.path",
	"target_files.module",
	"target_apis.name",
	"target_apis.format",
	"alertmanager.base",
	"alertmanager.dir",
	"alertmanager.seen_as",
	"alertmanager.file_mode",
	"alertmanager.channel_hosts",
	"alertmanager.servers.name",
	"access.anonymous",
	"access.users.name",
	"access.users.role",
	"access.users.environments",
	"access.users.bearer_token_file",
	"access.proxy.user_header",
	"restart.mode",
	"restart.receiver.bearer_token_file",
	"restart.receiver.basic_auth.username",
	"restart.receiver.basic_auth.username_file",
	"restart.receiver.basic_auth.password_file",
	"restart.leader_election.namespace",
	"restart.leader_election.lease",
	"restart.leader_election.kubeconfig_file",
	"restart.leader_election.context",
	"restart.services.name",
	"restart.services.mode",
	"restart.services.group",
	"restart.services.environment",
	"restart.services.depends_on",
	"restart.services.match.*",
	"restart.services.checks.target",
	"restart.services.checks.module",
	"restart.sentinels.module",
)...)

// urls are the texts in which only the secret parts are masked.
var urls = set("http.proxy_url", "http.oauth2.proxy_url", "http.oauth2.token_url", "restart.services.checks.url", "restart.sentinels.url",
	"targets.url", "targets.runbook_url", "target_apis.url", "alertmanager.servers.url")

// publicHeaders are headers whose values any host may see.
var publicHeaders = set(
	"accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "content-type", "host",
	"origin", "pragma", "upgrade-insecure-requests", "user-agent",
)

func set(keys ...string) map[string]bool {
	s := make(map[string]bool, len(keys))
	for _, k := range keys {
		s[k] = true
	}
	return s
}

// PublicHeader reports whether the value of a request header is harmless: it may be shown, and it may be sent to another
// host after a redirect. The name's case does not matter.
func PublicHeader(name string) bool { return publicHeaders[strings.ToLower(name)] }

// private reports whether the value v at p must not be shown. A value that is not a text is never secret.
func private(p place, v reflect.Value) bool {
	switch {
	case v.Type() == urlType, v.Kind() == reflect.Interface, v.Kind() == reflect.Map:
		return true
	default:
		return v.Kind() == reflect.String && !shown[inModule(p)]
	}
}

// inModule returns the pattern of p, which begins at the module if p is in one. The client settings of a websocket block, of an
// API and of a hook are treated as those that the http block has inlined.
func inModule(p place) string {
	at := strings.TrimPrefix(p.pattern, modulePattern+".")
	for _, outer := range []string{"websocket.http_config.", "target_apis.", "alertmanager.servers.", "restart.services.http."} {
		if key, ok := strings.CutPrefix(at, outer); ok && !shown[at] && !urls[at] {
			return "http." + key
		}
	}
	return at
}

// masked returns a text as it may be shown.
func masked(p place, s string) string {
	at := inModule(p)
	switch {
	case s == "", shown[at]:
		return s
	case (at == "http.headers.*" || at == targetPattern+".headers.*") && PublicHeader(p.name):
		return s
	case urls[at]:
		return maskedURL(s)
	default:
		return mask
	}
}

// maskedURL masks the user and password of a URL and the values of its query.
func maskedURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" {
		return mask
	}
	var b strings.Builder
	if u.Scheme != "" {
		b.WriteString(u.Scheme + ":")
	}
	if u.Host != "" || u.User != nil {
		b.WriteString("//")
	}
	if u.User != nil {
		b.WriteString(mask + "@")
	}
	b.WriteString(u.Host + u.EscapedPath())
	if u.RawQuery != "" {
		b.WriteString("?" + maskedQuery(u.RawQuery))
	}
	if u.Fragment != "" {
		b.WriteString("#" + mask)
	}
	return b.String()
}

func maskedQuery(raw string) string {
	parts := strings.Split(raw, "&")
	for i, part := range parts {
		parts[i] = mask // without "=" it may be a token itself
		if key, _, ok := strings.Cut(part, "="); ok {
			parts[i] = key + "=" + mask
		}
	}
	return strings.Join(parts, "&")
}

// Redacted returns a copy in which every secret is masked. It is for people to look at, not to probe with.
func (c *Config) Redacted() *Config {
	out, _ := reflect.TypeAssert[Config](rewrite(reflect.ValueOf(*c), place{}, masked))
	return &out
}

func (m Module) redacted() Module {
	out, _ := reflect.TypeAssert[Module](rewrite(reflect.ValueOf(m), place{pattern: modulePattern}, masked))
	return out
}

// YAML returns the configuration as text, with its secrets masked.
func (c *Config) YAML() ([]byte, error) { return marshal(c.Redacted()) }

// YAML returns the module as text, with its secrets masked.
func (m Module) YAML() ([]byte, error) { return marshal(m.redacted()) }

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
