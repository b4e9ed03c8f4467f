//go:build packages

package packaging

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A root is a copy of this machine's files in which packages may be installed, without what people have put there. What is changed
// there is in memory, and gone with the test. There is no network, and no systemd runs.
type root struct {
	t   *testing.T
	pid string // of the process that holds the mounts
	dir string
}

// calls is the file of what systemctl was told.
const calls = "/systemctl.log"

// systemctl writes down what it is told. What concerns files alone is done by the real one; what runs is a file.
const systemctl = `#!/bin/sh
echo "$*" >>` + calls + `
for word; do
	case "$word" in
	--now) shift; set -- "$@"; rm -f /running ;;
	--*) ;;
	preset | enable | disable | is-enabled) exec /usr/lib/real/systemctl --root=/ "$@" ;;
	start | restart) touch /running; exit ;;
	stop) rm -f /running; exit ;;
	try-restart | daemon-reload) exit ;;
	is-active) test -e /running; exit ;;
	*) echo "systemctl: this test does not know $word" >>` + calls + `; exit 1 ;;
	esac
done
`

// newRoot mounts a root. It needs to be root, and Linux.
func newRoot(t *testing.T) *root {
	t.Helper()
	if os.Getuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("only root can mount a private root")
		}
		t.Skip("NOT CHECKED: only root can mount a private root")
	}
	r := &root{t: t, dir: t.TempDir()}
	holder := exec.CommandContext(t.Context(), "unshare", "--mount", "--net", "sh", "-ec", `
		umask 022
		mount -t tmpfs none "$1"
		cd "$1"
		mkdir upper work root
		mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" root
		mount -t proc proc root/proc
		mount --rbind /dev root/dev
		mount -t tmpfs -o mode=1777 none root/tmp
		mount -t tmpfs -o mode=0700 none root/root
		echo $$
		exec sleep infinity`, "sh", r.dir)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	holder.Stderr = &complaints
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = holder.Process.Kill()
		_ = holder.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("mounting a private root: %v: %s", err, &complaints)
	}
	r.pid = strings.TrimSpace(line)
	if _, err := strconv.Atoi(r.pid); err != nil {
		t.Fatal(err)
	}
	r.sh(`
		# As on a machine that runs systemd, whatever this one does, without settings of containers and CI.
		mkdir -p /run/systemd/system
		rm -f /usr/sbin/policy-rc.d /etc/dpkg/dpkg.cfg.d/*
		# Nobody asks apropos here, and dpkg would index all pages of the machine each time.
		rm -f /var/lib/man-db/auto-update
		: >` + calls)
	r.sh("mkdir -p /usr/lib/real; mv /usr/bin/systemctl /usr/lib/real")
	r.put("/usr/bin/systemctl", systemctl)
	r.sh(`
		chmod 0755 /usr/bin/systemctl
		# The exporter may be installed here, by a package or by hand.
		dpkg --purge healthcheck-exporter
		rm -rf /etc/systemd/system/* /etc/healthcheck_exporter /etc/default/healthcheck_exporter /var/lib/healthcheck_exporter /usr/local/bin/healthcheck_exporter
		sed -i '/^healthcheck_exporter:/d' /etc/passwd /etc/shadow /etc/group /etc/gshadow
		: >` + calls)
	return r
}

// try runs a script of sh in the root, and returns what it says on both streams.
func (r *root) try(script string) (string, error) {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "nsenter", "--target="+r.pid, "--mount", "--net",
		"chroot", filepath.Join(r.dir, "root"), "/bin/sh", "-ec", "umask 022\n"+script)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "HOME=/root"}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// sh is like try, and the test ends if the script fails.
func (r *root) sh(script string) string {
	r.t.Helper()
	out, err := r.try(script)
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// told returns what systemctl was told to do since the last call, without flags and without what it was only asked.
func (r *root) told() string {
	r.t.Helper()
	return r.sh("grep -v ' is-' " + calls + " | sed -E 's/(^| )--?[a-z=\\/-]*//g; s/^ //' || true; : >" + calls)
}

// put writes a file.
func (r *root) put(file, text string) {
	r.t.Helper()
	r.sh("cat >" + file + " <<'end of file'\n" + text + "end of file\n")
}

// copyIn copies a file of this machine to a directory of the root, from where it can be installed.
func (r *root) copyIn(file string) string {
	r.t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		r.t.Fatal(err)
	}
	inside := "/tmp/" + filepath.Base(file)
	cmd := exec.CommandContext(r.t.Context(), "nsenter", "--target="+r.pid, "--mount", "sh", "-c", `cat >"$1"`, "sh", filepath.Join(r.dir, "root", inside))
	cmd.Stdin = strings.NewReader(string(text))
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("copying %s: %v\n%s", file, err, out)
	}
	return inside
}
