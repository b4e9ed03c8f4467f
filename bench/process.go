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

// A core is a number for taskset. What is measured has one of its own; everything else shares the next.
const (
	measuredCore = "0"
	otherCore    = "1"
)

// pinned runs argv on one core, where that is possible and makes sense.
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

// start runs a program until it is stopped; what it complains of is appended to NAME.log in dir.
func start(ctx context.Context, dir, name string, argv ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the program has it
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
		_ = p.cmd.Wait() // it was stopped, or whoever asks it something will notice
		close(p.done)
	}()
	return p, nil
}

// stop ends the process and waits for that.
func (p *process) stop() {
	const patience = 10 * time.Second
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error: it has ended
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

// cpu is the time that the process has been on a core, user and system together, in all threads that it has. Go programs
// hardly ever end one. Other than /proc/PID/stat it is exact to the nanosecond.
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

// memory is the resident memory in bytes, now and at most so far.
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

// files is how many file descriptors are open.
func (p *process) files() (int, error) {
	all, err := os.ReadDir(p.proc("fd"))
	return len(all), err
}
