package app

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestHintIsEverywhere looks for the same hint wherever a failed probe is shown.
func TestHintIsEverywhere(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Digest realm="canary"`)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte("canary"))
	}))
	defer target.Close()
	a := started(t, options(&recorder{}))
	get := func(path string) string {
		_, body := get(t, a.Addr(), path)
		return body
	}
	debug := get("/probe?debug=true&entityID=e&target=" + url.QueryEscape(target.URL) + "&target=second")
	for where, text := range map[string]string{"debug=true": debug, "/logs": get("/logs?id=1"), "the page": get("/probes")} {
		if !strings.Contains(text, "it wants Digest authentication, which this exporter does not support") {
			t.Errorf("there is no hint in %s:\n%s", where, text)
		}
		if strings.Contains(text, "canary") {
			t.Errorf("%s repeats the target:\n%s", where, text)
		}
	}
	for _, want := range []string{`the parameter "entityID" is not known`, "a second target was left aside"} {
		if !strings.Contains(debug, want) {
			t.Errorf("debug=true has no %q:\n%s", want, debug)
		}
	}
}
