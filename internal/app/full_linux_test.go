package app

import (
	"net/http"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/fulldisk"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// While the disk is full nothing is restarted and no delivery is acknowledged, and it goes on by itself. So it is when it
// was full from the start. What still fits into the last pages of the files is kept, and counts.
func TestFullDisk(t *testing.T) {
	for _, tc := range []struct {
		name   string
		before bool // full before the start
	}{{"later", false}, {"from the start", true}} {
		t.Run(tc.name, func(t *testing.T) {
			s := newShop(t)
			o := s.options(t, &recorder{}, "")
			if err := os.Mkdir(s.data(), 0o700); err != nil {
				t.Fatal(err)
			}
			disk := fulldisk.Mount(t, s.data(), "128k")
			if tc.before {
				disk.Fill()
			}
			a := started(t, o)
			defer stop(t, a) // before it is unmounted
			until(t, "the service to be armed", func() bool { return state(a).State.Armed })
			if !tc.before {
				disk.Fill()
			}
			s.broken.Store(true)
			// The first one may be kept: the file of the states has free pages. The audit always grows.
			if code := s.alert(t, a); code != http.StatusServiceUnavailable && tc.before {
				t.Errorf("a delivery was answered %d, want 503", code)
			}
			until(t, "the journal to hold", func() bool { return state(a).State.Hold == policy.GuardJournal })
			if code := s.alert(t, a); code != http.StatusServiceUnavailable {
				t.Errorf("a delivery was answered %d, want 503", code)
			}
			if gathered(t, a, "healthcheck_restart_journal_errors_total") < 1 {
				t.Error("no metric tells")
			}
			before := len(s.runs(t))
			if before > 0 && (tc.before || before > 1) {
				t.Fatalf("restarted %d times", before)
			}
			disk.Free()
			if tc.before { // only now the exporter knows that it never saw the service
				s.broken.Store(false)
				until(t, "the service to be armed", func() bool { return s.alert(t, a) == http.StatusOK && state(a).State.Armed })
				s.broken.Store(true)
			}
			until(t, "the restart", func() bool { return s.alert(t, a) == http.StatusOK && len(s.runs(t)) > before })
			stop(t, a)
			var told []string
			for _, r := range replay(t, s.data()) {
				if r.Decision.Restart {
					told = append(told, r.After.Intent.ID)
				}
			}
			if diff := cmp.Diff(s.runs(t), told); diff != "" {
				t.Errorf("restarts (-made +told):\n%s", diff)
			}
		})
	}
}
