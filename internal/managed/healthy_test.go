package managed

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

func TestRecovery(t *testing.T) {
	type seen struct {
		at      int // seconds
		healthy bool
	}
	up, down := func(at int) seen { return seen{at, true} }, func(at int) seen { return seen{at, false} }
	for _, tt := range []struct {
		name string
		all  []seen
		end  int // -1: it does not end
	}{
		{"healthy all the time", []seen{up(0), up(60), up(600)}, -1},
		{"failing all the time", []seen{down(0), down(60), down(600)}, -1},
		{"failed and healthy for a minute", []seen{up(0), down(15), up(30), up(60), up(89), up(90), up(105)}, 90},
		{"failed again within the minute", []seen{down(0), up(15), up(60), down(74), up(90), up(149), up(150)}, 150},
		{"one success alone", []seen{down(0), up(15)}, -1},
		{"seldom probed", []seen{down(0), up(300), up(600)}, 600},
		{"a late failure before the success", []seen{down(0), up(30), down(20), up(90)}, 90},
		{"a late failure after the success", []seen{down(0), up(30), up(60), down(45), up(90), up(120)}, 120},
		{"a late failure, the first", []seen{up(30), down(20), up(60), up(120)}, 120},
		{"a late success", []seen{down(60), up(30), up(119), up(178), up(179)}, 179},
		{"the clock goes back", []seen{down(3600), up(3660), up(0), up(59), up(60)}, 60},
		{"the clock goes back while it fails", []seen{down(3600), down(0), up(10), up(70)}, 70},
		{"the same moment twice", []seen{down(0), up(0), up(60)}, 60},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r recovery
			end := -1
			for _, s := range tt.all {
				if r.see(s.healthy, time.Unix(int64(s.at), 0)) && end < 0 {
					end = s.at
				}
			}
			if end != tt.end {
				t.Errorf("it ends at %d, want %d", end, tt.end)
			}
		})
	}
}

func TestUntilHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		w := openWorld(t, dir)
		start := time.Now()
		w.set(t, Maintenance, &calendar.Period{End: start.Add(time.Hour), UntilHealthy: true}, "shop", "other", "timid")
		w.set(t, Maintenance, hour(), "plain")
		see := func(name string, healthy bool) {
			w.Observe(name, healthy, time.Now())
			synctest.Wait()
		}
		for _, name := range []string{"shop", "plain", "unknown", "other"} {
			see(name, false)
		}
		see("timid", true)
		if !w.state().overlays["shop"].SeenFailing || w.state().overlays["timid"].SeenFailing || w.state().overlays["plain"].SeenFailing {
			t.Error("that it was seen failing is not kept, or of others")
		}
		// A restart does not forget it.
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w = openWorld(t, dir)
		for range 9 {
			time.Sleep(15 * time.Second)
			for _, name := range []string{"shop", "plain", "timid"} {
				see(name, true)
			}
			see("other", false)
		}
		want := start.Add(75 * time.Second)
		if w.Maintenance("shop", want.Add(-1)) == nil || w.Maintenance("shop", want) != nil {
			t.Errorf("it ends at %v, want %v", w.state().overlays["shop"].Maintenance.End, want)
		}
		for _, name := range []string{"other", "timid", "plain"} {
			if w.Maintenance(name, time.Now()) == nil {
				t.Errorf("that of %s has ended", name)
			}
		}
		last := w.Edits("shop", 1)
		if len(last) != 1 || last[0].Who != "until_healthy" || last[0].Action != Deleted || last[0].Kind != KindMaintenance {
			t.Errorf("audited: %+v", last)
		}
		if n := len(w.vigils.known); n > 3 {
			t.Errorf("%d vigils", n)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A probe does not wait for the disk, and what could not be kept is kept later.
func TestObserveDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, "")
		w.set(t, Maintenance, &calendar.Period{End: time.Now().Add(time.Hour), UntilHealthy: true}, "shop")
		w.queue.turn <- struct{}{} // as if somebody waited for the disk
		w.Observe("shop", false, time.Now())
		for range 10 {
			time.Sleep(10 * time.Second)
			w.Observe("shop", true, time.Now())
		}
		<-w.queue.turn
		w.Observe("shop", true, time.Now())
		synctest.Wait()
		if p := w.state().overlays["shop"].Maintenance; p.End.Sub(p.Start) != 70*time.Second {
			t.Errorf("it ended %v after its start, want 70s", p.End.Sub(p.Start))
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}
