//go:build e2e

package e2e

import (
	"os/exec"
	"testing"
)

// TestSiege is the short form of `make siege`: all attacks at once on an exporter with little memory and few descriptors,
// which has to go on as if nothing were.
func TestSiege(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "run", "./e2e/siege", "-duration=1m")
	cmd.Dir = binaries.Shipped()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
