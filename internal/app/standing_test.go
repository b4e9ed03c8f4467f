package app

import (
	"net/http"
	"strings"
	"testing"
)

// What holds a restart is on the page of a target for users who are listed, as in the answers about restarts, and for nobody else.
func TestStandingIsNotForEverybody(t *testing.T) {
	reader, syncer := strings.Repeat("r", 40), strings.Repeat("s", 40)
	o := options(&recorder{})
	o.ConfigFile = configFile(t, `
access:
  users:
    - {name: reader, role: read, bearer_token: `+reader+`}
    - {name: am, role: sync, bearer_token: `+syncer+`}
targets: [{name: shop, url: 'http://127.0.0.1:1/'}]
restart:
  mode: observe
  receiver: {insecure: true}
  services: [{name: web, checks: [{target: shop}], command: {argv: [/bin/true]}}]
`)
	a := started(t, o)
	waitForServices(t, a)
	h := a.routes()
	for name, tc := range map[string]struct {
		token string
		code  int
		shown bool
	}{
		"nobody":       {"", http.StatusOK, false},
		"a reader":     {reader, http.StatusOK, true},
		"Alertmanager": {syncer, http.StatusForbidden, false},
		"a stranger":   {strings.Repeat("x", 40), http.StatusUnauthorized, false},
	} {
		header := http.Header{}
		if tc.token != "" {
			header.Set("Authorization", "Bearer "+tc.token)
		}
		w := serve(h, http.MethodGet, "/targets/shop", header)
		if shown := strings.Contains(w.Body.String(), "No restart is asked for."); w.Code != tc.code || shown != tc.shown {
			t.Errorf("%s: status %d, shown %t; want %d, %t", name, w.Code, shown, tc.code, tc.shown)
		}
	}
}
