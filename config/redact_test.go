package config_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// mayBeShown are the fields of a module whose text everybody may see. Think twice before you add one.
var mayBeShown = []string{
	".Prober",
	".HTTP.ValidHTTPVersions[]",
	".HTTP.IPProtocol",
	".HTTP.Method",
	".HTTP.BodyFile",
	".HTTP.Compression",
	".HTTP.FailIfBodyMatches[]",
	".HTTP.FailIfBodyNotMatches[]",
	".HTTP.FailIfBodyJSONMatch",
	".HTTP.FailIfBodyJSONNotMatch",
	".HTTP.FailIfHeaderMatches[].Header",
	".HTTP.FailIfHeaderMatches[].Regexp",
	".HTTP.FailIfHeaderNotMatches[].Header",
	".HTTP.FailIfHeaderNotMatches[].Regexp",
	".HTTP.Client.BasicAuth.Username",
	".HTTP.Client.BasicAuth.UsernameFile",
	".HTTP.Client.BasicAuth.PasswordFile",
	".HTTP.Client.Authorization.Type",
	".HTTP.Client.Authorization.CredentialsFile",
	".HTTP.Client.OAuth2.ClientID",
	".HTTP.Client.OAuth2.ClientSecretFile",
	".HTTP.Client.OAuth2.ClientCertificateKeyID",
	".HTTP.Client.OAuth2.ClientCertificateKeyFile",
	".HTTP.Client.OAuth2.GrantType",
	".HTTP.Client.OAuth2.SignatureAlgorithm",
	".HTTP.Client.OAuth2.Iss",
	".HTTP.Client.OAuth2.Audience",
	".HTTP.Client.OAuth2.Scopes[]",
	".HTTP.Client.OAuth2.TLSConfig.CAFile",
	".HTTP.Client.OAuth2.TLSConfig.CertFile",
	".HTTP.Client.OAuth2.TLSConfig.KeyFile",
	".HTTP.Client.OAuth2.TLSConfig.ServerName",
	".HTTP.Client.OAuth2.ProxyConfig.NoProxy",
	".HTTP.Client.BearerTokenFile",
	".HTTP.Client.TLSConfig.CAFile",
	".HTTP.Client.TLSConfig.CertFile",
	".HTTP.Client.TLSConfig.KeyFile",
	".HTTP.Client.TLSConfig.ServerName",
	".HTTP.Client.ProxyConfig.NoProxy",
	".HTTP.Client.HTTPHeaders.Headers{}.Files[]",
	".WebSocket.IPProtocol",
	".WebSocket.Headers.Headers{}.Files[]",
	".WebSocket.Origin",
	".WebSocket.Subprotocols[]",
	".WebSocket.QueryResponse[].Expect",
	".WebSocket.QueryResponse[].ExpectBinary",
	".WebSocket.QueryResponse[].ExpectJSON",
}

// shownAt reports whether the text at a place may be shown. The client of a WebSocket module is that of an HTTP module.
func shownAt(place string) bool {
	return slices.Contains(mayBeShown, strings.Replace(place, ".WebSocket.Client.", ".HTTP.Client.", 1))
}

// A planter puts a different text into every field of a value that can hold one.
type planter struct {
	t      *testing.T
	canary map[string]string // by place
}

func (p *planter) next(place string) string {
	s := fmt.Sprintf("CANARY%04dx", len(p.canary))
	p.canary[fmt.Sprintf("%s#%d", place, len(p.canary))] = s
	return s
}

func (p *planter) plant(place string, v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *commonconfig.URL:
		if err := yaml.Unmarshal(fmt.Appendf(nil, "https://%s:%s@proxy.example.com/?a=%s&%s#%s",
			p.next(place), p.next(place), p.next(place), p.next(place), p.next(place)), x); err != nil {
			p.t.Fatal(err)
		}
		return
	case *commonconfig.TLSVersion:
		*x = commonconfig.TLSVersions["TLS12"]
		return
	case *config.Regexp:
		re, err := config.NewRegexp(p.next(place))
		if err != nil {
			p.t.Fatal(err)
		}
		*x = re
		return
	case *config.CEL:
		c, err := config.NewCEL(fmt.Sprintf("body == %q", p.next(place)))
		if err != nil {
			p.t.Fatal(err)
		}
		*x = *c
		return
	}
	p.plantKind(place, v)
}

