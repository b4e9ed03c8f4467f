package fakeslack_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
)

func attachment(fields string) string { return `{"attachments": [{` + fields + `}]}` }

func TestParse(t *testing.T) {
	tests := []struct{ name, body, want string }{ // want: part of the error; empty: none
		{"text", `{"text": "hello"}`, ""},
		{"attachment", attachment(`"title": "a", "text": "b", "color": "danger", "mrkdwn_in": ["text"]`), ""},
		{"hexadecimal colour", attachment(`"title": "a", "color": "#36a64f"`), ""},
		{"escaped", `{"text": "a &amp; b &lt;c&gt;"}`, ""},
		{"link", `{"text": "<https://example.com/?a=1&b=2|query>"}`, ""},
		{"date", `{"text": "<!date^1700000000^{date_short_pretty} {time_secs}|2023>"}`, ""},
		{"quote", `{"text": "> said she"}`, ""},
		{"fields and buttons", attachment(`"text": "a", "fields": [{"title": "b", "value": "c", "short": true}], "actions": [{"type": "button", "text": "d", "url": "https://e"}]`), ""},

		{"no JSON", `payload=hello`, "decoding"},
		{"two documents", `{"text": "a"} {"text": "b"}`, "follows"},
		{"empty", `{}`, "no_text"},
		{"unknown field", `{"txet": "a"}`, "txet"},
		{"unknown field of an attachment", attachment(`"colour": "good", "text": "a"`), "colour"},
		{"empty attachment", attachment(`"color": "good"`), "nothing to show"},
		{"colour", attachment(`"text": "a", "color": "green"`), "green"},
		{"bare ampersand", `{"text": "a & b"}`, "escaped"},
		{"bare brackets", `{"text": "status <nil>"}`, "escaped"},
		{"unclosed link", `{"text": "<https://example.com"}`, "escaped"},
		{"markup in a title", attachment(`"title": "<https://example.com|a>"`), "title: & < >"},
		{"date without a fallback", `{"text": "<!date^1700000000^{time}>"}`, "cannot show dates"},
		{"unknown date word", `{"text": "<!date^1700000000^{clock}|2023>"}`, "unknown word"},
		{"long footer", attachment(`"text": "a", "footer": "` + strings.Repeat("é", 301) + `"`), "301 characters"},
		{"long text", `{"text": "` + strings.Repeat("a", 40001) + `"}`, "40001 characters"},
		{"relative link", attachment(`"title": "a", "title_link": "/alerts"`), "no link"},
		{"too many attachments", `{"attachments": [` + strings.Repeat(`{"text": "a"},`, 100) + `{"text": "a"}]}`, "too_many_attachments"},
		{"too many buttons", attachment(`"text": "a", "actions": [` + strings.Repeat(`{"type": "button", "text": "d"},`, 5) + `{"type": "button", "text": "d"}]`), "6 actions"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := fakeslack.Parse([]byte(tt.body))
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestPlain(t *testing.T) {
	m, err := fakeslack.Parse([]byte(attachment(
		`"title": "FAILURE", "text": "*<https://example.com/?a=1|shop>*: 1 &lt; 2 &amp;c.", "color": "danger", "footer": "f"`)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Plain(), "FAILURE\n*shop*: 1 < 2 &c.\nf"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !m.Firing() {
		t.Error("a message in red is not firing")
	}
}

func TestServer(t *testing.T) {
	s, err := fakeslack.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	const ok = `{"text": "hello"}`
	tests := []struct {
		name, method, url, contentType, body string
		want                                 int
	}{
		{"message", http.MethodPost, s.URL("live"), "application/json", ok, http.StatusOK},
		{"another webhook", http.MethodPost, s.URL("live") + "x", "application/json", ok, http.StatusNotFound},
		{"no channel", http.MethodPost, s.URL(""), "application/json", ok, http.StatusNotFound},
		{"method", http.MethodPut, s.URL("live"), "application/json", ok, http.StatusMethodNotAllowed},
		{"content type", http.MethodPost, s.URL("live"), "text/plain", ok, http.StatusBadRequest},
		{"not a message", http.MethodPost, s.URL("live"), "application/json", "{}", http.StatusBadRequest},
	}
	refused := 0
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tt.method, tt.url, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", tt.contentType)
			answer, err := new(http.Client).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != tt.want {
				t.Errorf("got %d, want %d", answer.StatusCode, tt.want)
			}
			if tt.want != http.StatusOK {
				refused++
			}
		})
	}
	if m := s.Messages(); len(m) != 1 || m[0].Channel != "#live" {
		t.Errorf("got %+v, want one message to #live", m)
	}
	if err := s.Refused(); err == nil || strings.Count(err.Error(), "refused with") != refused {
		t.Errorf("got %v, want %d refusals", err, refused)
	}
}

// TestAPI posts as an app with a token: the answer is 200 in any case, and says in JSON how it went.
func TestAPI(t *testing.T) {
	s, err := fakeslack.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	const ok = `{"channel": "#live", "text": "hello"}`
	for _, tt := range []struct{ name, token, body, want string }{
		{"message", fakeslack.BotToken, ok, `"ok": true`},
		{"no token", "", ok, "invalid_auth"},
		{"wrong token", fakeslack.BotToken + "x", ok, "invalid_auth"},
		{"no channel", fakeslack.BotToken, `{"text": "hello"}`, "channel_not_found"},
		{"not a message", fakeslack.BotToken, `{"channel": "#live"}`, "no_text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.APIURL(), strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+tt.token)
			answer, err := new(http.Client).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), tt.want) {
				t.Errorf("got %d %s, want 200 and %s", answer.StatusCode, body, tt.want)
			}
		})
	}
	if m := s.Messages(); len(m) != 1 || m[0].Channel != "#live" {
		t.Errorf("got %+v, want one message to #live", m)
	}
}

// TestOut: in an outage a good message is answered with 503, and is not a refusal.
func TestOut(t *testing.T) {
	s, err := fakeslack.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, tt := range []struct {
		out  bool
		want int
	}{{true, http.StatusServiceUnavailable}, {false, http.StatusOK}} {
		s.Out(tt.out)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL("live"), strings.NewReader(`{"text": "hello"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := new(http.Client).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != tt.want {
			t.Errorf("out %t: got %d, want %d", tt.out, answer.StatusCode, tt.want)
		}
	}
	if m := s.Messages(); len(m) != 1 || s.Refused() != nil {
		t.Errorf("got %d messages, refused %v; want one, and none", len(m), s.Refused())
	}
}
