//go:build packages

package packaging

import (
	"os/exec"
	"strings"
	"testing"
)

// newRPMRoot returns a root in which rpm is how programs are installed. What the package depends on is Debian's.
func newRPMRoot(t *testing.T) *root {
	t.Helper()
	need(t, "rpm")
	r := newRoot(t)
	r.sh("rm -rf /var/lib/rpm ~/.rpmdb; mkdir -p /var/lib/rpm; echo '%_dbpath /var/lib/rpm' >~/.rpmmacros; rpm --initdb")
	return r
}

func TestRPMReadBack(t *testing.T) {
	t.Parallel()
	need(t, "rpm")
	query := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "rpm", append([]string{"-qp", "--nosignature"}, append(args, built(t, "rpm"))...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("rpm %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	want(t, "head", "healthcheck-exporter 1 Apache-2.0 linux localhost", query("--qf", "%{NAME} %{RELEASE} %{LICENSE} %{OS} %{BUILDHOST}"))
	want(t, "configuration files", "/etc/default/healthcheck_exporter\n/etc/healthcheck_exporter/healthcheck.yml", query("-c"))
	var list []string
	for line := range strings.Lines(query("--qf", `[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILENAMES} %{FILEFLAGS:fflags}\n]`)) {
		mode, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case strings.HasSuffix(name, " cn"): // configuration, noreplace
			name = strings.TrimSuffix(name, " cn")
		case strings.Contains(name, " /etc/") && !strings.HasPrefix(mode, "d"):
			t.Errorf("%s would be replaced by an upgrade", name)
		}
		list = append(list, mode+" "+name)
	}
	listing := sorted(strings.Join(list, "\n"))
	for line := range strings.Lines(strings.TrimSpace(filesOf("/usr/share/zsh/site-functions"))) {
		if !strings.Contains(listing+"\n", line) {
			t.Errorf("the package lacks %s", line)
		}
	}
	requires := query("--requires")
	if strings.Contains(requires, "passwd") || !strings.Contains(requires, "systemd\n") || !strings.Contains(requires, "(shadow-utils or shadow)\n") {
		t.Errorf("it requires %s", requires)
	}
}

func TestRPMInstall(t *testing.T) {
	t.Parallel()
	r := newRPMRoot(t)
	r.sh("rpm -i --nodeps " + r.copyIn(built(t, "rpm")))
	want(t, "files", filesOf("/usr/share/zsh/site-functions"), r.sh(`rpm -ql healthcheck-exporter`+rest+owned))
	want(t, "calls of systemctl", "daemon-reload\npreset healthcheck_exporter.service", r.told())
	want(t, "what rpm finds changed", "", r.sh("rpm -V --nodeps healthcheck-exporter"))
	checkInstalled(t, r, "rpm -ql")
}

// TestRPMUpgrade: what was edited stays, what was not is replaced, and the service is restarted if it runs.
func TestRPMUpgrade(t *testing.T) {
	t.Parallel()
	r := newRPMRoot(t)
	r.sh("rpm -i --nodeps " + r.copyIn(older(t, "rpm")))
	r.put("/etc/healthcheck_exporter/healthcheck.yml", edited)
	r.sh("touch /var/lib/healthcheck_exporter/restarts.db")
	r.told()
	r.sh("rpm -U --nodeps " + r.copyIn(built(t, "rpm")))
	want(t, "the edited file", edited, r.sh("cat /etc/healthcheck_exporter/healthcheck.yml"))
	r.sh("grep self_probe /etc/healthcheck_exporter/healthcheck.yml.rpmnew; rm /etc/healthcheck_exporter/healthcheck.yml.rpmnew")
	want(t, "what the earlier version had", "", r.sh("cat /etc/default/healthcheck_exporter | grep earlier || true"))
	want(t, "calls of systemctl", "daemon-reload\ndaemon-reload\ntry-restart healthcheck_exporter.service", r.told())
	want(t, "files of the administrator", sorted(inEtc+"-rw-r--r-- root:root /var/lib/healthcheck_exporter/restarts.db"), sorted(r.sh(findInEtc+owned)))

	r.sh("rpm -e healthcheck-exporter")
	want(t, "calls of systemctl", "disable healthcheck_exporter.service\ndaemon-reload", r.told())
	want(t, "what is left", sorted(`
drwxr-x--- root:healthcheck_exporter /etc/healthcheck_exporter
-rw-r----- root:healthcheck_exporter /etc/healthcheck_exporter/healthcheck.yml.rpmsave
drwx------ healthcheck_exporter:healthcheck_exporter /var/lib/healthcheck_exporter
-rw-r--r-- root:root /var/lib/healthcheck_exporter/restarts.db
`), sorted(r.sh(`find /etc/healthcheck_exporter* /var/lib/healthcheck_exporter /usr/bin /usr/share -name '*healthcheck[._-]*' -o -path '/etc/healthcheck_exporter/*' -o -path '/var/lib/healthcheck_exporter/*'`+owned)))
}

// TestRPMOffline: in an image that is being made, presets count as well, and nothing is left of them once the package is removed.
func TestRPMOffline(t *testing.T) {
	t.Parallel()
	r := newRPMRoot(t)
	r.sh("rm -r /run/systemd; mkdir -p /etc/systemd/system-preset; echo enable healthcheck_exporter.service >/etc/systemd/system-preset/00-own.preset")
	r.sh("rpm -i --nodeps " + r.copyIn(built(t, "rpm")) + "; test -L " + enabled)
	want(t, "calls of systemctl", "preset healthcheck_exporter.service", r.told())
	r.sh("rpm -e healthcheck-exporter; ! test -L " + enabled)
}
