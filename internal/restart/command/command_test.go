//go:build unix

package command_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/command"
)

func run(t *testing.T, timeout time.Duration, c command.Program) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return command.New(c).Restart(ctx, restart.Attempt{ID: "attempt-1"})
}

func shell(script string, args ...string) []string {
	return append([]string{"/bin/sh", "-c", script, "sh"}, args...)
}

// The program gets its environment, its arguments unchanged, and the working directory, and nothing else from us.
func TestRun(t *testing.T) {
	t.Setenv("SECRET", "canary")
	dir := t.TempDir()
	err := run(t, time.Minute, command.Program{
		Argv: shell(`{ env; pwd; printf '%s\n' "$1"; } >out`, `a b; $(touch pwned) "*"`),
		Env:  []string{"PM2_HOME=/home/x"}, Dir: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	out := string(b)
	for _, want := range []string{"PM2_HOME=/home/x\n", "HEALTHCHECK_ATTEMPT_ID=attempt-1\n", dir + "\n", `a b; $(touch pwned) "*"` + "\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("the program did not see %q, but:\n%s", want, out)
		}
	}
	if strings.Contains(out, "canary") {
		t.Errorf("the exporter's environment reached the program:\n%s", out)
	}
	if _, err := os.Stat(filepath.Join(dir, "pwned")); err == nil {
		t.Error("an argument was run by a shell")
	}
}

// A program without an environment gets an empty one.
func TestNoEnvironment(t *testing.T) {
	t.Setenv("SECRET", "canary")
	p := command.Program{Argv: []string{"/usr/bin/env"}}
	out, err := p.Run(t.Context())
	if err != nil || strings.Contains(out, "canary") {
		t.Errorf("the exporter's environment reached the program: %q, %v", out, err)
	}
}

func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		name string
		argv []string
		want []string
	}{
		{"exit status", shell("echo no such app >&2; exit 3"), []string{`running "/bin/sh"`, "exit status 3", "no such app"}},
		{"no program", []string{"/nowhere/restart"}, []string{"no such file"}},
		{"endless output", shell("head -c 10000000 /dev/zero | tr '\\0' x; echo at last; exit 1"), []string{"exit status 1", "xxx", `at last"`}},
		{"secret", shell("echo token=$TOKEN; exit 1"), []string{"exit status 1", `"token=<secret>"`}},
		{"signal", shell("kill -9 $$"), []string{"signal: killed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := run(t, time.Minute, command.Program{Argv: tt.argv, Env: []string{"TOKEN=canary"}, Secrets: []string{"canary"}})
			if err == nil || errors.Is(err, restart.ErrRefused) {
				t.Fatalf("error is %v, want one that is not a refusal", err)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("error is %q, want no secret", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %.200q, want one with %q", err, want)
				}
			}
			if len(err.Error()) > 4<<10 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

// A command that exits with 75 has refused, unless it was told to stop: then it may have done half of its work.
func TestRefused(t *testing.T) {
	err := run(t, time.Minute, command.Program{Argv: shell("echo a deploy is under way >&2; exit 75")})
	if !errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), "a deploy is under way") {
		t.Errorf("error is %v, want a refusal with its reason", err)
	}
	err = run(t, 300*time.Millisecond, command.Program{Argv: shell("trap 'exit 75' TERM; while :; do sleep 0.05; done")})
	if err == nil || errors.Is(err, restart.ErrRefused) || !strings.Contains(err.Error(), "did not end in time") {
		t.Errorf("error is %v, want one at the deadline that is not a refusal", err)
	}
}

// At the deadline the whole process group ends, including what the program started.
func TestDeadline(t *testing.T) {
	for name, script := range map[string]string{
		"told to stop": "sleep 60 & echo $! >child; wait",
		"deaf to it":   "(trap '' TERM; exec sleep 60) & echo $! >child; wait",
	} {
		t.Run(name, func(t *testing.T) { endsAtDeadline(t, script) })
	}
}

// endsAtDeadline runs a script that writes the process ID of its child to a file.
func endsAtDeadline(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- command.New(command.Program{Argv: shell(script), Dir: dir}).Restart(ctx, restart.Attempt{ID: "attempt-1"})
	}()
	var b []byte
	for range 1000 { // however long the shell takes to get there
		if b, _ = os.ReadFile(filepath.Join(dir, "child")); bytes.HasSuffix(b, []byte("\n")) {
			break
		}
		<-time.After(20 * time.Millisecond)
	}
	cancel()
	start := time.Now()
	if err := <-ended; err == nil || time.Since(start) > 20*time.Second {
		t.Fatalf("ended after %s with %v, want an error when its time is over", time.Since(start), err)
	}
	if len(b) == 0 {
		t.Fatal("the script has not begun")
	}
	pid := 0
	for _, c := range strings.TrimSpace(string(b)) {
		pid = pid*10 + int(c-'0')
	}
	for range 500 {
		if syscall.Kill(pid, 0) != nil {
			return
		}
		if stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(b)) + "/stat"); err == nil && strings.Contains(string(stat), ") Z ") {
			return // dead, and nobody has asked how it died
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Errorf("the child %d of the program is still alive", pid)
}

// A process that the command leaves running lives on with the output that it inherited, and the command succeeds.
func TestLeavesRunning(t *testing.T) {
	dir := t.TempDir()
	start := time.Now()
	err := run(t, time.Minute, command.Program{
		Argv: shell("{ for i in 1 2 3 4 5 6 7 8; do echo alive || exit 1; sleep 0.25; done; echo done >end; } & exit 0"), Dir: dir,
	})
	if took := time.Since(start); err != nil || took > 5*time.Second {
		t.Fatalf("ended after %s with %v, want success at once", took, err)
	}
	for range 300 { // the time of the command is over when it has ended
		if _, err := os.Stat(filepath.Join(dir, "end")); err == nil {
			return
		}
		<-time.After(100 * time.Millisecond)
	}
	t.Error("what the command left running did not live to its end")
}
