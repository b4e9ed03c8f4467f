package status

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// A hubModel is what a Hub has to be: a list of changes, and what is shown.
type hubModel struct {
	revision uint64
	faces    map[string]int
	revised  map[string]uint64
}

func (m *hubModel) show(name string, face int) {
	if was, ok := m.faces[name]; ok && was == face {
		return
	}
	m.revision++
	m.faces[name], m.revised[name] = face, m.revision
}

func (m *hubModel) keep(wanted func(string) bool) {
	for name := range m.faces {
		if !wanted(name) {
			delete(m.faces, name)
			delete(m.revised, name)
		}
	}
}

// since has an entry for each target that Since must return.
func (m *hubModel) since(revision uint64) map[string]uint64 {
	changed := map[string]uint64{}
	for name, at := range m.revised {
		if at > revision {
			changed[name] = at
		}
	}
	return changed
}

// Whatever happens in which order, viewers that look at any time see in the end what is shown.
func TestHubAgainstModel(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var h Hub[int]
		m := hubModel{faces: map[string]int{}, revised: map[string]uint64{}}
		viewers := make([]struct {
			revision uint64
			sees     map[string]int
		}, 4)
		look := func(i int) {
			v := &viewers[i]
			got, before, most := map[string]uint64{}, v.revision, 1+r.IntN(10)
			for upTo := before; upTo < h.Revision(); before = upTo {
				var changed []Revised
				if changed, upTo = h.Since(before, most); len(changed) > most {
					t.Fatalf("seed %d: %d changes, want at most %d", seed, len(changed), most)
				}
				for _, c := range changed {
					if got[c.Name] = c.Revision; c.Revision <= before || c.Revision > upTo {
						t.Fatalf("seed %d: Since(%d) up to %d has %v, want the oldest first", seed, before, upTo, changed)
					}
					before = c.Revision
				}
			}
			if diff := cmp.Diff(m.since(v.revision), got); diff != "" {
				t.Fatalf("seed %d: Since(%d) (-want +got):\n%s", seed, v.revision, diff)
			}
			if v.sees == nil {
				v.sees = map[string]int{}
			}
			for name := range got {
				v.sees[name] = m.faces[name]
			}
			v.revision = h.Revision()
		}
		for range 200 {
			switch r.IntN(10) {
			case 0:
				few := r.IntN(5)
				wanted := func(name string) bool { return name[len(name)-1]%5 != byte(few) }
				h.Keep(wanted)
				m.keep(wanted)
			case 1, 2:
				look(r.IntN(len(viewers)))
			default:
				name, face := fmt.Sprint("target ", r.IntN(20)), r.IntN(3)
				h.Show(name, face)
				m.show(name, face)
			}
			if got := h.Revision(); got != m.revision {
				t.Fatalf("seed %d: revision is %d, want %d", seed, got, m.revision)
			}
		}
		for i := range viewers {
			look(i)
			maps.DeleteFunc(viewers[i].sees, func(name string, _ int) bool { _, ok := m.faces[name]; return !ok }) // told by whoever drops them
			if diff := cmp.Diff(m.faces, viewers[i].sees); diff != "" {
				t.Errorf("seed %d: viewer %d in the end (-want +got):\n%s", seed, i, diff)
			}
		}
	}
}

// What is shown costs the same however many viewers there are, and whether they look or not.
func TestHubKeepsNothingForViewers(t *testing.T) {
	var h Hub[int]
	for i := range 100 {
		h.Show(strconv.Itoa(i), 0)
	}
	face := 0
	if n := testing.AllocsPerRun(1000, func() {
		face++
		h.Show("7", face)
	}); n != 0 {
		t.Errorf("a change has %v allocations, want none", n)
	}
	if got, _ := h.Since(100, 10); len(got) != 1 || got[0].Name != "7" {
		t.Errorf("after many changes of one target Since returns %v, want that one", got)
	}
}

func TestHubWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub[string]
		ctx, cancel := context.WithCancel(t.Context())
		var told, ended sync.WaitGroup
		for range 3 {
			told.Go(func() {
				if err := h.Wait(ctx, 0); err != nil {
					t.Errorf("Wait for a change: %v", err)
				}
			})
			ended.Go(func() {
				if err := h.Wait(ctx, 1); !errors.Is(err, context.Canceled) {
					t.Errorf("Wait for a second change: %v, want that the context is done", err)
				}
			})
		}
		synctest.Wait()
		h.Show("a", "up")
		told.Wait()
		if err := h.Wait(ctx, 0); err != nil {
			t.Errorf("Wait for what has happened: %v", err)
		}
		h.Show("a", "up") // not a change
		h.Keep(func(string) bool { return false })
		synctest.Wait()
		cancel()
		ended.Wait()
	})
}

func TestHubAtOnce(t *testing.T) {
	var h Hub[int]
	ctx, cancel := context.WithCancel(t.Context())
	var all, viewers sync.WaitGroup
	for range 4 {
		viewers.Go(func() {
			seen := uint64(0)
			for h.Wait(ctx, seen) == nil {
				_, seen = h.Since(seen, 3)
			}
		})
		all.Go(func() {
			for i := range 1000 {
				h.Show(strconv.Itoa(i%10), i)
			}
		})
	}
	all.Go(func() {
		for range 100 {
			h.Keep(func(name string) bool { return name != "3" })
		}
	})
	all.Wait()
	cancel()
	viewers.Wait()
}
