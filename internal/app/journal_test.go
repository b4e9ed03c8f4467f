package app

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// keeping is an exporter that keeps what it knows of oneService in dir.
func keeping(t *testing.T, dir string) (*App, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "healthcheck.yml")
	if err := os.WriteFile(file, []byte("modules: {http_2xx: {prober: http}}\nrestart:"+oneService), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(&recorder{}, "127.0.0.1:0")
	o.ConfigFile, o.StoragePath = file, dir
	return New(o)
}

func startKeeping(t *testing.T, dir string) *App {
	t.Helper()
	a, err := keeping(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// awaitStatus delivers until the answer is want.
func awaitStatus(t *testing.T, a *App, want int) {
	t.Helper()
	got := 0
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got = post(t, a, "s3cret"); got == want {
			return
		}
	}
	t.Fatalf("the answer is %d, want %d", got, want)
}

// One directory belongs to one exporter, until it has stopped.
func TestJournalOfAnother(t *testing.T) {
	dir := t.TempDir()
	first := startKeeping(t, dir)
	if _, err := keeping(t, dir); err == nil || !strings.Contains(err.Error(), "--storage.path") || !strings.Contains(err.Error(), dir) {
		t.Errorf("the second exporter gets %v, want the flag and the directory", err)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	awaitStatus(t, startKeeping(t, dir), http.StatusOK)
}

// When nothing can be kept, nothing is restarted and alerts are asked to come again. Probing goes on, and all is well by
// itself as soon as the cause is gone.
func TestJournalUnusable(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"corrupt": func(t *testing.T, dir string) {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "restart.db"), []byte(strings.Repeat("garbage", 10_000)), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"not a directory": func(t *testing.T, dir string) {
			if err := os.WriteFile(dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "restarts")
			spoil(t, dir)
			a := startKeeping(t, dir)
			until(t, "an error of the journal", func() bool { // before it a 503 could mean that the services are not known yet
				return gathered(t, a, "healthcheck_restart_journal_errors_total") > 0
			})
			awaitStatus(t, a, http.StatusServiceUnavailable)
			if _, body := get(t, a.Addr(), "/probe?target=127.0.0.1:1"); !strings.Contains(body, "probe_success 0") {
				t.Errorf("a probe is answered\n%s", body)
			}
			if err := os.Rename(dir, dir+".old"); err != nil {
				t.Fatal(err)
			}
			awaitStatus(t, a, http.StatusOK)
		})
	}
}

func gathered(t *testing.T, a *App, name string) float64 {
	t.Helper()
	families, err := a.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}
