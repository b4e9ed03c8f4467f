package access

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAdmit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", token) }
	}
	basic := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	for _, tt := range []struct {
		name string
		auth Authenticator
		set  func(*http.Request)
		code int
	}{
		{"zero", Authenticator{}, nil, 401},
		{"zero with empty basic", Authenticator{}, basic("", ""), 401},
		{"anybody", Authenticator{Anybody: true}, nil, 200},
		{"no token", Authenticator{Bearer: "s3cret"}, nil, 401},
		{"wrong token", Authenticator{Bearer: "s3cret"}, bearer("Bearer wrong"), 401},
		{"prefix of the token", Authenticator{Bearer: "s3cret"}, bearer("Bearer s3cre"), 401},
		{"token", Authenticator{Bearer: "s3cret"}, bearer("Bearer s3cret"), 200},
		{"lower case scheme", Authenticator{Bearer: "s3cret"}, bearer("bearer s3cret"), 200},
		{"token as basic", Authenticator{Bearer: "s3cret"}, basic("", "s3cret"), 401},
		{"token from a file", Authenticator{BearerFile: file}, bearer("Bearer s3cret"), 200},
		{"file is gone", Authenticator{BearerFile: file + "x"}, bearer("Bearer s3cret"), 503},
		{"basic", Authenticator{Username: "am", PasswordFile: file}, basic("am", "s3cret"), 200},
		{"wrong user", Authenticator{Username: "am", PasswordFile: file}, basic("pm", "s3cret"), 401},
		{"wrong password", Authenticator{Username: "am", PasswordFile: file}, basic("am", "x"), 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, w := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody), httptest.NewRecorder()
			if tt.set != nil {
				tt.set(r)
			}
			code, err := tt.auth.Admit(w, r, slog.New(slog.DiscardHandler))
			if code != tt.code || (err == nil) != (tt.code == 200) {
				t.Errorf("the answer is %d, %v; want %d", code, err, tt.code)
			}
			if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), file)) {
				t.Errorf("the error tells too much: %v", err)
			}
			if challenged := w.Header().Get("WWW-Authenticate") != ""; challenged != (tt.code == 401) {
				t.Errorf("challenge is %q", w.Header().Get("WWW-Authenticate"))
			}
		})
	}
}
