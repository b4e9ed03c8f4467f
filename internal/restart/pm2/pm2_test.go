//go:build unix

package pm2_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/pm2"
)

// A fakePM2 is a daemon with a home, and a program named pm2 that records how it was called.
type fakePM2 struct {
	t          *testing.T
	home, prog string

	mu     sync.Mutex // protects the following
	answer []byte     // the JSON part of the answer
}

func newFake(t *testing.T) *fakePM2 {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pm2-") //nolint:usetesting // the path of a socket has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	f := &fakePM2{t: t, home: dir, prog: filepath.Join(dir, "pm2")}
	f.script("exit 0")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(dir, "rpc.sock"))
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() { f.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		served.Wait()
	})
	return f
}

// serve answers one call, as PM2 does.
func (f *fakePM2) serve(conn net.Conn) {
	defer conn.Close()
	const want = "\x12\x00\x00\x00\x37" + `j:{"type":"call","method":"getMonitorData","args":[{}]}` + "\x00\x00\x00\x03s:1"
	got := make([]byte, len(want))
	switch _, err := io.ReadFull(conn, got); {
	case errors.Is(err, io.EOF): // it only wanted to know whether somebody answers
		return
	case err != nil || string(got) != want:
		f.t.Errorf("the daemon got %q, %v, want %q", got, err, want)
		return
	}
	f.mu.Lock()
	answer := f.answer
	f.mu.Unlock()
	if answer == nil { // it hangs
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	b := []byte{0x12}
	for _, part := range []string{"j:" + string(answer), "s:1"} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	_, _ = conn.Write(b)
}

func (f *fakePM2) reply(answer string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = []byte(answer)
}

// An instance is one instance of an app, by the keys of pm2_env.
type instance map[string]any

func (f *fakePM2) runs(instances ...instance) {
	var list []any
	for id, env := range instances {
		entry := map[string]any{"pid": 1000 + id, "pm_id": id, "pm2_env": env, "monit": map[string]any{"cpu": 1.5}}
		if old, ok := env["old"]; ok {
			entry["pm_id"] = old
		}
		list = append(list, entry)
	}
	b, err := json.Marshal(map[string]any{"args": []any{list}})
	if err != nil {
		f.t.Fatal(err)
	}
	f.reply(string(b))
}

func (f *fakePM2) script(text string) {
	f.t.Helper()
	text = "#!/bin/sh\n{ echo \"$@\"; id -u; env; } >>\"$PM2_HOME/calls\"\n" + text + "\n"
	if err := os.WriteFile(f.prog, []byte(text), 0o755); err != nil { //nolint:gosec // a program
		f.t.Fatal(err)
	}
}

// called returns what the program recorded, or "" if it did not run.
func (f *fakePM2) called() string {
	b, err := os.ReadFile(filepath.Join(f.home, "calls"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		f.t.Fatal(err)
	}
	return string(b)
}

func (f *fakePM2) backend() *pm2.Backend {
	return pm2.New(pm2.Config{App: "web", Home: f.home, Program: f.prog})
}

// up returns an instance that has run for an hour.
func up(name, status string) instance {
	return instance{
		"name": name, "status": status, "pm_uptime": time.Now().Add(-time.Hour).UnixMilli(), "restart_time": 3,
		"unstable_restarts": 0, "env": map[string]string{"TOKEN": "canary"}, "TOKEN": "canary",
		"STATUS": "canary", "Name": "canary", "Pm_Uptime": "canary", // from the app's environment
	}
}

func with(i instance, key string, value any) instance {
	i[key] = value
	return i
}

func TestInspect(t *testing.T) {
	f := newFake(t)
	justNow := time.Now().Add(-10 * time.Second).UnixMilli()
	for _, tt := range []struct {
		name      string
		instances []instance
		running   bool
		unfit     restart.Unfit
		detail    string
	}{
		{"online", []instance{up("other", "stopped"), up("web", "online")}, true, "", "PM2 says 1 online"},
		{"errored", []instance{up("web", "errored")}, false, "", "PM2 says 1 errored"},
		{"stopped", []instance{up("web", "stopped")}, false, restart.UnfitStopped, "PM2 says 1 stopped"},
		{"stopping", []instance{up("web", "stopping")}, false, restart.UnfitStopped, "PM2 says 1 stopping"},
		{"launching", []instance{up("web", "launching")}, false, restart.UnfitRolling, "PM2 says 1 launching"},
		{"waiting", []instance{up("web", "waiting restart")}, false, restart.UnfitLooping, "PM2 says 1 waiting restart"},
		{"unknown", []instance{up("web", "canary")}, false, restart.UnfitRolling, "PM2 says 1 in an unknown status"},
		{
			"unstable",
			[]instance{with(with(up("web", "online"), "unstable_restarts", 2), "pm_uptime", justNow)},
			true, restart.UnfitLooping, "PM2 says 1 online",
		},
		{"once unstable", []instance{with(up("web", "online"), "unstable_restarts", 2)}, true, "", "PM2 says 1 online"},
		{"missing", []instance{up("WEB", "online"), up("web2", "online")}, false, restart.UnfitMissing, "PM2 has no app of this name"},
		{"nothing", nil, false, restart.UnfitMissing, "PM2 has no app of this name"},
		{
			"cluster, one stopped",
			[]instance{up("web", "launching"), up("web", "online"), up("web", "stopped"), up("web", "online")},
			false, restart.UnfitStopped, "PM2 says 1 launching, 2 online, 1 stopped",
		},
		{
			"cluster, reloading",
			[]instance{with(up("web", "online"), "old", "_old_0"), up("web", "online")},
			true, restart.UnfitRolling, "PM2 says 2 online",
		},
		{"numbers as texts", []instance{with(up("web", "online"), "pm_uptime", strconv.FormatInt(justNow, 10))}, true, "", "PM2 says 1 online"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.runs(tt.instances...)
			s, err := f.backend().Inspect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if s.Running != tt.running || s.Unfit != tt.unfit || s.Detail != tt.detail {
				t.Errorf("got %+v, want running %t, unfit %q, detail %q", s, tt.running, tt.unfit, tt.detail)
			}
			if known := tt.unfit != restart.UnfitMissing; (s.Identity != "") != known || s.StartedAt.IsZero() == known {
				t.Errorf("got the identity %q since %s, want that known: %t", s.Identity, s.StartedAt, known)
			}
			if got := fmt.Sprint(s); strings.Contains(got, "canary") {
				t.Errorf("the app's environment is in %s", got)
			}
		})
	}
	if got := f.called(); got != "" {
		t.Errorf("pm2 was run:\n%s", got)
	}
}

// The identity changes with every start of an instance, and only then. The last start counts.
func TestIdentity(t *testing.T) {
	f := newFake(t)
	last := time.Now().Add(-5 * time.Minute).Truncate(time.Millisecond)
	identity := func(change func(i instance)) string {
		t.Helper()
		first, second := up("web", "online"), up("web", "online")
		first["pm_uptime"], second["pm_uptime"] = last.Add(-time.Hour).UnixMilli(), last.UnixMilli()
		change(first)
		f.runs(first, second, up("other", "online"))
		s, err := f.backend().Inspect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !s.StartedAt.Equal(last) {
			t.Errorf("started at %s, want %s", s.StartedAt, last)
		}
		return s.Identity
	}
	before := identity(func(instance) {})
	if got := identity(func(i instance) { i["created_at"] = 5 }); got != before {
		t.Errorf("the identity changed from %q to %q without a start", before, got)
	}
	for _, change := range []func(i instance){
		func(i instance) { i["restart_time"] = 4 },
		func(i instance) { i["pm_uptime"] = last.Add(-time.Minute).UnixMilli() },
	} {
		if got := identity(change); got == before {
			t.Errorf("the identity is still %q after a start", got)
		}
	}
}

func TestRestart(t *testing.T) {
	t.Setenv("SECRET", "canary")
	f := newFake(t)
	f.runs(up("web", "online"))
	b := f.backend()
	before, err := b.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Restart(t.Context(), restart.Attempt{ID: "1", Before: before}); err != nil {
		t.Fatal(err)
	}
	got := f.called()
	for _, want := range []string{
		"restart web\n", "\nPM2_HOME=" + f.home + "\n", "\nHOME=" + f.home + "\n", "PATH=" + f.home + ":/usr/local/bin:/usr/bin:/bin\n",
		"PM2_LOG_FILE_PATH=/dev/null/none\n",
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("pm2 was not called once with %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "canary") {
		t.Errorf("the exporter's environment reached pm2:\n%s", got)
	}
}

func TestReload(t *testing.T) {
	f := newFake(t)
	f.runs(up("my app", "online"))
	b := pm2.New(pm2.Config{App: "my app", Home: f.home, Program: f.prog, Node: "/bin/sh", Reload: true})
	if err := b.Restart(t.Context(), restart.Attempt{}); err != nil {
		t.Fatal(err)
	}
	if got := f.called(); !strings.HasPrefix(got, "reload my app\n") || !strings.Contains(got, "PATH=/bin:"+f.home+":") {
		t.Errorf("pm2 was called with\n%s", got)
	}
}

// If the back-end refuses, it does nothing.
func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(f *fakePM2) restart.Attempt
		want    string
	}{
		{"stopped", func(f *fakePM2) restart.Attempt {
			f.runs(up("web", "stopped"))
			return restart.Attempt{}
		}, `the app "web" is stopped: PM2 says 1 stopped`},
		{"missing", func(f *fakePM2) restart.Attempt {
			f.runs()
			return restart.Attempt{}
		}, `the app "web" is missing: PM2 has no app of this name`},
		{"restarted since", func(f *fakePM2) restart.Attempt {
			f.runs(up("web", "online"))
			return restart.Attempt{Before: restart.Status{Identity: "0:1:2:3"}}
		}, "restarted by somebody else"},
		{"reloading", func(f *fakePM2) restart.Attempt {
			f.runs(up("web", "online"))
			if err := os.WriteFile(filepath.Join(f.home, "reload.lock"), fmt.Appendf(nil, "%d", time.Now().UnixMilli()), 0o600); err != nil {
				f.t.Fatal(err)
			}
			return restart.Attempt{}
		}, `the app "web" is rolling: PM2 says 1 online; pm2 reload is under way`},
		{"no daemon", func(f *fakePM2) restart.Attempt {
			if err := os.Remove(filepath.Join(f.home, "rpc.sock")); err != nil {
				f.t.Fatal(err)
			}
			return restart.Attempt{}
		}, "no PM2 daemon answers in the home"},
		{"daemon has died", func(f *fakePM2) restart.Attempt {
			sock := filepath.Join(f.home, "rpc.sock")
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: sock + "2", Net: "unix"})
			if err == nil {
				l.SetUnlinkOnClose(false)
				err = errors.Join(l.Close(), os.Rename(sock+"2", sock))
			}
			if err != nil {
				f.t.Fatal(err)
			}
			return restart.Attempt{}
		}, "connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			a := tt.prepare(f)
			err := f.backend().Restart(t.Context(), a)
			if !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want a refusal with %q", err, tt.want)
			}
			if got := f.called(); got != "" {
				t.Errorf("pm2 was run:\n%s", got)
			}
		})
	}
}

