package inventory

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// api makes the fetcher of the first API of a configuration.
func testAPI(t *testing.T, text string) *api {
	t.Helper()
	cfg := parse(t, "target_apis:\n- "+strings.ReplaceAll(text, "\n", "\n  "))
	a, err := newAPI(cfg.TargetAPIs[0], config.TargetReader{Modules: cfg.Modules}, masked)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	return a
}

func TestAPI(t *testing.T) {
	elsewhere := probetest.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was asked elsewhere", r.URL) }))
	mux := http.NewServeMux()
	mux.HandleFunc("/list", func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "u" || password != "CANARY" || r.Header.Get("Accept") != "application/json" || !strings.HasPrefix(r.UserAgent(), "healthcheck_exporter/") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `[{"targets": ["h:80"], "labels": {"target": "a"}}]`)
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/list", http.StatusFound) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/html", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>CANARY") })
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "[", strings.Repeat(" ", maxDocument), "]")
	})
	mux.HandleFunc("/half", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `[{"targets": ["http://u:CANARY@h"`) })
	mux.HandleFunc("/object", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"error": "CANARY"}`) })
	mux.HandleFunc("/nothing", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/garbage", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "CANARY\x00\xff") })
	mux.HandleFunc("/drip", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "[")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "100") })
	server := probetest.Serve(t, mux)
	const auth = "basic_auth: {username: u, password: CANARY}\n"
	for _, tt := range []struct{ name, url, more, err string }{
		{"good", server.URL + "/list?key=CANARY", auth, ""},
		{"redirect", server.URL + "/redirect", auth, ""},
		{"redirect elsewhere", server.URL + "/away", auth, "got status 302, a redirect to another host or scheme"},
		{"too many redirects", server.URL + "/loop", auth, "got status 302"},
		{"redirects are off", server.URL + "/redirect", auth + "follow_redirects: false\n", "got status 302, want 200"},
		{"no password", server.URL + "/list?key=CANARY", "", "got status 401, want 200"},
		{"not JSON", server.URL + "/html", "", "reading the answer: got HTML or XML"},
		{"half of it", server.URL + "/half", "", "reading the answer: not valid JSON: unexpected end of JSON input"},
		{"another list", server.URL + "/object", "", "reading the answer: not a list"},
		{"nothing", server.URL + "/nothing", "", "reading the answer: not valid JSON: unexpected end of JSON input"},
		{"garbage", server.URL + "/garbage", "", "reading the answer: not valid JSON"},
		{"slow body", server.URL + "/drip?key=CANARY", "timeout: 100ms\n", "context deadline exceeded"},
		{"too large", server.URL + "/large", "", "more than 16 MiB"},
		{"slow", server.URL + "/hang?key=CANARY", "timeout: 50ms\n", "asking: context deadline exceeded"},
		{"cut off", server.URL + "/cut", "", "reading the answer: unexpected EOF"},
		{"refused", "http://u:CANARY@127.0.0.1:1/?key=CANARY", "", "connection refused"},
		{"no token", server.URL + "/list", "oauth2: {client_id: a, client_secret: CANARY, token_url: '" + server.URL + "/html?key=CANARY'}\n", "asking: "},
		{"token refused", server.URL + "/list", "oauth2: {client_id: a, client_secret: CANARY, token_url: '" + server.URL + "/none?key=CANARY'}\n", "getting a token: got status 404"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := testAPI(t, "name: x\nurl: "+tt.url+"\nformat: http_sd\n"+tt.more)
			last := map[string]*document{answer: {data: []byte("[]")}}
			docs, err := a.fetch(t.Context(), last)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "CANARY") {
					t.Errorf("got %v, want %s", err, tt.err)
				}
				if docs[answer] != last[answer] {
					t.Error("the last good answer is gone")
				}
				return
			}
			if err != nil || len(docs[answer].targets) != 1 || docs[answer].targets[0].Name != "a" {
				t.Fatalf("got %+v, %v", docs[answer], err)
			}
			again, err := a.fetch(t.Context(), docs)
			if err != nil || again[answer] != docs[answer] {
				t.Errorf("the same answer was read again: %v", err)
			}
		})
	}
}
