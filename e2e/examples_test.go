//go:build e2e

package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// copyExample copies a file of the examples into dir.
func copyExample(t *testing.T, dir string, elem ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", "examples"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, elem[len(elem)-1], string(text))
}

// TestHealthEndpoints runs the example for Express as npm has it, lets what it needs hang, and compiles the one for NestJS.
func TestHealthEndpoints(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyExample(t, dir, "pm2", "express.js")
	copyExample(t, dir, "pm2", "nestjs.controller.ts")
	write(t, dir, "package.json", `{"private": true, "dependencies": {"express": "5.1.0", "typescript": "5.9.2", "@nestjs/common": "11.1.6", "reflect-metadata": "0.2.2", "rxjs": "7.8.2", "@types/node": "20.19.11"}}`)
	run := func(argv ...string) {
		cmd := harness.Aside(t.Context(), argv...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", argv, err, out)
		}
	}
	if err := harness.InstallPackages(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	run("node", "node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--target", "es2022", "--module", "node16", "--moduleResolution", "node16",
		"--experimentalDecorators", "--emitDecoratorMetadata", "--skipLibCheck", "nestjs.controller.ts")

	const hang = `const {database, server} = require('./express.js'); process.on('SIGUSR2', () => { database.ping = () => new Promise(() => {}) });
server.on('listening', () => console.log(server.address().port))`
	app := exec.CommandContext(t.Context(), "node", "-e", hang)
	app.Dir, app.Env = dir, append(os.Environ(), "PORT=0")
	app.Stderr = os.Stderr
	out, err := app.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	port := make([]byte, 16)
	n, err := out.Read(port)
	if err != nil {
		t.Fatalf("reading the port: %v", err)
	}
	url := "http://127.0.0.1:" + strings.TrimSpace(string(port[:n])) + "/health"
	probe := func() (string, error) {
		said, err := exec.CommandContext(t.Context(), binaries.Exporter(), "probe", url).CombinedOutput()
		return string(said), err
	}
	if said, err := probe(); err != nil {
		t.Errorf("the app is not healthy: %v\n%s", err, said)
	}
	if err := app.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	await(t.Context(), t, "the app says that it is not well", func(context.Context) (bool, error) {
		said, err := probe()
		return err != nil && strings.Contains(said, "status 503"), nil
	})
	if err := app.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := app.Wait(); err != nil {
		t.Errorf("the app did not end in order: %v", err)
	}
}

// TestScheduledJob runs the script of the CI example: Slack hears once of all that fail, in a message that it likes.
func TestScheduledJob(t *testing.T) {
	t.Parallel()
	slack, err := fakeslack.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := slack.Close(); err != nil {
			t.Error(err)
		}
	})
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/well" {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer site.Close()
	run := func(webhook string, urls ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "bash", append([]string{"../examples/ci/probe.sh"}, urls...)...)
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(binaries.Exporter())+":"+os.Getenv("PATH"), "SLACK_WEBHOOK_URL="+webhook, "RUN_URL=https://ci.example.com/?run=1&x=2")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run(slack.URL("alerts"), site.URL+"/well"); err != nil || len(slack.Messages()) > 0 {
		t.Errorf("all is well, and the job says %v, %d messages\n%s", err, len(slack.Messages()), out)
	}
	if out, err := run(slack.URL("alerts"), site.URL+"/ill?a=1&b=2", site.URL+"/well", "http://127.0.0.1:1/"); err == nil {
		t.Errorf("two are down, and the job does not fail\n%s", out)
	}
	if err := slack.Refused(); err != nil {
		t.Error(err)
	}
	messages := slack.Messages()
	if len(messages) != 1 {
		t.Fatalf("Slack got %d messages, want 1", len(messages))
	}
	text := messages[0].Plain()
	t.Logf("Slack got:\n%s", text)
	for _, want := range []string{"/ill?a=1&b=2: status in phase check: status 502", "http://127.0.0.1:1/: connect_refused", "Details"} {
		if !strings.Contains(text, want) {
			t.Errorf("the message lacks %q", want)
		}
	}
	if strings.Contains(text, "/well") {
		t.Error("the message is also about what is well")
	}
	if out, err := run("http://127.0.0.1:1/", site.URL+"/ill"); err == nil || !strings.Contains(out, "Slack was not told") {
		t.Errorf("Slack is away, and the job says %v\n%s", err, out)
	}
}
