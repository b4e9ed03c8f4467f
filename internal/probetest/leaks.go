package probetest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// NoLeaks counts goroutines and open files. The function that it returns fails the test unless there are as few of both
// again within 40 seconds:
//
//	defer probetest.NoLeaks(t)()
//
// Servers must be started before it, and no other test may run in parallel. If /proc/self/fd does not exist, files are
// not counted.
func NoLeaks(t testing.TB) func() {
	t.Helper()
	return noLeaks(t, 40*time.Second) // a QUIC server waits 30 for a client whose farewell was lost
}

func noLeaks(t testing.TB, patience time.Duration) func() {
	t.Helper()
	settle()
	goroutines, files := runtime.NumGoroutine(), len(openFiles())
	return func() {
		t.Helper()
		deadline := time.Now().Add(patience)
		for {
			left := openFiles()
			more := runtime.NumGoroutine() - goroutines
			if more <= 0 && len(left) <= files {
				return
			}
			if time.Now().After(deadline) {
				t.Errorf("leaked %d goroutines and %d files, want 0; files now:\n%s\ngoroutines now:\n%s",
					max(more, 0), max(len(left)-files, 0), strings.Join(left, "\n"), stacks())
				return
			}
			runtime.Gosched()
			<-time.After(time.Millisecond)
		}
	}
}

// settle waits a little for goroutines that are about to end. If they were counted at the start, they would hide leaked
// ones at the end.
func settle() {
	for still, n := 0, runtime.NumGoroutine(); still < 5; still++ {
		<-time.After(time.Millisecond)
		if now := runtime.NumGoroutine(); now < n {
			still, n = 0, now
		}
	}
}

// openFiles returns what the open file descriptors refer to. It leaves out those of the runtime's poller, which opens
// them when it first needs them and never closes them.
func openFiles() []string {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	var open []string
	for _, fd := range fds {
		name, err := os.Readlink("/proc/self/fd/" + fd.Name())
		if err != nil || strings.HasPrefix(name, "anon_inode:") {
			continue // The directory itself is closed by now.
		}
		open = append(open, fmt.Sprintf("%s: %s", fd.Name(), name))
	}
	return open
}

// stacks returns the stacks of all goroutines, up to 1 MiB.
func stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}

// HeapInUse returns how many bytes the reachable objects on the heap take, after two collections. It is exact to some
// KiB, because what earlier tests left behind may be freed later.
func HeapInUse(t testing.TB) uint64 {
	t.Helper()
	runtime.GC()
	runtime.GC() // What the first one found to have a finalizer, and what sync.Pools hold, is freed by the second.
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
