package probetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"
)

// The credentials that [OAuth2] wants.
const (
	ClientID     = "probetest"
	ClientSecret = "open sesame & more" // It needs escaping.
)

// An OAuth2Server is a running OAuth 2.0 token endpoint. Its URL is the URL of the endpoint.
type OAuth2Server struct {
	*Server

	mu        sync.Mutex // protects the following
	requests  int
	tokens    int
	form      url.Values
	expiresIn time.Duration
	status    int
	hang      bool
}

// OAuth2 starts a token endpoint that grants token-1, token-2 and so on, for an hour each, to whoever sends
// ClientID and ClientSecret as client credentials (RFC 6749, section 4.4), in the form or in the header.
func OAuth2(t testing.TB) *OAuth2Server {
	t.Helper()
	s := &OAuth2Server{expiresIn: time.Hour}
	s.Server = Serve(t, http.HandlerFunc(s.handle))
	s.URL += "/token"
	return s
}

// Requests returns how many requests there have been, successful or not.
func (s *OAuth2Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Form returns the form of the last request, or nil.
func (s *OAuth2Server) Form() url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.form
}

// ExpireIn sets how long the tokens are valid, in whole seconds. 0 leaves that out of the answer.
func (s *OAuth2Server) ExpireIn(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expiresIn = d
}

// Fail makes the endpoint answer every request with this status. 0 ends that.
func (s *OAuth2Server) Fail(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// Hang makes the endpoint answer no more requests. The clients have to hang up.
func (s *OAuth2Server) Hang() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hang = true
}

func (s *OAuth2Server) handle(w http.ResponseWriter, r *http.Request) {
	err := r.ParseForm()
	status, answer, hang := s.decide(r, err)
	if hang {
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// decide counts the request and returns what to do about it.
func (s *OAuth2Server) decide(r *http.Request, err error) (status int, answer map[string]any, hang bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	s.form = r.PostForm
	switch {
	case s.hang:
		return 0, nil, true
	case s.status != 0:
		return s.status, map[string]any{"error": "temporarily_unavailable"}, false
	case err != nil || r.Method != http.MethodPost || r.URL.Path != "/token":
		return http.StatusBadRequest, map[string]any{"error": "invalid_request"}, false
	case r.PostForm.Get("grant_type") != "client_credentials":
		return http.StatusBadRequest, map[string]any{"error": "unsupported_grant_type"}, false
	case !authorized(r):
		return http.StatusUnauthorized, map[string]any{"error": "invalid_client"}, false
	}
	s.tokens++
	answer = map[string]any{"access_token": fmt.Sprintf("token-%d", s.tokens), "token_type": "Bearer"}
	if s.expiresIn > 0 {
		answer["expires_in"] = int(s.expiresIn.Seconds())
	}
	return http.StatusOK, answer, false
}

// authorized reports whether r has the client credentials. In the header they are form-encoded before they are
// base64-encoded: RFC 6749, section 2.3.1.
func authorized(r *http.Request) bool {
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		var err error
		if id, err = url.QueryUnescape(user); err != nil {
			return false
		}
		if secret, err = url.QueryUnescape(password); err != nil {
			return false
		}
	}
	return id == ClientID && secret == ClientSecret
}
