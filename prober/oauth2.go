package prober

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"
	commonconfig "github.com/prometheus/common/config"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// grantJWTBearer is the grant type of RFC 7523 section 2.1.
const grantJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// A tokenSource fetches OAuth 2.0 access tokens and keeps the last one until it expires, is rejected, or the
// client secret changes. A fetch ends with the probe that asked for it.
type tokenSource struct {
	cfg    *commonconfig.OAuth2
	client *http.Client
	// last holds the last token. Whoever takes it out owns it until it is put back. So one probe fetches while the
	// others wait, each within its own time.
	last chan cachedToken
}

// A cachedToken is a token and the client secret that was used to get it.
type cachedToken struct {
	token  *oauth2.Token // nil: none
	secret string
}

func newTokenSource(cfg *commonconfig.OAuth2) (*tokenSource, error) {
	tlsConfig, err := commonconfig.NewTLSConfig(&cfg.TLSConfig)
	if err != nil {
		return nil, fmt.Errorf("preparing TLS for oauth2: %w", err)
	}
	s := &tokenSource{
		cfg: cfg,
		client: &http.Client{Transport: &http.Transport{
			TLSClientConfig:    tlsConfig,
			Proxy:              cfg.Proxy(),
			ProxyConnectHeader: cfg.GetProxyConnectHeader(),
			DisableKeepAlives:  true, // a token lasts longer than an idle connection
		}},
		last: make(chan cachedToken, 1),
	}
	s.last <- cachedToken{}
	return s, nil
}

func (s *tokenSource) authorize(ctx context.Context, h http.Header) error {
	secret, err := s.clientSecret()
	if err != nil {
		return err
	}
	var c cachedToken
	select {
	case c = <-s.last:
	case <-ctx.Done():
		return errors.New("waiting for an OAuth 2.0 token: no time left")
	}
	defer func() { s.last <- c }()
	if c.secret != secret || !c.token.Valid() {
		token, err := s.fetch(ctx, secret)
		if err != nil {
			return fmt.Errorf("fetching an OAuth 2.0 token: %w", withoutBody(err))
		}
		c = cachedToken{token: token, secret: secret}
	}
	c.token.SetAuthHeader(&http.Request{Header: h})
	return nil
}

// forget drops the last token, unless a probe is already fetching the next one.
func (s *tokenSource) forget() {
	select {
	case <-s.last:
		s.last <- cachedToken{}
	default:
	}
}

func (s *tokenSource) fetch(ctx context.Context, secret string) (*oauth2.Token, error) {
	client := *s.client
	if deadline, ok := ctx.Deadline(); ok {
		client.Timeout = time.Until(deadline) // the JWT grant does not look at the context
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &client)
	params := url.Values{}
	for k, v := range s.cfg.EndpointParams {
		params.Set(k, v)
	}
	if s.cfg.GrantType == grantJWTBearer {
		return s.jwtConfig(secret, params).TokenSource(ctx).Token()
	}
	c := clientcredentials.Config{
		ClientID:       s.cfg.ClientID,
		ClientSecret:   secret,
		Scopes:         s.cfg.Scopes,
		TokenURL:       s.cfg.TokenURL,
		EndpointParams: params,
	}
	return c.Token(ctx)
}

func (s *tokenSource) jwtConfig(key string, params url.Values) *commonconfig.JwtGrantTypeConfig {
	signing := map[string]*jwt.SigningMethodRSA{
		"RS384": jwt.SigningMethodRS384,
		"RS512": jwt.SigningMethodRS512,
	}[s.cfg.SignatureAlgorithm]
	if signing == nil {
		signing = jwt.SigningMethodRS256
	}
	iss := s.cfg.Iss
	if iss == "" {
		iss = s.cfg.ClientID
	}
	return &commonconfig.JwtGrantTypeConfig{
		PrivateKey:       []byte(key),
		PrivateKeyID:     s.cfg.ClientCertificateKeyID,
		Scopes:           s.cfg.Scopes,
		TokenURL:         s.cfg.TokenURL,
		SigningAlgorithm: signing,
		Iss:              iss,
		Subject:          s.cfg.ClientID,
		Audience:         s.cfg.Audience,
		PrivateClaims:    s.cfg.Claims,
		EndpointParams:   params,
	}
}

// clientSecret is the key of the JWT grant or the secret of the client credentials grant.
func (s *tokenSource) clientSecret() (string, error) {
	if s.cfg.GrantType == grantJWTBearer {
		return secretOr(s.cfg.ClientCertificateKeyFile, string(s.cfg.ClientCertificateKey))
	}
	return secretOr(s.cfg.ClientSecretFile, string(s.cfg.ClientSecret))
}

// withoutBody drops the token endpoint's answer and the URL from err: both may hold secrets.
func withoutBody(err error) error {
	if retrieve, ok := errors.AsType[*oauth2.RetrieveError](err); ok && retrieve.Response != nil {
		return fmt.Errorf("the token endpoint answered %d", retrieve.Response.StatusCode)
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return bare(ue.Err)
	}
	return err
}
