package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertsync"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// templates is the shipped file of templates, by its absolute path.
var templates, _ = filepath.Abs("../../examples/alertmanager/healthcheck.tmpl")

var syncBundle = `{"revision":7,"base":"templates: ['` + filepath.ToSlash(templates) + `']\nroute: {receiver: healthcheck-channels}\nreceivers: [{name: healthcheck-channels}]\n","base_file":"base.yml",` +
	`"channels":[{"name":"live","type":"slack_webhook","enabled":true,"send_resolved":true}],"secrets":{"live":"https://hooks.slack.com/canary"}}`

// A bothServers is an exporter at /hc/ and an Alertmanager at /am/.
type bothServers struct {
	dir     string
	refuses bool
	status  int // of the bundle; 0: 200
	runs    []byte
	results chan string
}

func (s *bothServers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/hc/api/v1/alertmanager/bundle":
		w.Header().Set("ETag", `"7"`)
		switch {
		case s.status != 0:
			w.Header().Set("Location", "/hc/elsewhere")
			w.WriteHeader(s.status)
		case r.Header.Get("Authorization") != "Bearer canary-token":
			w.WriteHeader(http.StatusUnauthorized)
		case r.Header.Get("If-None-Match") == `"7"`:
			w.WriteHeader(http.StatusNotModified)
		default:
			fmt.Fprint(w, syncBundle)
		}
	case "/hc/elsewhere":
		fmt.Fprint(w, syncBundle)
	case "/hc/api/v1/alertmanager/bundle/result":
		body, _ := io.ReadAll(r.Body)
		select {
		case s.results <- string(body):
		default:
		}
		w.WriteHeader(http.StatusNoContent)
	case "/am/-/reload":
		if s.refuses {
			http.Error(w, "failed to reload config: undefined receiver", http.StatusInternalServerError)
			return
		}
		s.runs, _ = os.ReadFile(filepath.Join(s.dir, "alertmanager.yml"))
	case "/am/metrics":
		fmt.Fprintf(w, "alertmanager_config_hash %v\n", alertconf.LoadedHash(s.runs))
	default:
		http.NotFound(w, r)
	}
}

// syncArgs starts the servers, and returns the arguments of the command.
func syncArgs(t *testing.T, s *bothServers) []string {
	t.Helper()
	s.dir, s.results = filepath.Join(t.TempDir(), "alertmanager"), make(chan string, 10)
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	at := probetest.Serve(t, s)
	client := filepath.Join(t.TempDir(), "client.yml")
	if err := os.WriteFile(client, []byte("authorization: {credentials: canary-token}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{
		"alertmanager-sync", "--url=" + at.URL + "/hc", "--http.config.file=" + client, "--alertmanager.url=" + at.URL + "/am",
		"--dir=" + s.dir, "--file-mode=0640", "--seen-as=/seen",
	}
}

func TestAlertmanagerSyncOnce(t *testing.T) {
	for _, tc := range []struct {
		name        string
		server      bothServers
		args        []string
		want        int
		out, errOut string // what is in them
	}{
		{"in sync", bothServers{}, nil, ExitSuccess, "/am: in_sync\n", "Published"},
		{"refused", bothServers{refuses: true}, nil, ExitFailed, "", "/am: undefined receiver"},
		{"a redirect", bothServers{status: http.StatusFound}, nil, ExitFailed, "", "asking the exporter: status 302, want 200"},
		{"not a user of role sync", bothServers{status: http.StatusForbidden}, nil, ExitFailed, "", "asking the exporter: status 403"},
		{"no credentials", bothServers{}, []string{"--http.config.file=/dev/null"}, ExitFailed, "", "status 401, want 200; give credentials with --http.config.file"},
		{"no Alertmanager", bothServers{}, []string{"--alertmanager.url=http://127.0.0.1:1"}, ExitFailed, "", "http://127.0.0.1:1: pending: "},
		{"no exporter", bothServers{}, []string{"--url=http://127.0.0.1:1"}, ExitFailed, "", "asking the exporter: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			args := append(syncArgs(t, &tc.server), "--once")
			for _, arg := range tc.args {
				name, _, _ := strings.Cut(arg, "=")
				args = append(slices.DeleteFunc(args, func(a string) bool { return strings.HasPrefix(a, name+"=") }), arg)
			}
			status := Run(t.Context(), args, &out, &errOut)
			if status != tc.want || !strings.HasSuffix(out.String(), tc.out) || !strings.Contains(errOut.String(), tc.errOut) {
				t.Errorf("exit status %d, %q, %q, want %d, %q, %q", status, out.String(), errOut.String(), tc.want, tc.out, tc.errOut)
			}
			if strings.Contains(out.String()+errOut.String(), "canary") {
				t.Errorf("a secret is shown: %s%s", out.String(), errOut.String())
			}
		})
	}
}

