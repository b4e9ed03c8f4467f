package importer

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// settings are a module that is made for monitors of another program. Its keys are those of the configuration.
type settings struct {
	Prober    string             `yaml:"prober"`
	HTTP      *httpSettings      `yaml:"http,omitempty"`
	WebSocket *webSocketSettings `yaml:"websocket,omitempty"`
}

type httpSettings struct {
	Codes            []any             `yaml:"valid_status_codes,flow,omitempty"`
	IPProtocol       string            `yaml:"preferred_ip_protocol,omitempty"`
	IPFallback       *bool             `yaml:"ip_protocol_fallback,omitempty"`
	Method           string            `yaml:"method,omitempty"`
	Headers          map[string]string `yaml:"headers,omitempty"`
	Body             string            `yaml:"body,omitempty"`
	FollowRedirects  *bool             `yaml:"follow_redirects,omitempty"`
	BodyMatches      []string          `yaml:"fail_if_body_matches_regexp,omitempty"`
	BodyNotMatches   []string          `yaml:"fail_if_body_not_matches_regexp,omitempty"`
	JSONNotMatches   string            `yaml:"fail_if_body_json_not_matches_cel,omitempty"`
	HeaderMatches    []headerMatch     `yaml:"fail_if_header_matches,omitempty"`
	HeaderNotMatches []headerMatch     `yaml:"fail_if_header_not_matches,omitempty"`
	clientSettings   `yaml:",inline"`
}

type headerMatch struct {
	Header       string `yaml:"header"`
	Regexp       string `yaml:"regexp"`
	AllowMissing bool   `yaml:"allow_missing,omitempty"`
}

type webSocketSettings struct {
	IPProtocol   string                 `yaml:"preferred_ip_protocol,omitempty"`
	IPFallback   *bool                  `yaml:"ip_protocol_fallback,omitempty"`
	Headers      map[string]headerValue `yaml:"headers,omitempty"`
	Origin       string                 `yaml:"origin,omitempty"`
	Subprotocols []string               `yaml:"subprotocols,omitempty"`
	Steps        []step                 `yaml:"query_response,omitempty"`
	Client       *clientSettings        `yaml:"http_config,omitempty"`
}

type headerValue struct {
	Values []string `yaml:"values"`
}

type step struct {
	Send       string `yaml:"send,omitempty"`
	Expect     string `yaml:"expect,omitempty"`
	ExpectJSON string `yaml:"expect_json,omitempty"`
}

type clientSettings struct {
	BasicAuth     *basicAuth     `yaml:"basic_auth,omitempty"`
	Authorization *authorization `yaml:"authorization,omitempty"`
	OAuth2        *oauth2        `yaml:"oauth2,omitempty"`
	TLS           *tlsSettings   `yaml:"tls_config,omitempty"`
	ProxyURL      string         `yaml:"proxy_url,omitempty"`
}

type basicAuth struct {
	Username string `yaml:"username,omitempty"`
	Password string `yaml:"password,omitempty"`
}

type authorization struct {
	Type        string `yaml:"type,omitempty"`
	Credentials string `yaml:"credentials,omitempty"`
}

type oauth2 struct {
	ClientID     string            `yaml:"client_id"`
	ClientSecret string            `yaml:"client_secret,omitempty"`
	TokenURL     string            `yaml:"token_url"`
	Scopes       []string          `yaml:"scopes,omitempty"`
	Params       map[string]string `yaml:"endpoint_params,omitempty"`
	TLS          *tlsSettings      `yaml:"tls_config,omitempty"`
	ProxyURL     string            `yaml:"proxy_url,omitempty"`
}

type tlsSettings struct {
	CA         string `yaml:"ca,omitempty"`
	Cert       string `yaml:"cert,omitempty"`
	CertFile   string `yaml:"cert_file,omitempty"`
	Key        string `yaml:"key,omitempty"`
	KeyFile    string `yaml:"key_file,omitempty"`
	ServerName string `yaml:"server_name,omitempty"`
	Insecure   bool   `yaml:"insecure_skip_verify,omitempty"`
}

