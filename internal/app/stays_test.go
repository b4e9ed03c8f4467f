package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
)

// An answer that goes on ends when a load takes the right to it away, and not otherwise.
func TestStays(t *testing.T) {
	const two = "access: {anonymous: ANON, users: [{name: ci, role: edit, bearer_token: TOKEN1}, {name: cd, role: ROLE, bearer_token: TOKEN2}]}"
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "")
	load := func(anonymous, role, token string) {
		writeFile(t, o.ConfigFile, strings.NewReplacer("ANON", anonymous, "ROLE", role, "TOKEN1", tokenOf("ci"), "TOKEN2", token).Replace(two))
	}
	load("read", "read", tokenOf("cd"))
	a := build(t, o)
	a.loadEvery = 0
	began, over := make(chan string), make(chan string, 3)
	h := a.admit(following, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		id := access.From(r.Context())
		began <- id.String()
		<-r.Context().Done()
		over <- id.String()
	}))
	follow := func(set func(*http.Request)) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/live", http.NoBody)
		if set != nil {
			set(r)
		}
		go h.ServeHTTP(httptest.NewRecorder(), r)
		<-began
	}
	reload := func() {
		t.Helper()
		if err := a.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	follow(nil)
	follow(bearer(tokenOf("ci")))
	follow(bearer(tokenOf("cd")))
	for _, step := range []struct{ anonymous, role, token, ends string }{
		{"read", "read", tokenOf("cd"), ""},
		{"none", "read", tokenOf("cd"), "anonymous"},
		{"none", "read", tokenOf("ce"), "cd (read)"},
	} {
		load(step.anonymous, step.role, step.token)
		reload()
		if step.ends == "" {
			continue
		}
		if got := <-over; got != step.ends {
			t.Errorf("%s ended, want %s", got, step.ends)
		}
	}
	select {
	case got := <-over:
		t.Errorf("%s ended, too", got)
	default:
	}
}
