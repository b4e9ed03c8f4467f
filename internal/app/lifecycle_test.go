package app

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/journal"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/store"
)

// unlocked fails the test if somebody has the journal in dir.
func unlocked(t *testing.T, dir string) {
	t.Helper()
	s, err := store.Open(filepath.Join(dir, journal.FileName))
	if err != nil {
		t.Fatalf("the journal is not free: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// However an exporter ends, it leaves nothing behind: no goroutine, no socket, no lock.
func TestEnds(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, a *App) error{
		"without Start": func(_ *testing.T, a *App) error { return a.Stop() },
		"after Start":   func(_ *testing.T, a *App) error { return errors.Join(a.Start(), a.Stop()) },
		"Run": func(t *testing.T, a *App) error {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return a.Run(ctx, nil)
		},
		"Run without its address": func(t *testing.T, a *App) error {
			taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			defer taken.Close()
			(*a.opts.Web.WebListenAddresses)[0] = taken.Addr().String()
			if err := a.Run(t.Context(), nil); !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("Run: %v, want that the address is in use", err)
			}
			return nil
		},
		"Start after a Start that failed": func(t *testing.T, a *App) error {
			address := &(*a.opts.Web.WebListenAddresses)[0]
			good := *address
			*address = "nonsense"
			if err := a.Start(); err == nil {
				t.Error("it listened on something that is not an address")
			}
			*address = good
			return errors.Join(a.Start(), a.Stop())
		},
		"everything at once": func(t *testing.T, a *App) error {
			a.loadEvery = 0
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					if err := a.Start(); err != nil && !errors.Is(err, ErrStarted) && !errors.Is(err, ErrStopped) {
						t.Errorf("Start: %v", err)
					}
				})
				all.Go(func() {
					if err := a.Reload(); err != nil && !errors.Is(err, ErrStopped) {
						t.Errorf("Reload: %v", err)
					}
				})
				all.Go(func() { _ = a.Stop() })
			}
			all.Wait()
			return a.Stop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				leaks := probetest.NoLeaks(t)
				dir := t.TempDir()
				a, err := keeping(t, dir)
				if err != nil {
					t.Fatal(err)
				}
				within(t, "the end", func() {
					if err := end(t, a); err != nil {
						t.Errorf("the end: %v", err)
					}
				})
				unlocked(t, dir)
				if err := a.Start(); !errors.Is(err, ErrStopped) {
					t.Errorf("Start after the end: %v, want ErrStopped", err)
				}
				if err := a.Reload(); !errors.Is(err, ErrStopped) {
					t.Errorf("Reload after the end: %v, want ErrStopped", err)
				}
				if err := a.Stop(); err != nil {
					t.Errorf("Stop after the end: %v", err)
				}
				unlocked(t, dir)
				leaks()
			}
		})
	}
}

func TestStartTwice(t *testing.T) {
	a := started(t, options(&recorder{}))
	if err := a.Start(); !errors.Is(err, ErrStarted) {
		t.Errorf("the second Start: %v, want ErrStarted", err)
	}
	if status, _ := get(t, a.Addr(), "/-/ready"); status != 200 {
		t.Errorf("/-/ready is %d after it, want 200", status)
	}
}

// What is done is undone in the opposite order, also after an error.
func TestUnwind(t *testing.T) {
	l := newLifecycle()
	var got string
	failing := errors.New("it did not work")
	for _, name := range []string{"a", "b", "c"} {
		l.onStop(name, func(context.Context) error { got += name; return failing })
	}
	const want = "stopping c: it did not work\nstopping b: it did not work\nstopping a: it did not work"
	if err := l.unwind(t.Context()); !errors.Is(err, failing) || err.Error() != want {
		t.Errorf("unwind: %v, want all errors with their names", err)
	}
	if err := l.unwind(t.Context()); err != nil || got != "cba" {
		t.Errorf("undone was %q, %v, want each once, the last one first", got, err)
	}
}

// However many ask for a load, there is one a second, nobody waits for long, and everybody gets the outcome of one that began
// after he asked.
func TestReloadsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const good = "modules: {a: {prober: http}}"
		log := &recorder{}
		o := options(log)
		o.ConfigFile = configFile(t, good)
		a := build(t, o)
		began := time.Now()
		var all sync.WaitGroup
		ask := func() error {
			asked := time.Now()
			err := a.Reload()
			if took := time.Since(asked); took > loadEvery {
				t.Errorf("a request waited %s, want %s at the most", took, loadEvery)
			}
			return err
		}
		for i := range 1000 { // strangers
			all.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				_ = ask()
				a.reloadChanged()
			})
		}
		for i := range 8 { // and somebody who changes the file
			broken := i%2 == 0
			writeFile(t, o.ConfigFile, map[bool]string{true: "modules: 1", false: good}[broken])
			if err := ask(); (err != nil) != broken {
				t.Errorf("the load of the file of step %d: %v, want an error: %t", i, err, broken)
			}
			time.Sleep(time.Duration(i) * 77 * time.Millisecond)
		}
		all.Wait()
		loads := log.count("Loaded the configuration") + log.count("Loading the configuration failed, the old one goes on serving")
		if most := int(time.Since(began)/loadEvery) + 1; loads > most || loads < 8 {
			t.Errorf("%d loads in %s, want 8 to %d", loads, time.Since(began), most)
		}
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// A request that waits for its turn does not hold up the end.
func TestStopWhileReloadWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := build(t, options(&recorder{}))
		asked := time.Now()
		got := make(chan error)
		go func() { got <- a.Reload() }()
		synctest.Wait()
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
		if err := <-got; !errors.Is(err, ErrStopped) || time.Since(asked) != 0 {
			t.Errorf("the request was answered after %s: %v, want ErrStopped at once", time.Since(asked), err)
		}
	})
}
