package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// startTime is how long the exporter may take until it is ready.
const startTime = 20 * time.Second

// An exporter is the program under siege.
type exporter struct {
	base, address string
	limits        string // for people
	cmd           *exec.Cmd
	cgroup        cgroup
	done          chan struct{} // closed when it has ended
	logFile       string
}

// startExporter starts the exporter with its limits. A shell sets the hard limit of descriptors, as Go raises the soft one, and
// joins the cgroup before it becomes the exporter.
func startExporter(ctx context.Context, s *siege) (*exporter, error) {
	address, err := harness.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	e := &exporter{base: "http://" + address, address: address, done: make(chan struct{}), logFile: s.log}
	if e.logFile == "" {
		e.logFile = s.path("exporter.log")
	}
	log, err := os.Create(e.logFile)
	if err != nil {
		return nil, err
	}
	e.cgroup, e.limits = makeCgroup(s.memory)
	e.limits += fmt.Sprintf(", %d descriptors", s.files)
	const script = `ulimit -n "$1" && if [ -n "$2" ]; then echo $$ >"$2" || exit; fi; shift 2; exec "$@"`
	argv := []string{
		"-c", script, "sh", strconv.Itoa(s.files), e.cgroup.procs(), s.path("healthcheck_exporter"),
		"--config.file=" + s.path("healthcheck.yml"), "--config.enable-auto-reload", "--storage.path=" + s.path("data"), "--web.listen-address=" + address,
	}
	e.cmd = exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", argv...)
	e.cmd.Stdout, e.cmd.Stderr = log, log
	if err := errors.Join(e.cmd.Start(), log.Close()); err != nil {
		return nil, err
	}
	go func() {
		_ = e.cmd.Wait() // ProcessState has the same
		close(e.done)
	}()
	if err := e.ready(ctx); err != nil {
		text, _ := os.ReadFile(e.logFile) // on an error there is nothing to show
		e.stop()
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	return e, nil
}

func (e *exporter) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	who := newClient("127.0.0.1", startTime)
	for {
		if status, err := who.get(ctx, e.base+"/-/ready", nil); err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-e.done:
			return fmt.Errorf("the exporter has ended: %s", e.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("the exporter is not ready: %w", context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// ended says how the exporter has ended. Empty: it is running.
func (e *exporter) ended() string {
	select {
	case <-e.done:
		text := e.cmd.ProcessState.String()
		if n := e.cgroup.oomKills(); n > 0 {
			text += ", out of memory in its cgroup"
		}
		return text
	default:
		return ""
	}
}

// stop ends the exporter and removes its cgroup.
func (e *exporter) stop() {
	const patience = 30 * time.Second
	_ = e.cmd.Process.Signal(syscall.SIGTERM) // fails if it has ended
	select {
	case <-e.done:
	case <-time.After(patience):
		_ = e.cmd.Process.Kill()
		<-e.done
	}
	e.cgroup.remove()
}

// A usage is what the kernel reports about the process.
type usage struct {
	rss, peak   int // MiB
	descriptors int
}

func (e *exporter) usage() (u usage, err error) {
	proc := fmt.Sprintf("/proc/%d/", e.cmd.Process.Pid)
	text, err := os.ReadFile(proc + "status")
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.Atoi(fields[1]) // lines without a number do not matter
		switch fields[0] {
		case "VmRSS:":
			u.rss = kib >> 10
		case "VmHWM:":
			u.peak = kib >> 10
		}
	}
	all, err := os.ReadDir(proc + "fd")
	u.descriptors = len(all)
	return u, err
}
