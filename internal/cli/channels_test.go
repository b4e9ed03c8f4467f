package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

const channelList = `{"channels":[
 {"name":"alerts-live","type":"slack_webhook","enabled":true,"send_resolved":true,"matchers":["environment=\"LIVE\"","team=~\"shop|cart\""],"group_wait":"500ms","secret":{"set":true,"updated_at":"2026-11-29T12:00:00Z"},"revision":3,"created":{"at":"2026-11-29T12:00:00Z","by":"alice"},"updated":{"at":"2026-11-29T12:00:00Z","by":"alice"}},
 {"name":"dev","type":"slack_bot","enabled":false,"send_resolved":true,"channel":"#dev","matchers":["environment=\"DEV\""],"secret":{"set":true},"revision":1,"created":{"at":"2026-11-29T12:00:00Z","by":"alice"},"updated":{"at":"2026-11-29T12:00:00Z","by":"alice"}},
 {"name":"hook","type":"webhook","enabled":true,"send_resolved":true,"url":"https://hooks.example/in","secret":{"set":false},"revision":2,"created":{"at":"2026-11-29T12:00:00Z","by":"alice"},"updated":{"at":"2026-11-29T12:00:00Z","by":"alice"}}]}`

// A channelServer is an exporter that lists channels, and tests one: its answers come in turn.
type channelServer struct {
	tests  []string
	status int // of POST
	posted int
}

func (s *channelServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost && r.URL.EscapedPath() == "/api/v1/channels/alerts%2Flive/test":
		s.posted++
		if s.status != http.StatusAccepted {
			w.Header().Set("Content-Type", "application/problem+json")
		}
		w.WriteHeader(s.status)
		fmt.Fprint(w, s.next())
	case r.URL.EscapedPath() == "/api/v1/channels/alerts%2Flive/test":
		fmt.Fprint(w, s.next())
	case r.URL.Path == "/api/v1/channels":
		fmt.Fprint(w, channelList)
	default:
		http.NotFound(w, r)
	}
}

func (s *channelServer) next() string {
	next := s.tests[0]
	if len(s.tests) > 1 {
		s.tests = s.tests[1:]
	}
	return next
}

func TestChannelsList(t *testing.T) {
	s := probetest.Serve(t, &channelServer{})
	var out, errOut bytes.Buffer
	if status := Run(t.Context(), []string{"channels", "list", "--url=" + s.URL}, &out, &errOut); status != ExitSuccess {
		t.Fatalf("exit status %d: %s", status, errOut.String())
	}
	const want = `NAME         TYPE           STATE  TO                        MATCHERS
alerts-live  slack_webhook  on     its webhook               environment="LIVE",
                                                             team=~"shop|cart"
dev          slack_bot      off    #dev                      environment="DEV"
hook         webhook        on     https://hooks.example/in  everything
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	out.Reset()
	if status := Run(t.Context(), []string{"channels", "list", "--url=" + s.URL, "-o", "json"}, &out, &errOut); status != ExitSuccess || strings.TrimSpace(out.String()) != channelList {
		t.Errorf("exit status %d, %s", status, out.String())
	}
}

func TestChannelsTest(t *testing.T) {
	const (
		begun   = `{"channel":"alerts/live","by":"bob","started":"2026-11-29T12:00:00Z","ok":false,"hops":[]}`
		halfway = `{"channel":"alerts/live","by":"bob","started":"2026-11-29T12:00:00Z","ok":false,"hops":[{"name":"Alertmanager takes it","ok":true,"said":["0.25.0"]}]}`
		good    = `{"channel":"alerts/live","by":"bob","started":"2026-11-29T12:00:00Z","ended":"2026-11-29T12:00:02Z","ok":true,"hops":[{"name":"Alertmanager takes it","ok":true,"said":["0.25.0"]},{"name":"notifications are sent","ok":true,"said":["slack: 1 of 1"]}]}`
		bad     = `{"channel":"alerts/live","by":"bob","started":"2026-11-29T12:00:00Z","ended":"2026-11-29T12:00:02Z","ok":false,"hops":[{"name":"Alertmanager takes it","ok":true,"said":["0.25.0"]},{"name":"notifications are sent","ok":false,"said":["1 failed\u001b[2J"]}]}`
		unsent  = `{"channel":"alerts/live","by":"bob","started":"2026-11-29T12:00:00Z","ended":"2026-11-29T12:00:02Z","ok":false,"hops":[],"error":"no Alertmanager is known"}`
		other   = `{"channel":"alerts/live","by":"eve","started":"2026-11-29T12:00:01Z","ok":false,"hops":[]}`
	)
	for _, tc := range []struct {
		name        string
		status      int
		answers     []string
		want        int
		out, errOut string
	}{
		{"comes through", 202, []string{begun, halfway, good}, 0, "ok      Alertmanager takes it\n        0.25.0\nok      notifications are sent\n        slack: 1 of 1\n", ""},
		{"a hop fails", 202, []string{begun, bad}, 1, "ok      Alertmanager takes it\n        0.25.0\nFAILED  notifications are sent\n        1 failed\ufffd[2J\n", ""},
		{"nothing is sent", 202, []string{unsent}, 1, "", "no Alertmanager is known\n"},
		{"there is no such channel", 404, []string{`{"detail":"there is no channel \"alerts/live\"; did you mean \"alerts-live\"?"}`}, 1, "", "asking URL: status 404, want 200: there is no channel \"alerts/live\"; did you mean \"alerts-live\"?\n"},
		{"channels are off", 403, []string{`{"detail":"channels are off here"}`}, 1, "", "asking URL: status 403, want 200: channels are off here\n"},
		{"another one has begun", 202, []string{begun, other}, 1, "", "asking URL: somebody has begun another test of this channel: that of this command is not known any more\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := probetest.Serve(t, &channelServer{tests: tc.answers, status: tc.status})
			var out, errOut bytes.Buffer
			status := Run(t.Context(), []string{"channels", "test", "alerts/live", "--url=" + s.URL}, &out, &errOut)
			if got := strings.ReplaceAll(errOut.String(), s.URL, "URL"); status != tc.want || out.String() != tc.out || got != tc.errOut {
				t.Errorf("exit status %d, %q, %q, want %d, %q, %q", status, out.String(), got, tc.want, tc.out, tc.errOut)
			}
		})
	}
	s := probetest.Serve(t, &channelServer{tests: []string{begun, good}, status: 202})
	var out, errOut bytes.Buffer
	if status := Run(t.Context(), []string{"channels", "test", "alerts/live", "-o", "json", "--url=" + s.URL}, &out, &errOut); status != 0 || !strings.Contains(out.String(), `"ok":true`) {
		t.Errorf("exit status %d, %s%s", status, out.String(), errOut.String())
	}
}
