package cli

import (
	"bytes"
	"html"
	"io"
	"log/slog"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/app"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

var commandLine = regexp.MustCompile(`<code>(healthcheck_exporter probe .*)</code>`)

// The command line on the page of a target probes it as the exporter does: with what the URL on the page does not have.
func TestPageRepeatsTheProbe(t *testing.T) {
	target := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("key") == "not-a-real-key" && r.Header.Get("Accept") == "text/x" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	file := configFile(t, "modules: {http_2xx: {prober: http}}\ntargets: [{name: \"it's ours; echo $HOME\", headers: {Accept: text/x}, url: '"+target.URL+"/health?key=not-a-real-key'}]")
	log := slog.New(slog.DiscardHandler)
	a, err := app.New(app.Options{
		ConfigFile: file, Logger: log, ProbeLogger: log,
		Web: &web.FlagConfig{WebListenAddresses: &[]string{"127.0.0.1:0"}, WebSystemdSocket: new(bool), WebConfigFile: new(string)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	}()
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	get := func(path string) string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.Addr().String()+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := new(http.Client).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	get("/probe/all")
	page := get("/targets/it%27s%20ours;%20echo%20$HOME")
	found := commandLine.FindStringSubmatch(page)
	if found == nil || strings.Contains(page, "not-a-real-key") {
		t.Fatalf("the page has no command line, or a secret:\n%s", page)
	}
	line := html.UnescapeString(found[1])
	words, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", "printf '%s\\n' "+line).Output()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	args := strings.Split(strings.TrimSpace(string(words)), "\n")
	var out, errOut bytes.Buffer
	if status := Run(t.Context(), args[1:], &out, &errOut); status != ExitFailed || !strings.Contains(out.String(), "status 418, want 2xx") {
		t.Errorf("%s ends with %d, want the same failure:\n%s%s", line, status, &out, &errOut)
	}
}
