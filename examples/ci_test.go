package examples

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDeploy runs deploy.sh with an exporter that writes down what it is asked. The commands themselves are those of the README,
// which a test of internal/cli parses.
func TestDeploy(t *testing.T) {
	const start = "maintenance start shop a b --duration=20m --until-healthy --reason=deploy\n"
	for _, tc := range []struct {
		name   string
		args   []string
		away   bool // the exporter
		status int
		asked  string
	}{
		{"it works", []string{"shop", "a b", "--", "true"}, false, 0, start},
		{"it fails", []string{"shop", "a b", "--", "sh", "-c", "exit 3"}, false, 3, start + "maintenance end shop a b\n"},
		{"it is cancelled", []string{"shop", "a b", "--", "sh", "-c", "kill -TERM $PPID"}, false, 143, start + "maintenance end shop a b\n"},
		{"nobody listens", []string{"shop", "a b", "--", "true"}, true, 0, start},
		{"nobody listens, and it fails", []string{"shop", "a b", "--", "false"}, true, 1, start + "maintenance end shop a b\n"},
		{"no target", []string{"--", "true"}, false, 2, ""},
		{"no command", []string{"shop", "--"}, false, 2, ""},
		{"no dashes", []string{"shop", "true"}, false, 2, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			log, exit := filepath.Join(dir, "log"), "0"
			if tc.away {
				exit = "1"
			}
			put(t, log, "")
			program := filepath.Join(dir, "healthcheck_exporter")
			put(t, program, "#!/bin/sh\necho \"$*\" >> '"+log+"'\nexit "+exit+"\n")
			if err := os.Chmod(program, 0o700); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "bash", append([]string{"ci/deploy.sh"}, tc.args...)...)
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "DEPLOY_MAX=", "DEPLOY_REASON=")
			out, err := cmd.CombinedOutput()
			status := 0
			if ended, ok := errors.AsType[*exec.ExitError](err); ok {
				status = ended.ExitCode()
			}
			if status != tc.status {
				t.Errorf("exit status %d, want %d: %v\n%s", status, tc.status, err, out)
			}
			if diff := cmp.Diff(tc.asked, read(t, log)); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}
