//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// shellBlock is a block of commands in a page.
var shellBlock = regexp.MustCompile("(?s)\n```sh\n(.*?\n)```\n")

// quickStartWaits is what a reader waits for after a block, by what the block contains. The words are those of the page.
var quickStartWaits = []struct{ block, until string }{
	{"restarts list", `../healthcheck_exporter restarts list | grep ' idle '`},
	{"kill -STOP", `grep 'DOWN: shop (LIVE), no answer in time' slack.log && grep 'RECOVERED: shop (LIVE), was down for about' slack.log && grep 'HealthcheckRestarted: shop (LIVE)' slack.log`},
}

// TestQuickStart types the blocks of the quick start, as they are, into a shell whose network and processes are its own: a service
// that hangs is in Slack's stand-in, restarted, and well again, and the last block leaves nothing behind.
func TestQuickStart(t *testing.T) {
	t.Parallel()
	needs(t, "root", "unshare", "ip", "git", "make", "prometheus", "prometheus-alertmanager") // a network of its own: the ports of the quick start are fixed
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	// The tree as it is now instead of what is published. Nobody may need what is in it but not in git.
	clone := `mkdir healthcheck_exporter && git -C '` + root + `' ls-files -z | tar -C '` + root + `' --null -T - --ignore-failed-read -cf - | tar -xf - -C healthcheck_exporter`
	// The compiler leaves the processors to the tests beside it.
	const aside = `make() { nice -n 10 make "$@"; }; go() { nice -n 10 go "$@"; }`
	script := []string{"set -euo pipefail", aside, "ip link set lo up", `until_true() { for _ in $(seq 480); do if eval "$1" >/dev/null; then return; fi; sleep 0.5; done; echo "waited in vain for: $1"; cat ./*.log; exit 1; }`}
	waited := 0
	for _, m := range shellBlock.FindAllStringSubmatch(string(page), -1) {
		script = append(script, regexp.MustCompile(`(?m)^git clone https://\S+$`).ReplaceAllLiteralString(m[1], clone))
		for _, w := range quickStartWaits {
			if strings.Contains(m[1], w.block) {
				script = append(script, "until_true "+"'"+strings.ReplaceAll(w.until, "'", `'\''`)+"'")
				waited++
			}
		}
	}
	if waited != len(quickStartWaits) {
		t.Fatalf("found %d blocks of %d to wait after", waited, len(quickStartWaits))
	}
	script = append(script, `echo "left: $(ls healthcheck_exporter/try ../try try 2>/dev/null)"`)
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", strings.Join(script, "\n"))
	cmd.Dir = t.TempDir()
	cmd.WaitDelay = 10 * time.Second
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "left:") {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "slack: 1 of 1") {
		t.Errorf("alert-test did not say that Slack was told:\n%s", out)
	}
	t.Logf("from the first line to the last: %s", time.Since(began).Round(time.Second))
}