func TestAlertmanagerSyncWrites(t *testing.T) {
	var s bothServers
	args := syncArgs(t, &s)
	ctx, cancel := context.WithCancel(t.Context())
	var out, errOut bytes.Buffer
	ended := make(chan int)
	go func() { ended <- Run(ctx, args, &out, &errOut) }()
	for result := ""; !strings.Contains(result, `"revision":7`) || !strings.Contains(result, `"state":"in_sync"`); result = <-s.results {
	}
	began := time.Now()
	cancel()
	if status := <-ended; status != ExitSuccess || time.Since(began) > alertsync.DefaultInterval/2 {
		t.Errorf("exit status %d after %s, want that it does not wait until it asks again", status, time.Since(began))
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "alertmanager.yml"))
	if err != nil || !strings.Contains(string(text), "api_url_file: /seen/channel-secrets/live") {
		t.Errorf("the file is %s, %v", text, err)
	}
	info, err := os.Stat(filepath.Join(s.dir, "channel-secrets", "live"))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the secret has %v, %v", info, err)
	}
	for _, want := range []string{`msg="Starting alertmanager-sync"`, "component=alertmanager-sync", "revision=7", "msg=Stopped"} {
		if !strings.Contains(errOut.String(), want) {
			t.Errorf("the log does not have %s: %s", want, errOut.String())
		}
	}
	if strings.Contains(errOut.String(), "canary") {
		t.Errorf("the log has a secret: %s", errOut.String())
	}
}

func TestAlertmanagerSyncUsage(t *testing.T) {
	open := t.TempDir()
	for _, d := range []string{open, filepath.Dir(open)} {
		if err := os.Chmod(d, 0o755); err != nil { //nolint:gosec // that is the mistake
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // it is a directory
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, arg, want string }{
		{"http to elsewhere", "--url=http://user:canary@exporter.example:10115", "--url is http to exporter.example, want https: the answer has the secrets of all channels"},
		{"no URL", "--url=canary", "the URL of the exporter is not valid"},
		{"no URL of Alertmanager", "--alertmanager.url=:9093", "the URL of Alertmanager is not valid"},
		{"no directory", "--dir=" + filepath.Join(dir, "missing"), "no such file or directory"},
		{"a file", "--dir=" + os.Args[0], "is not a directory"},
		{"a directory that others may enter", "--dir=" + open, "could enter it, and secrets are written there: chmod o-rwx"},
		{"not absolute", "--seen-as=relative", "want an absolute path"},
		{"too often", "--interval=10ms", "--interval is 10ms, want 1s or more"},
		{"mode", "--file-mode=0666", "0600,0640"},
		{"no file of credentials", "--http.config.file=" + filepath.Join(dir, "missing.yml"), "missing.yml"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			args := []string{"alertmanager-sync", "--once"}
			if !strings.HasPrefix(tc.arg, "--dir") {
				args = append(args, "--dir="+dir)
			}
			var out, errOut bytes.Buffer
			status := Run(t.Context(), append(args, tc.arg), &out, &errOut)
			if status != ExitUsage || !strings.Contains(errOut.String(), tc.want) || strings.Contains(errOut.String(), "canary@") {
				t.Errorf("exit status %d, %q, want %d and %q", status, errOut.String(), ExitUsage, tc.want)
			}
		})
	}
	for range 2 { // the second is kept away by the first
		place := alertconf.Place{Dir: dir}
		lock, err := place.Lock()
		if err != nil {
			t.Fatal(err)
		}
		var out, errOut bytes.Buffer
		status := Run(t.Context(), []string{"alertmanager-sync", "--once", "--dir=" + dir}, &out, &errOut)
		if status != ExitUsage || !strings.Contains(errOut.String(), "another alertmanager-sync, or an exporter, writes to") {
			t.Errorf("exit status %d, %q", status, errOut.String())
		}
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	}
}
