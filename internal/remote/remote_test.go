package remote

import (
	"net/http"
	"testing"

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
