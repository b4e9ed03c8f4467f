package harness

import (
	"context"
	_ "embed" // for the script
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed systemd.sh
var systemdScript string

// A Systemd is a user manager of systemd with a private bus.
type Systemd struct {
	// Bus is the address of its D-Bus.
	Bus string

	dir     string
	group   string
	process *process
}

// StartSystemd starts a manager whose files are in dir, which must be a short path. Call Stop unless there is an error. It needs
// root to make the namespaces in which the manager runs.
func StartSystemd(ctx context.Context, dir string) (*Systemd, error) {
	s := &Systemd{dir: dir, group: filepath.Base(dir), Bus: "unix:path=" + filepath.Join(dir, "run", "bus")}
	for _, d := range []string{"run", "config", "data/systemd/user"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, err
		}
	}
	var err error
	s.process, err = start(ctx, dir, "systemd", "unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child",
		"--mount-proc", "sh", "-c", systemdScript, "sh", dir, s.group)
	if err != nil {
		return nil, err
	}
	err = s.process.up(ctx, func(ctx context.Context) error {
		// systemctl is-system-running would look at the system of the machine instead.
		_, err := s.Systemctl(ctx, "is-active", "basic.target")
		return err
	})
	if err != nil {
		return nil, errors.Join(err, s.Stop(ctx))
	}
	return s, nil
}

// Stop ends the manager and all its units, and removes their cgroup.
func (s *Systemd) Stop(ctx context.Context) error {
	s.process.Kill() // kills the first process of the namespace, and so all others
	const remove = `mount -t cgroup2 none "$0" && cd "$0" && find "$1" -depth -type d -exec rmdir {} +`
	return Until(context.WithoutCancel(ctx), startTime, "the cgroup of systemd is empty", func(ctx context.Context) (bool, error) {
		cmd := exec.CommandContext(ctx, "unshare", "--mount", "--propagation=private", "sh", "-c", remove,
			filepath.Join(s.dir, "cgroup"), s.group)
		return cmd.Run() == nil, nil
	})
}

// Systemctl runs systemctl on the units of the manager, as a person does.
func (s *Systemd) Systemctl(ctx context.Context, args ...string) (string, error) {
	// From within the namespace: systemd does not talk to a process that has no PID there.
	first, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.process.cmd.Process.Pid))
	if err != nil {
		return "", err
	}
	argv := []string{"--target=" + strings.TrimSpace(string(first)), "--pid", "--mount", "systemctl", "--user", "--no-pager"}
	cmd := exec.CommandContext(ctx, "nsenter", append(argv, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "XDG_RUNTIME_DIR=" + filepath.Join(s.dir, "run"), "DBUS_SESSION_BUS_ADDRESS=" + s.Bus}
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("running %q: %w: %s", cmd.Args, err, out)
	}
	return string(out), err
}

// Unit writes the file of a unit to a directory from which it can be masked. It is loaded by systemctl daemon-reload.
func (s *Systemd) Unit(name, text string) error {
	return write(filepath.Join(s.dir, "data", "systemd", "user", name), text)
}