// An old lock, an empty one and an invalid one do not count, as for PM2.
func TestStaleReloadLock(t *testing.T) {
	f := newFake(t)
	f.runs(up("web", "online"))
	at := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).UnixMilli(), 10) }
	for _, lock := range []string{"", "x", at(-time.Minute), at(time.Hour), strings.Repeat("9", 100)} {
		if err := os.WriteFile(filepath.Join(f.home, "reload.lock"), []byte(lock), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := f.backend().Inspect(t.Context()); err != nil || s.Unfit != "" {
			t.Errorf("with the lock %q the app is %q, %v, want nothing against a restart", lock, s.Unfit, err)
		}
	}
}

// Errors quote pm2's own message, and nothing else of its output.
func TestFailure(t *testing.T) {
	f := newFake(t)
	f.runs(up("web", "online"))
	f.script(`printf '\033[31m[PM2][ERROR]\033[39m Process 0 not found\n' >&2
seq 1 3000; echo "Error: canary" >&2; exit 1`)
	err := f.backend().Restart(t.Context(), restart.Attempt{})
	if err == nil || errors.Is(err, restart.ErrRefused) {
		t.Fatalf("error is %v, want one that is not a refusal", err)
	}
	for _, want := range []string{"exit status 1", `"Process 0 not found"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %s", err, want)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("error is %v, want no other output", err)
	}
	f.script("exec sleep 60")
	before := len(f.called())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() { failed <- f.backend().Restart(ctx, restart.Attempt{}) }()
	for range 1000 { // however long the shell takes to get there
		if len(f.called()) > before {
			break
		}
		<-time.After(20 * time.Millisecond)
	}
	cancel()
	if err := <-failed; err == nil || errors.Is(err, restart.ErrRefused) {
		t.Errorf("error is %v, want one when its time is over", err)
	}
}

// If pm2 has no message, errors quote the first line of its standard error, cut and cleaned for a terminal, and not its output.
func TestWordlessFailure(t *testing.T) {
	f := newFake(t)
	f.runs(up("web", "online"))
	for _, tc := range []struct{ name, script, want string }{
		{"nothing", "", "exit status 1"},
		{"only output", "echo 'Use --update-env to update environment variables'", "exit status 1"},
		{"node is not there", "echo >&2 'env: node: No such file or directory'; echo canary >&2", `exit status 1: "env: node: No such file or directory"`},
		{"behind the output", "echo canary; printf '\\n\\n  first  \\ncanary\\n' >&2", `exit status 1: "first"`},
		{
			"not JavaScript", `printf '/opt/pm2:2\nexec node /x/pm2 "$@"\n     ^^^^\n\nSyntaxError: Unexpected identifier\n    at canary\n\nNode.js v20\n' >&2`,
			`exit status 1: "/opt/pm2:2: SyntaxError: Unexpected identifier"`,
		},
		{
			"a module is missing", `printf 'node:internal/modules/cjs/loader:1146\n  throw err;\n  ^\n\nError: Cannot find module canary-free\nRequire stack:\n- canary\n' >&2`,
			`exit status 1: "node:internal/modules/cjs/loader:1146: Error: Cannot find module canary-free"`,
		},
		{"pm2's word on the other output", `echo '[PM2][ERROR] Script is gone'; echo canary >&2`, `exit status 1: "Script is gone"`},
		{"another's word", `echo 'Reload already in progress' >&2`, `exit status 1: "Reload already in progress"`},
		{"for a terminal", `printf '\033]0;owned\007\033[31mred\n' >&2`, "exit status 1: \"\ufffd]0;owned\ufffdred\""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f.script(tc.script + "\nexit 1")
			err := f.backend().Restart(t.Context(), restart.Attempt{})
			want := fmt.Sprintf("running %q: %s", f.prog, tc.want)
			if err == nil || err.Error() != want || errors.Is(err, restart.ErrRefused) {
				t.Errorf("error is %v, want %s", err, want)
			}
		})
	}
	for _, says := range []string{"Reload already in progress, please try again in 20 seconds or use --force", "Process or Namespace web not found"} {
		f.script(`printf '\033[31m[PM2][ERROR]\033[39m ` + says + `\n' >&2; exit 1`)
		if err := f.backend().Restart(t.Context(), restart.Attempt{}); !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), says) {
			t.Errorf("error is %v, want a refusal with %q", err, says)
		}
	}
	for name, script := range map[string]string{
		"a long line": `head -c 50000 /dev/zero | tr '\0' x >&2`, "pm2's long line": `{ printf '[PM2][ERROR] '; head -c 50000 /dev/zero | tr '\0' x; } >&2`,
		"a long place": `{ head -c 20000 /dev/zero | tr '\0' x; printf ':1\nError: '; head -c 20000 /dev/zero | tr '\0' x; } >&2`,
	} {
		f.script(script + "\nexit 1")
		err := f.backend().Restart(t.Context(), restart.Attempt{})
		if err == nil || len(err.Error()) > 400 || !strings.Contains(err.Error(), "bytes…]") {
			t.Errorf("%s: error is %v, want a short one that says how much was left out", name, err)
		}
	}
}

func TestBadAnswers(t *testing.T) {
	f := newFake(t)
	for name, answer := range map[string]string{
		"error": `{"error":"canary","stack":"canary"}`, "no JSON": "canary", "no list": `{"args":["canary"]}`, "empty": "",
		"no environment": `{"args":[[{"pm_id":0,"name":"canary"}]]}`, "null": "null",
	} {
		t.Run(name, func(t *testing.T) {
			f.reply(answer)
			s, err := f.backend().Inspect(t.Context())
			if !errors.Is(err, restart.ErrRefused) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %+v, %v, want a refusal that quotes nothing", s, err)
			}
		})
	}
	f.mu.Lock()
	f.answer = nil
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := f.backend().Inspect(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("of a daemon that hangs the error is %v, want that of the deadline", err)
	}
}

// If the exporter runs as root, pm2 gets the rights of the user of the daemon.
func TestUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	f := newFake(t)
	f.runs(up("web", "online"))
	const nobody = 65534
	for _, file := range []string{f.home, filepath.Join(f.home, "rpc.sock")} {
		if err := os.Chown(file, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.backend().Restart(t.Context(), restart.Attempt{}); err != nil {
		t.Fatal(err)
	}
	if got := f.called(); !strings.HasPrefix(got, "restart web\n65534\n") {
		t.Errorf("pm2 was called with\n%s", got)
	}
}
