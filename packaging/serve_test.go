//go:build packages

package packaging

import (
	"strings"
	"testing"
)

// TestServes: what the package installs runs as its user, by the command line of its unit, and says that it is up.
func TestServes(t *testing.T) {
	t.Parallel()
	r := newRoot(t)
	r.sh("dpkg -i " + r.copyIn(built(t, "deb")))
	out := r.sh(`
		command=$(sed -n '/^ExecStart=/,/[^\\]$/p' /usr/lib/systemd/system/healthcheck_exporter.service | sed 's/^ExecStart=//; s/\\$//' | tr '\n' ' ')
		. /etc/default/healthcheck_exporter
		ip link set lo up
		cd /
		runuser -u healthcheck_exporter -- $(eval echo "$command") >/tmp/log 2>&1 &
		server=$!
		for _ in $(seq 120); do
			sleep 0.5
			healthcheck_exporter targets >/tmp/targets 2>&1 || continue
			! grep -q ' up ' /tmp/targets || break
		done
		kill $server
		wait $server || true
		cat /tmp/targets /tmp/log`)
	if !strings.Contains(out, "healthcheck_exporter  LIVE         up ") || strings.Contains(out, "level=warn") || strings.Contains(out, "level=error") {
		t.Errorf("targets and log:\n%s", out)
	}
}
