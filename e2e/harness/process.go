package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// killDelay is how long a process may take to end after SIGTERM, on a busy machine. What is killed may leave others behind.
const killDelay = 20 * time.Second

// A process is a program that runs until it is stopped. All its output goes to a file.
type process struct {
	name string
	log  string // the file
	cmd  *exec.Cmd
	stop context.CancelFunc
	done chan struct{} // closed when it has ended
}

// start runs a program whose output is appended to NAME.log in dir. It runs until ctx ends or it is stopped.
func start(ctx context.Context, dir, name string, argv ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	ctx, p.stop = context.WithCancel(ctx)
	p.cmd = exec.CommandContext(ctx, argv[0], argv[1:]...)
	p.cmd.Dir = dir
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = killDelay
	if err := errors.Join(p.cmd.Start(), out.Close()); err != nil {
		p.stop()
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // ProcessState has the same
		close(p.done)
	}()
	return p, nil
}

// Stop asks the process to end, kills it after a while, and waits until it has ended.
func (p *process) Stop() {
	p.stop()
	<-p.done
}

// Kill kills the process and waits until it has ended.
func (p *process) Kill() {
	_ = p.cmd.Process.Kill() // fails if it has ended
	<-p.done
	p.stop()
}

// running returns nil, or an error that says how the process has ended.
func (p *process) running() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s has ended: %s", p.name, p.cmd.ProcessState)
	default:
		return nil
	}
}

// ready waits until the process says that it is ready.
func (p *process) ready(ctx context.Context, address string) error {
	return p.up(ctx, func(ctx context.Context) error {
		_, err := get(ctx, "http://"+address+"/-/ready")
		return err
	})
}

// up waits until a request to the process succeeds. It fails if the process ends.
func (p *process) up(ctx context.Context, ask func(context.Context) error) error {
	err := Until(ctx, startTime, p.name+" is ready", func(ctx context.Context) (bool, error) {
		if err := ask(ctx); err != nil {
			return false, p.running()
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, tail(p.log))
	}
	return nil
}

// tail returns the end of a log.
func tail(file string) string {
	const lines = 100
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	all := bytes.SplitAfter(text, []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], nil))
}

// The ports that FreeAddress gives out are below those that the kernel gives to connections.
const (
	firstPort = 15000
	ports     = 17000
)

// tried counts the ports that were tried, and firstTry is where it begins: there may be others who do the same.
var (
	tried    atomic.Int64
	firstTry = time.Now().UnixMicro()
)

// FreeAddress returns an unused address of 127.0.0.1, and none twice: it stays free while the program that listens there is restarted.
func FreeAddress(ctx context.Context) (string, error) {
	for range ports {
		address := net.JoinHostPort("127.0.0.1", strconv.FormatInt(firstPort+(firstTry+tried.Add(1))%ports, 10))
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			continue
		}
		return address, listener.Close()
	}
	return "", fmt.Errorf("no port between %d and %d is free", firstPort, firstPort+ports)
}
