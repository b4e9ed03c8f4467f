package prober_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func secretFile(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// Credentials come from the module or from files. A file that is gone later fails the probe, which is never sent without.
func TestCredentials(t *testing.T) {
	for _, tt := range []struct{ name, block, header, want string }{
		{"basic", "basic_auth: {username: u, password: p}", "Authorization", "Basic dTpw"},
		{"basic from files", "basic_auth: {username: u, password_file: FILE}", "Authorization", "Basic dTpz"},
		{"bearer", "bearer_token: s", "Authorization", "Bearer s"},
		{"bearer from a file", "bearer_token_file: FILE", "Authorization", "Bearer s"},
		{"authorization", "authorization: {type: Token, credentials: s}", "Authorization", "Token s"},
		{"authorization from a file", "authorization: {credentials_file: FILE}", "Authorization", "Bearer s"},
		{"header from a file", "http_headers: {X-Key: {files: [FILE]}}", "X-Key", "s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := record(t, plain(t), nil)
			file := secretFile(t, "s\n")
			p := newProber(t, strings.ReplaceAll(tt.block, "FILE", file))
			wantSuccess(t, probe(t, p, target(t, s.URL), patient))
			if got := s.last(t).Header.Get(tt.header); got != tt.want {
				t.Errorf("%s is %q, want %q", tt.header, got, tt.want)
			}
			if !strings.Contains(tt.block, "FILE") {
				return
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			wantFailure(t, probe(t, p, target(t, s.URL), patient), prober.ReasonLocalResource, prober.PhasePrepare, "reading credentials")
			if n := len(s.requests()); n != 1 {
				t.Errorf("the server saw %d requests, want the first alone", n)
			}
		})
	}
}

func TestOAuth2(t *testing.T) {
	block := "oauth2: {client_id: '" + probetest.ClientID + "', client_secret: '" + probetest.ClientSecret + "', token_url: URL, scopes: [a, b], endpoint_params: {audience: x}}"
	setup := func(t *testing.T, answer http.HandlerFunc) (*probetest.OAuth2Server, *recorder, prober.Prober) {
		o, s := probetest.OAuth2(t), record(t, plain(t), answer)
		return o, s, newProber(t, strings.ReplaceAll(block, "URL", o.URL))
	}
	t.Run("cached", func(t *testing.T) {
		o, s, p := setup(t, nil)
		for range 3 {
			wantSuccess(t, probe(t, p, target(t, s.URL), patient))
		}
		if got := s.last(t).Header.Get("Authorization"); got != "Bearer token-1" || o.Requests() != 1 {
			t.Errorf("Authorization is %q after %d token requests, want token-1 after 1", got, o.Requests())
		}
		if f := o.Form(); f.Get("scope") != "a b" || f.Get("audience") != "x" || f.Get("grant_type") != "client_credentials" {
			t.Errorf("token request is %v", f)
		}
	})
	t.Run("expired", func(t *testing.T) {
		o, s, p := setup(t, nil)
		o.ExpireIn(time.Second) // within the margin in which a token counts as expired
		wantSuccess(t, probe(t, p, target(t, s.URL), patient))
		wantSuccess(t, probe(t, p, target(t, s.URL), patient))
		if got := s.last(t).Header.Get("Authorization"); got != "Bearer token-2" {
			t.Errorf("Authorization is %q, want token-2", got)
		}
	})
	t.Run("rejected", func(t *testing.T) {
		o, s, p := setup(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer token-1" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
		wantFailure(t, probe(t, p, target(t, s.URL), patient), prober.ReasonStatus, prober.PhaseCheck, "401")
		wantSuccess(t, probe(t, p, target(t, s.URL), patient))
		if o.Requests() != 2 {
			t.Errorf("there were %d token requests, want 2", o.Requests())
		}
	})
	t.Run("refused", func(t *testing.T) {
		o, s, p := setup(t, nil)
		o.Fail(http.StatusForbidden)
		res := probe(t, p, target(t, s.URL), patient)
		wantFailure(t, res, prober.ReasonLocalResource, prober.PhasePrepare, "the token endpoint answered 403")
		if s.Accepted() != 0 {
			t.Error("the target was contacted without a token")
		}
	})
	t.Run("hangs", func(t *testing.T) {
		o, s, p := setup(t, nil)
		o.Hang()
		defer probetest.NoLeaks(t)()
		res := hanging(t, p, target(t, s.URL), prober.ReasonLocalResource, prober.PhasePrepare)
		wantFailure(t, res, prober.ReasonLocalResource, prober.PhasePrepare, "OAuth 2.0 token")
	})
}
