package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A core is a number for taskset. The measured process has one core to itself; everything else shares the next.
const (
	measuredCore = "0"
	otherCore    = "1"
)

// pinned returns argv so that it runs on one core, if that is possible and useful.
func pinned(core string, argv ...string) []string {
	if taskset, err := exec.LookPath("taskset"); err == nil && runtime.NumCPU() > 1 {
		return append([]string{taskset, "-c", core}, argv...)
	}
	return argv
}

// A process is a program that runs until it is stopped.
type process struct {
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   io.ReadCloser // its standard output
	done  chan struct{} // closed when it has ended
}

// start runs a program until it is stopped. Its standard error is appended to NAME.log in dir.
func start(ctx context.Context, dir, name string, argv ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the program has its own descriptor
	p := &process{name: name, cmd: exec.CommandContext(context.WithoutCancel(ctx), argv[0], argv[1:]...), done: make(chan struct{})}
	p.cmd.Stderr = log
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.out, p.cmd.Stdout = read, write
	if err := errors.Join(p.cmd.Start(), write.Close()); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // if it was not stopped, the next request to it fails
		close(p.done)
	}()
	return p, nil
}

// stop ends the process and waits until it has ended.
func (p *process) stop() {
	const patience = 10 * time.Second
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails if it has ended
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	p.out.Close()
}

func (p *process) proc(name string) string {
	return fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name)
}

// cpu returns the CPU time of the process, user and system together, in all its threads. Threads that have ended are missing, but
// Go programs rarely end one. Unlike /proc/PID/stat it is exact to the nanosecond.
func (p *process) cpu() (time.Duration, error) {
	tasks, err := os.ReadDir(p.proc("task"))
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, task := range tasks {
		text, err := os.ReadFile(p.proc("task/" + task.Name() + "/schedstat"))
		if err != nil {
			continue // the thread has ended
		}
		on, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(on, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// memory returns the resident memory in bytes, now and at its peak.
func (p *process) memory() (rss, peak float64, err error) {
	text, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kb, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "VmRSS:":
			rss = kb * 1024
		case "VmHWM:":
			peak = kb * 1024
		}
	}
	return rss, peak, nil
}

// files returns the number of open file descriptors.
func (p *process) files() (int, error) {
	all, err := os.ReadDir(p.proc("fd"))
	return len(all), err
}
