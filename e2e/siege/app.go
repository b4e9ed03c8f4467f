package main

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"sync"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// An app is the service that fails and is restarted: a process of e2e/demoapp.
type app struct {
	url, address string
	program      string

	mu       sync.Mutex // protects the following
	cmd      *exec.Cmd
	restarts int
}

func startApp(ctx context.Context, program string) (*app, error) {
	address, err := harness.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	a := &app{url: "http://" + address, address: address, program: program}
	if err := a.start(); err != nil { //nolint:contextcheck // it runs until it is killed
		return nil, err
	}
	return a, nil
}

func (a *app) start() error {
	a.cmd = exec.CommandContext(context.Background(), a.program, "-listen="+a.address)
	return a.cmd.Start()
}

// hang makes the app stop answering until it is restarted.
func (a *app) hang(ctx context.Context) error {
	status, _, err := newClient("127.0.0.1", startTime).do(ctx, http.MethodPost, a.url+"/break/hang", nil, http.NoBody)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the app answered %d", status)
	}
	return err
}

// restart restarts the app as a service manager does.
func (a *app) restart() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.restarts++
	a.end()
	return a.start()
}

func (a *app) kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.end()
}

func (a *app) end() {
	_ = a.cmd.Process.Kill() // fails if it has ended
	_ = a.cmd.Wait()
}

// count returns how often the app was restarted.
func (a *app) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.restarts
}
