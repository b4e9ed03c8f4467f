//go:build packages

package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// built returns what make packages has made of a format.
func built(t *testing.T, format string) string {
	t.Helper()
	files, err := filepath.Glob("../dist/packages/*." + format)
	if err != nil || len(files) != 1 {
		t.Fatalf("packages: %q, %v; want one: make check-packages builds them", files, err)
	}
	return files[0]
}

// older makes a package of an earlier version, whose configuration files were others.
func older(t *testing.T, format string) string {
	t.Helper()
	stage, dir := t.TempDir(), t.TempDir()
	if err := os.CopyFS(stage, os.DirFS("../dist/build/stage")); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"healthcheck.yml", "default"} {
		text, err := os.ReadFile(filepath.Join(stage, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(stage, file), append(text, "# of the earlier version\n"...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile=tools/nfpm/go.mod", "nfpm", "package",
		"--config", "packaging/nfpm.yaml", "--packager", format, "--target", dir+"/")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "STAGE="+stage, "BUILD=dist/build/linux-"+runtime.GOARCH, "ARCH="+runtime.GOARCH, "VERSION=0.0.1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	files, err := filepath.Glob(dir + "/*." + format)
	if err != nil || len(files) != 1 {
		t.Fatalf("nfpm made %q, %v", files, err)
	}
	return files[0]
}

func want(t *testing.T, what, want, got string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const (
	enabled = "/etc/systemd/system/multi-user.target.wants/healthcheck_exporter.service"
	edited  = "targets: [{name: mine, url: 'http://192.0.2.1/'}]\n"
)

// owned lists files with their modes and owners.
const owned = ` | sort | while read -r f; do stat -c '%A %U:%G %n' "$f"; done`

// inEtc are the files that an administrator edits, and the state.
const inEtc = `
-rw-r--r-- root:root /etc/default/healthcheck_exporter
drwxr-x--- root:healthcheck_exporter /etc/healthcheck_exporter
-rw-r----- root:healthcheck_exporter /etc/healthcheck_exporter/healthcheck.yml
drwxr-x--- root:healthcheck_exporter /etc/healthcheck_exporter/secrets
drwx------ healthcheck_exporter:healthcheck_exporter /var/lib/healthcheck_exporter
`

const findInEtc = `find /etc/healthcheck_exporter* /etc/default/healthcheck_exporter /var/lib/healthcheck_exporter`

// filesOf lists what both packages have, without most of the documentation. The directory of zsh differs.
func filesOf(vendor string) string {
	return `
-rw-r--r-- root:root /etc/default/healthcheck_exporter
drwxr-x--- root:healthcheck_exporter /etc/healthcheck_exporter
-rw-r----- root:healthcheck_exporter /etc/healthcheck_exporter/healthcheck.yml
drwxr-x--- root:healthcheck_exporter /etc/healthcheck_exporter/secrets
-rwxr-xr-x root:root /usr/bin/healthcheck_exporter
-rw-r--r-- root:root /usr/lib/systemd/system/healthcheck_exporter.service
-rw-r--r-- root:root /usr/share/bash-completion/completions/healthcheck_exporter
-rw-r--r-- root:root /usr/share/doc/healthcheck-exporter/.promu.yml
-rw-r--r-- root:root /usr/share/doc/healthcheck-exporter/CHANGELOG.md
-rw-r--r-- root:root /usr/share/doc/healthcheck-exporter/CONTRIBUTING.md
-rw-r--r-- root:root /usr/share/doc/healthcheck-exporter/Dockerfile
-rw-r--r-- root:root /usr/share/doc/healthcheck-exporter/LICENSE
-rw-r--r-- root:root /usr/share/doc/healthcheck-exporter/LICENSES.txt
-rw-r--r-- root:root /usr/share/doc/healthcheck-exporter/NOTICE
-rw-r--r-- root:root /usr/share/doc/healthcheck-exporter/README.ko.md
-rw-r--r-- root:root /usr/share/doc/healthcheck-exporter/README.md
-rw-r--r-- root:root /usr/share/doc/healthcheck-exporter/RELEASING.md
-rw-r--r-- root:root /usr/share/doc/healthcheck-exporter/SECURITY.md
-rw-r--r-- root:root /usr/share/doc/healthcheck-exporter/config/reference.yml
-rw-r--r-- root:root /usr/share/fish/vendor_completions.d/healthcheck_exporter.fish
drwxr-xr-x root:root /usr/share/healthcheck_exporter
drwxr-xr-x root:root /usr/share/healthcheck_exporter/alertmanager
drwxr-xr-x root:root /usr/share/healthcheck_exporter/mixin
drwxr-xr-x root:root /usr/share/healthcheck_exporter/mixin/dashboards
-rw-r--r-- root:root /usr/share/healthcheck_exporter/mixin/dashboards/healthcheck-exporter.json
-rw-r--r-- root:root /usr/share/healthcheck_exporter/mixin/dashboards/healthcheck-overview.json
-rw-r--r-- root:root /usr/share/healthcheck_exporter/mixin/dashboards/healthcheck-target.json
-rw-r--r-- root:root /usr/share/healthcheck_exporter/mixin/prometheus_alerts.yaml
-rw-r--r-- root:root /usr/share/healthcheck_exporter/mixin/prometheus_rules.yaml
-rw-r--r-- root:root /usr/share/man/man1/healthcheck_exporter.1.gz
-rw-r--r-- root:root /usr/share/man/man5/healthcheck.yml.5.gz
-rw-r--r-- root:root ` + vendor + `/_healthcheck_exporter
drwx------ healthcheck_exporter:healthcheck_exporter /var/lib/healthcheck_exporter
`
}

// rest matches what filesOf leaves out: directories that everybody has, and what changes with every page.
const rest = ` | grep -Ev '/doc/healthcheck-exporter(/docs.*|/examples.*|/mixin.*|/packaging.*|/config|/changelog.gz|/copyright)?$|/healthcheck_exporter/alertmanager/' |
	grep -E 'health|zsh.*/_'`

func TestDebInstall(t *testing.T) {
	t.Parallel()
	r := newRoot(t)
	r.sh("dpkg -i " + r.copyIn(built(t, "deb")))
	want(t, "files", filesOf("/usr/share/zsh/vendor-completions"), r.sh(`dpkg -L healthcheck-exporter`+rest+owned))
	want(t, "configuration files", "/etc/default/healthcheck_exporter\n/etc/healthcheck_exporter/healthcheck.yml", r.sh("cat /var/lib/dpkg/info/healthcheck-exporter.conffiles"))
	r.sh("dpkg --verify healthcheck-exporter; test -L " + enabled)
	want(t, "calls of systemctl", `
preset healthcheck_exporter.service
daemon-reload
start healthcheck_exporter.service`, r.told())
	want(t, "user", "healthcheck_exporter:/var/lib/healthcheck_exporter:/usr/sbin/nologin", r.sh("getent passwd healthcheck_exporter | cut -d: -f1,6,7"))
	checkInstalled(t, r, "dpkg -L")
	completion(t, r)
	pages(t, r)
}

// checkInstalled checks what both packages install. The command list prints what is installed by a package.
func checkInstalled(t *testing.T, r *root, list string) {
	t.Helper()
	want(t, "files that can be executed", "/usr/bin/healthcheck_exporter",
		r.sh(list+` healthcheck-exporter | while read -r f; do test ! -f "$f" -o ! -x "$f" || echo "$f"; done`))
	want(t, "check", "/etc/healthcheck_exporter/healthcheck.yml: ok, modules: 5, targets: 1",
		r.sh("runuser -u healthcheck_exporter -- healthcheck_exporter check /etc/healthcheck_exporter/healthcheck.yml"))
	if out, err := r.try("runuser -u nobody -- cat /etc/healthcheck_exporter/healthcheck.yml"); err == nil {
		t.Errorf("everybody may read the configuration: %s", out)
	}
	// Another user in its group, as pm2.conf of examples/systemd has it.
	r.sh("runuser -u nobody -g healthcheck_exporter -- healthcheck_exporter check /etc/healthcheck_exporter/healthcheck.yml")
	// Units of other packages do not matter.
	if out, err := r.try("systemd-analyze verify /usr/lib/systemd/system/healthcheck_exporter.service"); err != nil || strings.Contains(out, "healthcheck") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	if out, err := r.try("systemd-analyze security --offline=true --threshold=15 --no-pager healthcheck_exporter.service"); err != nil {
		t.Errorf("the exposure of the unit is over 1.5: %v\n%s", err, out)
	}
}

// TestDebUpgrade: what was edited stays, what was not is replaced, and the service is restarted.
func TestDebUpgrade(t *testing.T) {
	t.Parallel()
	r := newRoot(t)
	r.sh("dpkg -i " + r.copyIn(older(t, "deb")))
	r.put("/etc/healthcheck_exporter/healthcheck.yml", edited)
	r.sh("install -o healthcheck_exporter -m 0400 /dev/null /etc/healthcheck_exporter/secrets/token; touch /var/lib/healthcheck_exporter/restarts.db")
	r.told()
	r.sh("dpkg --force-confdef --force-confold -i " + r.copyIn(built(t, "deb")))
	want(t, "the edited file", edited, r.sh("cat /etc/healthcheck_exporter/healthcheck.yml"))
	r.sh("grep self_probe /etc/healthcheck_exporter/healthcheck.yml.dpkg-dist; rm /etc/healthcheck_exporter/healthcheck.yml.dpkg-dist")
	want(t, "what the earlier version had", "", r.sh("cat /etc/default/healthcheck_exporter | grep earlier || true"))
	want(t, "calls of systemctl", `
daemon-reload
restart healthcheck_exporter.service`, r.told())
	const kept = inEtc + `
-r-------- healthcheck_exporter:root /etc/healthcheck_exporter/secrets/token
-rw-r--r-- root:root /var/lib/healthcheck_exporter/restarts.db`
	want(t, "files of the administrator", sorted(kept), sorted(r.sh(findInEtc+owned)))

	// Removed: only what was edited stays.
	r.sh("dpkg -r healthcheck-exporter")
	want(t, "calls of systemctl", "stop healthcheck_exporter.service\ndaemon-reload", r.told())
	r.sh("! test -e /usr/bin/healthcheck_exporter; ! test -e /usr/share/healthcheck_exporter")
	want(t, "files of the administrator", sorted(kept), sorted(r.sh(findInEtc+owned)))

	// Purged: only what the package does not know stays.
	r.sh("dpkg -P healthcheck-exporter")
	want(t, "what is left", `
drwxr-x--- root:healthcheck_exporter /etc/healthcheck_exporter
drwxr-x--- root:healthcheck_exporter /etc/healthcheck_exporter/secrets
-r-------- healthcheck_exporter:root /etc/healthcheck_exporter/secrets/token`,
		r.sh(`find /etc /usr /var /run -path /var/lib/dpkg -prune -o \( -name 'healthcheck[_-]exporter*' -o -name _healthcheck_exporter -o -path '/etc/healthcheck_exporter/*' \) -print`+owned))
}

func sorted(lines string) string {
	all := slices.DeleteFunc(strings.Split(lines, "\n"), func(line string) bool { return line == "" })
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// TestDebPolicy: nothing is started where policy-rc.d forbids it, or where systemd does not run.
func TestDebPolicy(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]string{
		"policy":  `printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 0755 /usr/sbin/policy-rc.d`,
		"systemd": "rmdir /run/systemd/system || rm -r /run/systemd",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoot(t)
			r.sh(prepare)
			r.sh("dpkg -i " + r.copyIn(built(t, "deb")))
			if told := r.told(); strings.Contains(told, "start") {
				t.Errorf("systemctl was told %s", told)
			}
			r.sh("test -L " + enabled + "; dpkg -P healthcheck-exporter; ! test -L " + enabled)
		})
	}
}
