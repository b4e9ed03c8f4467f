package remote

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

func TestConnectSaysWhatWasMeant(t *testing.T) {
	const invalid = "the URL of the exporter is not valid, want http://host:port or https://host:port"
	for _, tt := range []struct{ name, url, want string }{
		{"address and port", "127.0.0.1:30000", invalid + ", did you mean http://127.0.0.1:30000?"},
		{"name and port", "localhost:30000", invalid + ", did you mean http://localhost:30000?"},
		{"one slash", "https:/exporter.example", invalid + ", did you mean https://exporter.example?"},
		{"IPv6 address", "::1", invalid + ", did you mean http://[::1]? Put an IPv6 address in brackets, and the port after them."},
		{"credentials are not repeated", "user:canary@127.0.0.1:30000", invalid},
		{"nothing", "", invalid},
		{"another scheme", "ftp://127.0.0.1:30000", invalid},
		{"good", "http://127.0.0.1:30000", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got string
			c, err := Connect(Options{Name: "the exporter", URL: tt.url, User: "targets"})
			if err != nil {
				got = err.Error()
			} else {
				c.Close()
			}
			if got != tt.want {
				t.Errorf("error %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	for _, tc := range []struct {
		name   string
		path   string
		status int
		kind   string // of the answer
		answer string
		asked  string
		want   string // the error; empty: none
	}{
		{"path below the URL", "api/v1/x/a%2Fb/pause", 200, "application/json", `"ok"`, "/hc/api/v1/x/a%2Fb/pause?", ""},
		{"query", "api/v1/x?name=a%26b", 200, "application/json", `"ok"`, "/hc/api/v1/x?name=a%26b", ""},
		{"another program", "x", 200, "text/html", "<html>", "/hc/x?", "the answer does not come from a healthcheck_exporter: invalid character '<' looking for beginning of value"},
		{"refused", "x", 409, "text/plain; charset=utf-8", "no\n\x1b[2Jsuch service\n", "/hc/x?", "status 409, want 200: no \ufffd[2Jsuch service"},
		{"refused in JSON", "x", 400, "application/json", `"bad alert"`, "/hc/x?", "status 400, want 200: bad alert"},
		{"refused with a problem", "x", 400, "application/problem+json", `{"title":"Bad Request","status":400,"detail":"limit is 0"}`, "/hc/x?", "status 400, want 200: limit is 0"},
		{"refused with a problem that is cut", "x", 400, "application/problem+json", `{"detail":"limit`, "/hc/x?", "status 400, want 200"},
		{"refused with a problem that has places", "x", 422, "application/problem+json", `{"title":"The target is not valid","status":422,"errors":[{"pointer":"/url","detail":"scheme is \"ftp\""}]}`, "/hc/x?", "status 422, want 200: The target is not valid"},
		{"created", "x", 201, "application/json", `"ok"`, "/hc/x?", ""},
		{"refused by a page", "x", 502, "text/html", "<html>", "/hc/x?", "status 502, want 200"},
		{"without credentials", "x", 401, "text/plain", "", "/hc/x?", "status 401, want 200; give credentials with --http.config.file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var asked string
			target := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = r.URL.EscapedPath() + "?" + r.URL.RawQuery
				w.Header().Set("Content-Type", tc.kind)
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.answer))
			}))
			s, err := Connect(Options{Kind: "a healthcheck_exporter", URL: target.URL + "/hc/", ClientFlag: "--http.config.file", User: "test"})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var answer, got string
			if err := s.GetJSON(t.Context(), tc.path, &answer); err != nil {
				got = err.Error()
				if IsStatus(err, tc.status) != (tc.status != http.StatusOK) {
					t.Errorf("IsStatus(%v, %d) is wrong", err, tc.status)
				}
			}
			if got != tc.want || asked != tc.asked {
				t.Errorf("error %q, want %q; asked for %q, want %q", got, tc.want, asked, tc.asked)
			}
		})
	}
}

// A change has its condition, and what is wrong with it comes back with each place.
func TestChange(t *testing.T) {
	var asked *http.Request
	var body []byte
	answer := `{"title":"The target is not valid","errors":[{"pointer":"/url","detail":"scheme is \u001b[2J\nftp"},{"pointer":"","detail":"too much"}]}`
	status := http.StatusUnprocessableEntity
	target := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("ETag", `"18"`)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	s, err := Connect(Options{Kind: "a healthcheck_exporter", URL: target.URL, User: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Do(t.Context(), Request{Method: http.MethodPatch, Path: "x", JSON: []byte(`{}`), IfMatch: `"17"`})
	refused, ok := errors.AsType[*StatusError](err)
	if !ok {
		t.Fatalf("error %v, want a StatusError", err)
	}
	want := []Problem{{"/url", "scheme is \ufffd[2J ftp"}, {"", "too much"}}
	if diff := cmp.Diff(want, refused.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if got := fmt.Sprint(asked.Method, asked.Header["If-Match"], asked.Header["Content-Type"], string(body)); got != `PATCH["17"] [application/json]{}` {
		t.Errorf("asked %s", got)
	}
	status = http.StatusNoContent
	a, err := s.Do(t.Context(), Request{Method: http.MethodDelete, Path: "x"})
	if err != nil || a.ETag != `"18"` || asked.Header.Get("Content-Type") != "" || asked.Header.Get("If-Match") != "" {
		t.Errorf("%+v, %v; asked with %v", a, err, asked.Header)
	}
}

// What is known already is not sent again, and a redirect may not lead anywhere.
func TestConditionalGet(t *testing.T) {
	target := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"17"`)
		switch {
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "/x", http.StatusFound)
		case r.Header.Get("If-None-Match") == `"17"`:
			w.WriteHeader(http.StatusNotModified)
		default:
			_, _ = w.Write([]byte("text"))
		}
	}))
	for _, tc := range []struct {
		name, path, known string
		stays             bool
		body              string
		code              int // of the error; 0: there is none
	}{
		{"nothing is known", "x", "", false, "text", 0},
		{"an older one is known", "x", `"16"`, false, "text", 0},
		{"it is known", "x", `"17"`, false, "", http.StatusNotModified},
		{"it has moved", "moved", "", false, "text", 0},
		{"it may not move", "moved", "", true, "", http.StatusFound},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := Connect(Options{URL: target.URL, User: "test", NoRedirects: tc.stays})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			a, err := s.Do(t.Context(), Request{Method: http.MethodGet, Path: tc.path, IfNoneMatch: tc.known})
			if string(a.Body) != tc.body || err == nil && (tc.code != 0 || a.ETag != `"17"`) || err != nil && !IsStatus(err, tc.code) {
				t.Errorf("got %q, %q, %v, want %q and status %d", a.Body, a.ETag, err, tc.body, tc.code)
			}
		})
	}
}
