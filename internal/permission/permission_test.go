//go:build unix

package permission

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// stranger is a user that is neither root nor the one of the tests.
const stranger = 65533

// public is a directory that anybody can come to.
func public(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path string, mode fs.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	chmod(t, path, mode)
	return path
}

// said is what is found, each as "refused" or "warned" with the repair, paths counted from dir.
func said(dir string, files ...File) []string {
	var all []string
	for _, f := range Check(files...) {
		kind := "warned"
		if f.Refused {
			kind = "refused"
		}
		text := strings.ReplaceAll(f.Text, dir, "DIR")
		all = append(all, kind+": "+text[strings.LastIndex(text, ": ")+2:])
	}
	return all
}

// Every use of a file, with every mode of it and of the directory above it.
func TestModes(t *testing.T) {
	for _, tt := range []struct {
		name      string
		use       Use
		dir, file fs.FileMode
		want      []string
	}{
		{"program", Program, 0o755, 0o755, nil},
		{"program that its group may change", Program, 0o775, 0o775, nil}, // /usr/local/bin of Debian
		{"program that anybody may change", Program, 0o755, 0o777, []string{"refused: chmod o-w DIR/d/file"}},
		{"program that only anybody may change", Program, 0o755, 0o702, []string{"refused: chmod o-w DIR/d/file"}},
		{"program that nobody can reach", Program, 0o700, 0o777, nil},
		{"program in anybody's directory", Program, 0o777, 0o755, []string{"refused: chmod o-w DIR/d"}},
		{"program in a sticky directory", Program, 0o777 | fs.ModeSticky, 0o755, nil},
		{"all of it anybody's", Program, 0o777, 0o777, []string{"refused: chmod o-w DIR/d", "refused: chmod o-w DIR/d/file"}},
		{"script", Argument, 0o755, 0o777, []string{"warned: chmod o-w DIR/d/file"}},
		{"script in anybody's directory", Argument, 0o777, 0o755, []string{"warned: chmod o-w DIR/d"}},
		{"secret", Secret, 0o755, 0o600, nil},
		{"secret of a group", Secret, 0o755, 0o640, nil},
		{"secret for all to read", Secret, 0o755, 0o644, []string{"warned: chmod 600 DIR/d/file"}},
		{"secret for all to read in a directory for nobody", Secret, 0o700, 0o644, nil},
		{"secret for all to write", Secret, 0o755, 0o602, []string{"refused: chmod 600 DIR/d/file"}},
		{"secret for all to read and write", Secret, 0o755, 0o666, []string{"refused: chmod 600 DIR/d/file"}},
		{"secret in anybody's directory", Secret, 0o777, 0o600, []string{"warned: chmod o-w DIR/d"}},
		{"certificate", Trusted, 0o755, 0o644, nil},
		{"certificate of anybody's", Trusted, 0o755, 0o666, []string{"refused: chmod o-w DIR/d/file"}},
		{"configuration", Config, 0o755, 0o644, nil},
		{"configuration of anybody's", Config, 0o755, 0o666, []string{"warned: chmod o-w DIR/d/file"}},
		{"configuration of anybody's that restarts", Powerful, 0o755, 0o666, []string{"refused: chmod o-w DIR/d/file"}},
		{"configuration with a secret", Inline, 0o755, 0o644, []string{"warned: chmod 600 DIR/d/file"}},
		{"web configuration", Access, 0o755, 0o644, nil},
		{"web configuration of anybody's", Access, 0o755, 0o646, []string{"refused: chmod o-w DIR/d/file"}},
		{"targets of anybody's", Targets, 0o755, 0o666, []string{"warned: chmod o-w DIR/d/file"}},
		{"storage", Storage, 0o755, 0o755, nil},
		{"storage of anybody's", Storage, 0o700, 0o777, []string{"refused: chmod o-w DIR/d/file"}},
		{"storage below an emptyDir", Storage, 0o777, 0o700, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := public(t)
			file := put(t, filepath.Join(dir, "d", "file"), tt.file)
			chmod(t, filepath.Dir(file), tt.dir)
			if diff := cmp.Diff(tt.want, said(dir, File{Path: file, Use: tt.use})); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

// What belongs to somebody else. The tests need root, who alone can give a file away.
func TestOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make files of another user")
	}
	for _, tt := range []struct {
		name      string
		use       Use
		dir, file int // the owners
		home      int
		want      []string
	}{
		{"ours", Program, 0, 0, 0, nil},
		{"program of another", Program, 0, stranger, 0, []string{"warned: chown root DIR/d/file"}},
		{"program in the directory of another", Program, stranger, 0, 0, []string{"warned: chown root DIR/d"}},
		{"program of the one who runs it", Program, stranger, stranger, stranger, nil},
		{"script of another", Argument, 0, stranger, 0, []string{"warned: chown root DIR/d/file"}},
		{"configuration of another", Powerful, 0, stranger, 0, []string{"warned: chown root DIR/d/file"}},
		{"secret of another, who knows it", Secret, 0, stranger, 0, nil},
		{"storage of another", Storage, 0, stranger, 0, []string{"refused: chown -R root DIR/d/file"}},
		{"storage in the directory of another", Storage, stranger, 0, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := public(t)
			file, home := put(t, filepath.Join(dir, "d", "file"), 0o700), filepath.Join(dir, "home")
			if err := os.Mkdir(home, 0o700); err != nil {
				t.Fatal(err)
			}
			for path, uid := range map[string]int{file: tt.file, filepath.Dir(file): tt.dir, home: tt.home} {
				if err := os.Chown(path, uid, -1); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, said(dir, File{Path: file, Use: tt.use, Home: home})); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

// A link is as good as the directories that it stands in and leads through, and what is at its end.
func TestLinks(t *testing.T) {
	dir := public(t)
	token := put(t, filepath.Join(dir, "secret", "..2026", "token"), 0o666)
	put(t, filepath.Join(dir, "tools", "restart"), 0o755)
	link := func(name, to string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link("secret/..data", "..2026")
	atomically := link("secret/token", "..data/token") // as kubelet does it
	anybodys := link("open/restart", filepath.Join(dir, "tools", "restart"))
	through := link("bin/restart", "../open/restart")
	round := link("round", "round")
	chmod(t, filepath.Join(dir, "open"), 0o777)
	for _, tt := range []struct {
		name string
		file File
		want []string
	}{
		{"to a file", File{Path: atomically, Use: Secret}, []string{"refused: chmod 600 DIR/secret/..2026/token"}},
		{"out of anybody's directory", File{Path: anybodys, Use: Program}, []string{"refused: chmod o-w DIR/open"}},
		{"through anybody's directory", File{Path: through, Use: Program}, []string{"refused: chmod o-w DIR/open"}},
		{"without end", File{Path: round, Use: Program}, nil},
		{"nothing", File{Path: token + "/none", Use: Secret}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, said(dir, tt.file)); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

// The whole sentence: the place, what is wrong, what may come of it, and the command, as one line for a shell.
func TestText(t *testing.T) {
	dir := public(t)
	for _, tt := range []struct{ name, quoted string }{
		{"token", "DIR/token"}, {"a b'c", `'DIR/a b'\''c'`}, {"a\nb\x1b", "'DIR/a\uFFFDb\uFFFD'"},
	} {
		found := Check(File{Place: "restart.receiver.bearer_token_file", Path: put(t, filepath.Join(dir, tt.name), 0o666), Use: Secret})
		want := "restart.receiver.bearer_token_file: " + tt.quoted + " has mode 0666: anybody could change the secret: chmod 600 " + tt.quoted
		if len(found) != 1 || strings.ReplaceAll(found[0].Text, dir, "DIR") != want {
			t.Errorf("found %v, want %q", found, want)
		}
		if err := Err("healthcheck.yml: ", found); err == nil || len(Warnings(found)) > 0 || !strings.HasPrefix(err.Error(), "healthcheck.yml: restart.") {
			t.Errorf("error is %v, want one that begins with the file", err)
		}
	}
}

// ConfigMaps and Secrets of Kubernetes, and secrets of Docker, are mounted read-only, open to all.
func TestReadOnlyMounts(t *testing.T) {
	info := strings.Join([]string{
		"22 1 8:1 / / ro,relatime - ext4 /dev/sda1 rw", // as systemd does it for a service
		"23 22 0:21 /x /etc/healthcheck ro,relatime - ext4 /dev/sda1 rw",
		"24 22 0:22 / /run/secrets/with\\040space ro - tmpfs tmpfs rw",
		"25 22 0:23 / /data rw,relatime - ext4 /dev/sda1 ro",
		"26 22 0:23 / /data/over ro - ext4 /dev/sda1 rw", "27 22 0:23 / /data/over rw - ext4 /dev/sda1 rw", "garbage",
	}, "\n")
	for path, want := range map[string]bool{
		"/": true, "/etc/healthcheck": true, "/run/secrets/with space": true, "/data": false, "/data/over": false, "/etc": false,
	} {
		if got := readOnlyAt(info, path); got != want {
			t.Errorf("%s is mounted read-only: %t, want %t", path, got, want)
		}
	}
}

// Who cannot change the owner's file is told to make it its own.
func TestKeepPrivate(t *testing.T) {
	info, err := os.Stat(put(t, filepath.Join(t.TempDir(), "token"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	uid, gid := owner(info)
	for _, tt := range []struct {
		name string
		who  identity
		want string
	}{
		{"root", identity{uid: 0}, "chmod 600 /t"},
		{"another", identity{uid: uid + 70000}, fmt.Sprintf("chown %d /t && chmod 600 /t", uid+70000)},
		{"another of its group", identity{uid: uid + 70000, groups: []int{gid}}, "chmod o= /t"},
	} {
		if got := tt.who.keepPrivate(step{path: "/t", info: info}); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What anybody can do to a configuration depends on what it says.
func TestUseOfConfig(t *testing.T) {
	path := put(t, filepath.Join(public(t), "healthcheck.yml"), 0o666)
	for text, refused := range map[string]bool{
		"modules: {a: {prober: http}}": false, "access: {anonymous: read}": true,
		"restart: {mode: off, receiver: {insecure: true}, services: [{name: a, checks: [{url: 'http://a.test/'}], http: {url: 'http://a.test/'}}]}": true,
	} {
		c, err := config.Parse(path, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := Err("", CheckConfig(path, c)); (err != nil) != refused {
			t.Errorf("%s that anybody may write to: %v", text, err)
		}
	}
}

// A directory with secrets for Alertmanager is for its group, and for nobody else.
func TestOutbox(t *testing.T) {
	dir := filepath.Join(public(t), "out")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for mode, refused := range map[fs.FileMode]bool{0o700: false, 0o750: false, fs.ModeSetgid | 0o750: false, 0o751: true, 0o755: true, 0o777: true, fs.ModeSticky | 0o777: true} {
		chmod(t, dir, mode)
		if err := Err("", Check(File{Place: "alertmanager.dir", Path: dir, Use: Outbox})); (err != nil) != refused {
			t.Errorf("mode %v: got %v, want refused: %v", mode, err, refused)
		}
	}
}