// name says in a few words what a module does, such as http_post_200_json.
func (s *settings) name() string {
	var parts []string
	mark := func(word string, is bool) {
		if is {
			parts = append(parts, word)
		}
	}
	client := s.client()
	if w := s.WebSocket; w != nil {
		parts = []string{"websocket"}
		mark("message", len(w.Steps) > 0)
		mark("handshake", len(w.Steps) == 0)
		mark("headers", len(w.Headers) > 0)
	} else {
		h := s.HTTP
		parts = []string{"http"}
		mark(strings.ToLower(h.Method), h.Method != "")
		parts = append(parts, codesName(h.Codes))
		mark("body", len(h.BodyMatches)+len(h.BodyNotMatches) > 0)
		mark("json", h.JSONNotMatches != "")
		mark("header", len(h.HeaderMatches)+len(h.HeaderNotMatches) > 0)
		mark("headers", len(h.Headers) > 0)
		mark("no_redirects", h.FollowRedirects != nil && !*h.FollowRedirects)
	}
	mark("auth", client.BasicAuth != nil || client.Authorization != nil || client.OAuth2 != nil)
	mark("insecure", client.TLS != nil && client.TLS.Insecure)
	mark("proxy", client.ProxyURL != "")
	return notName.ReplaceAllString(strings.Join(parts, "_"), "_")
}

// client is how the module asks, also if it has nothing to say of it.
func (s *settings) client() *clientSettings {
	switch {
	case s.HTTP != nil:
		return &s.HTTP.clientSettings
	case s.WebSocket != nil && s.WebSocket.Client != nil:
		return s.WebSocket.Client
	default:
		return &clientSettings{}
	}
}

// notName is what the name of a module does not have.
var notName = regexp.MustCompile(`[^a-z0-9_]`)

// shared is what became of settings: a module, or what is wrong with them.
type shared struct {
	module string
	wrong  []string
}

// share returns the module that has the settings, which may be one that is there already.
func (im *Importer) share(from string, s settings) shared {
	name := s.name()
	if s.HTTP != nil && len(s.HTTP.Headers) == 0 {
		s.HTTP.Headers = nil
	}
	if s.HTTP != nil && reflect.ValueOf(*s.HTTP).IsZero() {
		s.HTTP = nil
	}
	if name == config.DefaultModule && s.HTTP != nil { // targets without a module have that name
		name += "_other"
	}
	var body yaml.Node
	if err := body.Encode(s); err != nil {
		return shared{wrong: []string{err.Error()}}
	}
	text, err := render(&body)
	if err != nil {
		return shared{wrong: []string{err.Error()}}
	}
	known, ok := im.shared[string(text)]
	if !ok {
		known = im.make(from, name, &body, text)
		im.shared[string(text)] = known
	}
	return known
}

// make takes a module that is made of settings, if it loads. Text is its body.
func (im *Importer) make(from, name string, body *yaml.Node, text []byte) shared {
	if m, ok := im.modules[name]; ok {
		if same, err := render(m.body); err == nil && bytes.Equal(same, text) {
			return shared{module: name}
		}
	}
	name = im.freeModule(name)
	key := &yaml.Node{Kind: yaml.ScalarNode, Value: name}
	c, err := checkModule(from, key, body)
	if needsHTTP1(err) && speakHTTP1(body) {
		c, err = checkModule(from, key, body)
	}
	if problems, ok := errors.AsType[config.Errors](err); ok {
		var wrong []string
		for _, p := range problems {
			wrong = append(wrong, strings.TrimPrefix(p.Path, "modules."+name+".")+": "+p.Message)
		}
		return shared{wrong: wrong}
	}
	if err != nil {
		return shared{wrong: []string{err.Error()}}
	}
	im.modules[name] = module{madeModules, key, body}
	im.order = append(im.order, name)
	im.reader.Modules[name] = c.Modules[name]
	return shared{module: name}
}

// forget removes a module that was made for a monitor, unless a target has it.
func (im *Importer) forget(name string) {
	if im.modules[name].from != madeModules {
		return
	}
	for _, t := range im.names {
		if t.module == name {
			return
		}
	}
	im.remove(name)
	maps.DeleteFunc(im.shared, func(_ string, s shared) bool { return s.module == name })
}

// madeModules is where modules come from that are made for monitors.
const madeModules = "monitors"

// freeModule is the name, or a similar one, that no module has.
func (im *Importer) freeModule(name string) string {
	for free := name; ; {
		if _, ok := im.modules[free]; !ok && !im.lost[free] {
			return free
		}
		im.numbers["module "+name]++
		free = fmt.Sprintf("%s_%d", name, im.numbers["module "+name]+1)
	}
}
