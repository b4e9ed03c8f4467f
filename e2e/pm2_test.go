//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/pm2"
)

// leak is in the environment of every exporter, and must be in that of no app.
const leak = "canary-of-the-exporter"

// TestPM2 restarts apps of a real PM2, as npm has it.
func TestPM2(t *testing.T) {
	t.Parallel()
	p := startPM2(t)
	t.Run("restart", p.restarts)
	t.Run("reload", p.reloads)
	t.Run("alert", p.repairs)
	t.Run("stopped", p.leavesStopped)
	t.Run("wrong home", p.refusesHome)
	t.Run("daemon dies", p.startsNoDaemon)
	t.Run("dead home", p.refusesDead)
}

// A realPM2 is an installation of PM2 with a daemon of its own, which runs the app "web" and two instances of "cluster".
type realPM2 struct{ dir, home, program string }

// installPM2 installs what both tests with PM2 run.
var installPM2 = sync.OnceValues(func() (string, error) { return withPackages("pm2") })

func startPM2(t *testing.T) *realPM2 {
	t.Helper()
	installed, err := installPM2()
	p := &realPM2{dir: t.TempDir(), program: filepath.Join(installed, "node_modules", ".bin", "pm2")}
	p.home = filepath.Join(p.dir, "home")
	if err := errors.Join(err, os.CopyFS(p.dir, os.DirFS("pm2")), os.Mkdir(p.home, 0o700)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { killDaemon(t, p.home) })
	p.run(t, "start", "app.js", "--name=web")
	p.run(t, "start", "app.js", "--name=cluster", "--instances=2")
	return p
}

// run is what a person does on the machine of the app.
func (p *realPM2) run(t *testing.T, args ...string) {
	t.Helper()
	p.runWith(t, nil, args...)
}

// runWith is run with more environment.
func (p *realPM2) runWith(t *testing.T, env []string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.program, args...)
	cmd.Dir = p.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "PM2_HOME=" + p.home, "APP_DIR=" + p.dir, "APP_SECRET=of the app"}
	cmd.Env = append(cmd.Env, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("pm2 %q: %v\n%s", args, err, out)
	}
}

