package probetest

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// token asks for a new token.
func token(t *testing.T, s *OAuth2Server, style oauth2.AuthStyle, secret string) (*oauth2.Token, error) {
	t.Helper()
	cfg := clientcredentials.Config{ClientID: ClientID, ClientSecret: secret, TokenURL: s.URL, Scopes: []string{"a", "b"}, AuthStyle: style}
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), oauth2.HTTPClient, newClient(t, nil)), time.Minute)
	defer cancel()
	return cfg.Token(ctx)
}

func TestOAuth2(t *testing.T) {
	s := OAuth2(t)
	for i, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
		tok, err := token(t, s, style, ClientSecret)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"token-1", "token-2"}[i]
		if left := time.Until(tok.Expiry); tok.AccessToken != want || left < 50*time.Minute || left > time.Hour {
			t.Errorf("got %s for %v, want %s for an hour", tok.AccessToken, left, want)
		}
		if scope := s.Form().Get("scope"); scope != "a b" {
			t.Errorf("scope %q, want a b", scope)
		}
	}

	for name, ask := range map[string]func() int{
		"wrong secret in the header": func() int { return statusOf(token(t, s, oauth2.AuthStyleInHeader, "wrong")) },
		"wrong secret in the form":   func() int { return statusOf(token(t, s, oauth2.AuthStyleInParams, "wrong")) },
	} {
		if got := ask(); got != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", name, got)
		}
	}
	s.Fail(503)
	if got := statusOf(token(t, s, oauth2.AuthStyleInHeader, ClientSecret)); got != 503 {
		t.Errorf("told to fail: status %d, want 503", got)
	}
	s.Fail(0)
	s.ExpireIn(0)
	if tok, err := token(t, s, oauth2.AuthStyleInHeader, ClientSecret); err != nil || tok.AccessToken != "token-3" || !tok.Expiry.IsZero() {
		t.Errorf("got %+v, %v, want token-3 without an expiry", tok, err)
	}
	if n := s.Requests(); n != 6 {
		t.Errorf("%d requests, want 6", n)
	}
}

// statusOf returns the status that the endpoint answered with, 0 if there is none.
func statusOf(_ *oauth2.Token, err error) int {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return e.Response.StatusCode
	}
	return 0
}

func TestOAuth2Hangs(t *testing.T) {
	s := OAuth2(t)
	s.Hang()
	defer NoLeaks(t)()
	if _, _, err := get(t, newClient(t, nil), s.URL, short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
	}
	if n := s.Requests(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}