func (p *planter) plantKind(place string, v reflect.Value) {
	switch v.Kind() { //nolint:exhaustive // the default fails the test
	case reflect.String:
		v.SetString(p.next(place))
		if strings.HasSuffix(place, ".TokenURL") {
			v.SetString(fmt.Sprintf("https://%s:%s@id.example.com/?a=%s", v.String(), p.next(place), p.next(place)))
		}
	case reflect.Struct:
		for f, field := range v.Fields() {
			if f.IsExported() {
				p.plant(place+"."+f.Name, field)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		p.plant(place, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		p.plant(place+"[]", v.Index(0))
		p.plant(place+"[]", v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		e := reflect.New(v.Type().Elem()).Elem()
		p.plant(place+"{}", e)
		v.SetMapIndex(reflect.ValueOf("X-Key"), e)
	case reflect.Interface:
		v.Set(reflect.ValueOf(map[string]any{"deep": []any{p.next(place)}}))
	case reflect.Bool, reflect.Int, reflect.Int64:
	default:
		p.t.Fatalf("%s: a new kind of field, %s: plant something", place, v.Type())
	}
}

func TestNoSecretIsShown(t *testing.T) {
	p := &planter{t: t, canary: map[string]string{}}
	var m config.Module
	p.plant("", reflect.ValueOf(&m).Elem())
	before := m.HTTP.Client.OAuth2.Claims["X-Key"]

	for name, yaml := range map[string]func() ([]byte, error){
		"module": m.YAML,
		"config": (&config.Config{Modules: map[string]config.Module{"a": m}}).YAML,
	} {
		t.Run(name, func(t *testing.T) { p.check(t, yaml) })
	}
	t.Run("original", func(t *testing.T) {
		if m.HTTP.Body != p.of(".HTTP.Body") || string(m.HTTP.Client.BasicAuth.Password) != p.of(".HTTP.Client.BasicAuth.Password") ||
			m.HTTP.Headers["X-Key"] != p.of(".HTTP.Headers{}") || !strings.Contains(m.HTTP.Client.ProxyURL.String(), p.of(".HTTP.Client.ProxyConfig.ProxyURL")) ||
			m.HTTP.Client.HTTPHeaders.Headers["X-Key"].Values[0] != p.of(".HTTP.Client.HTTPHeaders.Headers{}.Values[]") ||
			string(m.HTTP.Client.ProxyConnectHeader["X-Key"][0]) != p.of(".HTTP.Client.ProxyConfig.ProxyConnectHeader{}[]") ||
			!cmp.Equal(before, m.HTTP.Client.OAuth2.Claims["X-Key"]) {
			t.Error("it was changed")
		}
	})
}

// of returns the first canary at a place.
func (p *planter) of(place string) string {
	var all []string
	for at, s := range p.canary {
		if strings.HasPrefix(at, place+"#") {
			all = append(all, s)
		}
	}
	return slices.Min(all)
}

func (p *planter) check(t *testing.T, text func() ([]byte, error)) {
	out, err := text()
	if err != nil {
		t.Fatal(err)
	}
	var parsed map[string]any
	if err := yaml.Unmarshal(out, &parsed); err != nil {
		t.Errorf("not YAML: %v", err)
	}
	for at, s := range p.canary {
		place, _, _ := strings.Cut(at, "#")
		switch got, want := strings.Contains(string(out), s), shownAt(place); {
		case got && !want:
			t.Errorf("%s is shown", place)
		case !got && want:
			t.Errorf("%s is not shown", place)
		}
	}
	for _, want := range []string{
		"proxy_url: https://<secret>@proxy.example.com/?a=<secret>&<secret>#<secret>",
		"token_url: https://<secret>@id.example.com/?a=<secret>",
		"X-Key: <secret>",
		"body: <secret>",
		"send: <secret>",
		"send_binary: <secret>",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("got\n%s\nwant in it %s", out, want)
		}
	}
}

func TestRedactedURLs(t *testing.T) {
	for text, want := range map[string]string{
		"https://id.example.com/a%2Fb":          "https://id.example.com/a%2Fb",
		"https://id.example.com:8443?a=b&c=d&e": "https://id.example.com:8443?a=<secret>&c=<secret>&<secret>",
		"https://user@id.example.com":           "https://<secret>@id.example.com",
	} {
		c, err := config.Parse("x.yml", []byte("modules: {a: {prober: http, http: {oauth2: {client_id: id, token_url: '"+text+"'}}}}"))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Redacted().Modules["a"].HTTP.Client.OAuth2.TokenURL; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := c.Modules["a"].HTTP.Client.OAuth2.TokenURL; got != text {
			t.Errorf("the original became %s, want %s", got, text)
		}
	}
}

// Texts are masked whether they were checked or not.
func TestRedactedURLsUnchecked(t *testing.T) {
	for text, want := range map[string]string{
		"user:password@id.example.com": "<secret>",
		"http://id.example.com:pa%zz":  "<secret>",
		"//user:password@host/path":    "//<secret>@host/path",
		"/path":                        "/path",
		"":                             "",
	} {
		var c config.Module
		c.HTTP.Client.OAuth2 = &commonconfig.OAuth2{TokenURL: text}
		all := config.Config{Modules: map[string]config.Module{"a": c}}
		if got := all.Redacted().Modules["a"].HTTP.Client.OAuth2.TokenURL; got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestPublicHeader(t *testing.T) {
	for name, want := range map[string]bool{
		"Accept": true, "accept-encoding": true, "USER-AGENT": true, "Host": true, "Content-Type": true,
		"Authorization": false, "Cookie": false, "X-Api-Key": false, "": false, "Accept-": false,
	} {
		if got := config.PublicHeader(name); got != want {
			t.Errorf("%q: got %t, want %t", name, got, want)
		}
	}
}
