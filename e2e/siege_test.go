//go:build e2e

package e2e

import (
	"os/exec"
	"testing"
)

// TestSiege is the short form of `make siege`: all attacks at once on an exporter with little memory and few descriptors,
// which has to go on as if nothing were. What a busy machine does to single probes says nothing about it.
func TestSiege(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "run", "./e2e/siege", "-duration=1m", "-files=1024", "-late=20")
	cmd.Dir = binaries.Shipped()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