// killDaemon ends the daemon of a home of this test and with it the apps, if it runs.
func killDaemon(t *testing.T, home string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(home, "pm2.pid"))
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	pid, err2 := strconv.Atoi(strings.TrimSpace(string(text)))
	if err := errors.Join(err, err2); err != nil || pid < 2 {
		t.Errorf("PM2's daemon has the process ID %q: %v", text, err)
		return
	}
	if !slices.Contains(daemons(t, home), pid) { // it has ended, and the number may be another's
		return
	}
	_ = syscall.Kill(pid, syscall.SIGTERM)
	err = harness.Until(context.WithoutCancel(t.Context()), patience, "PM2 ends", func(context.Context) (bool, error) {
		return len(daemons(t, home)) == 0, nil
	})
	if err != nil {
		t.Error(err)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// daemons are the processes that live with that PM2_HOME: the daemon and its apps.
func daemons(t *testing.T, home string) []int {
	t.Helper()
	var pids []int
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil || len(files) == 0 {
		t.Fatalf("no processes: %v", err)
	}
	for _, file := range files {
		env, err := os.ReadFile(file)
		pid, numeric := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && numeric == nil && slices.Contains(strings.Split(string(env), "\x00"), "PM2_HOME="+home) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (p *realPM2) backend(app string, reload bool) *pm2.Backend {
	return pm2.New(pm2.Config{App: app, Home: p.home, Program: p.program, Reload: reload})
}

func inspect(t *testing.T, b *pm2.Backend) restart.Status {
	t.Helper()
	s, err := b.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// An instance is what an app says of itself.
type instance struct {
	PID  int
	Port int
	Env  map[string]string
}

// get asks the app that has started last for a path. It does not answer within a second when it hangs.
func (p *realPM2) get(ctx context.Context, file, path string) (instance, error) {
	var i instance
	text, err := os.ReadFile(filepath.Join(p.dir, file))
	if err == nil {
		err = json.Unmarshal(text, &i)
	}
	if err != nil {
		return i, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", i.Port, path), http.NoBody)
	if err != nil {
		return i, err
	}
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return i, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && string(body) != strconv.Itoa(i.PID) {
		err = fmt.Errorf("%q answered, want %d", body, i.PID)
	}
	return i, err
}

// await waits until an instance answers that is not the one with that process ID.
func (p *realPM2) await(t *testing.T, file string, not int) instance {
	t.Helper()
	var i instance
	await(t.Context(), t, file+" answers", func(ctx context.Context) (bool, error) {
		var err error
		i, err = p.get(ctx, file, "/")
		return err == nil && i.PID != not, nil
	})
	return i
}

// restarts: the app hangs, PM2 does not notice, and one restart repairs it.
func (p *realPM2) restarts(t *testing.T) {
	b := p.backend("web", false)
	old := p.await(t, "web-0.json", 0)
	if _, err := p.get(t.Context(), "web-0.json", "/hang"); err == nil {
		t.Fatal("the app does not hang")
	}
	before := inspect(t, b)
	if before.Unfit != "" || !before.Running || before.StartedAt.IsZero() {
		t.Fatalf("PM2 has noticed that the app hangs: %+v", before)
	}
	start := time.Now()
	if again := inspect(t, b); again != before {
		t.Errorf("without a restart the status went from %+v to %+v", before, again)
	}
	t.Logf("inspected in %s", time.Since(start))
	start = time.Now()
	if err := b.Restart(t.Context(), restart.Attempt{ID: "1", Before: before}); err != nil {
		t.Fatal(err)
	}
	t.Logf("restarted in %s", time.Since(start))
	app := p.await(t, "web-0.json", old.PID)
	t.Logf("answers after %s", time.Since(start))
	after := inspect(t, b)
	if after.Identity == before.Identity || after.Unfit != "" || !after.Running || !after.StartedAt.After(before.StartedAt) {
		t.Errorf("after a restart the status went from %+v to %+v", before, after)
	}
	p.sameEnvironment(t, old.Env, app.Env)

	if err := b.Restart(t.Context(), restart.Attempt{ID: "2", Before: before}); !errors.Is(err, restart.ErrRefused) {
		t.Errorf("after somebody else's restart the error is %v, want a refusal", err)
	}
	if now := inspect(t, b); now != after {
		t.Errorf("refusing, the status went from %+v to %+v", after, now)
	}
}

// sameEnvironment wants that an app still has the environment of who started it, and nothing of what pm2 or the exporter
// has. PM2 itself adds much, and changes it.
func (p *realPM2) sameEnvironment(t *testing.T, before, after map[string]string) {
	t.Helper()
	if after["APP_SECRET"] == "" || after["HOME"] != p.dir || after["PM2_HOME"] != p.home {
		t.Errorf("the app's environment is %v", after)
	}
	for _, name := range []string{"APP_SECRET", "APP_DIR", "HOME", "PATH", "PWD", "EXPORTER_SECRET", "PM2_LOG_FILE_PATH", "PM2_DISCRETE_MODE", "NO_COLOR"} {
		if before[name] != after[name] {
			t.Errorf("%s was %q and is %q", name, before[name], after[name])
		}
	}
	for _, pid := range daemons(t, p.home) {
		if env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err == nil && bytes.Contains(env, []byte(leak)) {
			t.Errorf("the exporter's environment is that of the process %d", pid)
		}
	}
}

// reloads: both instances are replaced.
func (p *realPM2) reloads(t *testing.T) {
	b := p.backend("cluster", true)
	first, second := p.await(t, "cluster-0.json", 0), p.await(t, "cluster-1.json", 0)
	before := inspect(t, b)
	if before.Unfit != "" || len(strings.Fields(before.Identity)) != 2 || before.Detail != "PM2 says 2 online" {
		t.Fatalf("of two instances the status is %+v", before)
	}
	start := time.Now()
	if err := b.Restart(t.Context(), restart.Attempt{ID: "3", Before: before}); err != nil {
		t.Fatal(err)
	}
	t.Logf("reloaded in %s", time.Since(start))
	p.sameEnvironment(t, first.Env, p.await(t, "cluster-0.json", first.PID).Env)
	p.sameEnvironment(t, second.Env, p.await(t, "cluster-1.json", second.PID).Env)
	after := inspect(t, b)
	for part := range strings.FieldsSeq(after.Identity) {
		if slices.Contains(strings.Fields(before.Identity), part) {
			t.Errorf("the instance %s was not replaced", part)
		}
	}
	p.run(t, "stop", "2")
	if s := inspect(t, b); s.Unfit != restart.UnfitStopped || s.Running {
		t.Errorf("with one of two instances stopped the status is %+v", s)
	}
}

// leavesStopped: what an operator has stopped or deleted is not started.
func (p *realPM2) leavesStopped(t *testing.T) {
	b := p.backend("web", false)
	p.run(t, "stop", "web")
	before := inspect(t, b)
	if before.Unfit != restart.UnfitStopped || before.Running {
		t.Errorf("of a stopped app the status is %+v", before)
	}
	if err := b.Restart(t.Context(), restart.Attempt{ID: "4", Before: before}); !errors.Is(err, restart.ErrRefused) {
		t.Errorf("the error is %v, want a refusal", err)
	}
	if after := inspect(t, b); after != before {
		t.Errorf("the status went from %+v to %+v", before, after)
	}
	p.run(t, "delete", "web")
	if s := inspect(t, b); s.Unfit != restart.UnfitMissing {
		t.Errorf("of a deleted app the status is %+v", s)
	}
}

// refusesHome: where PM2 has never been nothing is touched.
func (p *realPM2) refusesHome(t *testing.T) {
	home := t.TempDir()
	b := pm2.New(pm2.Config{App: "web", Home: home, Program: p.program})
	if err := b.Restart(t.Context(), restart.Attempt{ID: "5"}); !errors.Is(err, restart.ErrRefused) {
		t.Errorf("the error is %v, want a refusal", err)
	}
	p.noDaemon(t, home)
	if files, err := os.ReadDir(home); err != nil || len(files) > 0 {
		t.Errorf("the home has %v, %v, want nothing", files, err)
	}
}

// noDaemon wants that there is none, and none a moment later.
func (p *realPM2) noDaemon(t *testing.T, home string) {
	t.Helper()
	const moment = 2 * time.Second
	err := harness.Throughout(t.Context(), moment, func(context.Context) error {
		if pids := daemons(t, home); len(pids) > 0 {
			return fmt.Errorf("there are the processes %v", pids)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// startsNoDaemon: the daemon ends between the look at it and the run of pm2, which then must not start another.
func (p *realPM2) startsNoDaemon(t *testing.T) {
	home := t.TempDir()
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(home, "rpc.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Cleanup(func() { killDaemon(t, home) })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		l.Close()
		answer := `j:{"args":[[{"pid":7,"pm_id":0,"pm2_env":{"name":"web","status":"online","pm_uptime":1700000000000}}]]}`
		b := append([]byte{0x12}, binary.BigEndian.AppendUint32(nil, uint32(len(answer)))...)
		_, _ = conn.Write(append(b, answer+"\x00\x00\x00\x03s:1"...))
		_, _ = io.Copy(io.Discard, conn)
	}()
	b := pm2.New(pm2.Config{App: "web", Home: home, Program: p.program})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = b.Restart(ctx, restart.Attempt{ID: "6"})
	if err == nil || errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("the error is %v, want that the daemon has ended", err)
	}
	p.noDaemon(t, home)
	for _, file := range []string{"rpc.sock", "pm2.pid", "pm2.log"} {
		if _, err := os.Stat(filepath.Join(home, file)); err == nil {
			t.Errorf("there is a %s", file)
		}
	}
}

// refusesDead: a daemon that has ended is not replaced.
func (p *realPM2) refusesDead(t *testing.T) {
	killDaemon(t, p.home)
	if err := p.backend("web", false).Restart(t.Context(), restart.Attempt{ID: "7"}); !errors.Is(err, restart.ErrRefused) {
		t.Errorf("the error is %v, want a refusal", err)
	}
	p.noDaemon(t, p.home)
}
