package inventory

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// managedTargets are n of them, sorted by name.
func managedTargets(n int) []*config.Target {
	all := make([]*config.Target, n)
	for i := range all {
		all[i] = &config.Target{
			Name: fmt.Sprintf("shop-%05d", i), URL: fmt.Sprintf("https://shop-%05d.example.com/health", i), Module: "http_2xx",
			Environment: "LIVE", Labels: map[string]string{"team": "checkout"},
		}
	}
	return all
}

// BenchmarkMerge is what an inventory costs, from scratch and with one target that has changed.
func BenchmarkMerge(b *testing.B) {
	for _, n := range []int{10_000, 50_000} {
		all := managedTargets(n)
		parts := []Part{{Source: StaticSource, Reviewed: true}, {Source: ManagedSource, Reviewed: true, More: all}}
		b.Run(fmt.Sprintf("targets=%d/all", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Merge(&config.Config{}, parts, prober.MaskURL)
			}
		})
		b.Run(fmt.Sprintf("targets=%d/one", n), func(b *testing.B) {
			cfg := &config.Config{}
			inv := Merge(cfg, parts, prober.MaskURL)
			b.ReportAllocs()
			for b.Loop() {
				edited := *all[n/2]
				parts[1].More = slices.Clone(all)
				parts[1].More[n/2] = &edited
				inv = mergeAfter(inv, cfg, parts, prober.MaskURL)
			}
		})
	}
}

// rendered is everything that an inventory says.
func rendered(inv *Inventory) string {
	var b strings.Builder
	for _, e := range inv.Entries() {
		if inv.ByName(e.Name) != e {
			fmt.Fprintf(&b, "%s is not found by its name\n", e.Name)
		}
		fmt.Fprintf(&b, "%s %s %s %t %q %v %s %s %v %v\n", e.Name, e.URL, e.Source, e.Reviewed, e.Shadows, e.DependsOn, e.Address, e.Instance, e.labels, e.Labels)
		u, err := url.Parse(e.URL)
		if err != nil {
			panic(err) // it was checked
		}
		found, err := inv.ByURL(u, e.Module)
		if err != nil {
			fmt.Fprintln(&b, "by URL:", err)
		} else {
			fmt.Fprintln(&b, "by URL:", found.Name)
		}
	}
	fmt.Fprintln(&b, inv.sources, inv.wrong, inv.problems, inv.shadowed)
	return b.String()
}

// A world is what some sources have, and changes at random.
type world struct {
	*rand.Rand
	parts []Part
}

func (w *world) target() *config.Target {
	t := target(fmt.Sprint("t", w.IntN(12)), fmt.Sprintf("http://host-%d/", w.IntN(4)))
	for range w.IntN(3) {
		t.DependsOn = append(t.DependsOn, fmt.Sprint("t", w.IntN(12)))
	}
	if w.IntN(2) == 0 {
		t.Labels = map[string]string{"team": strconv.Itoa(w.IntN(3))}
	}
	return &t
}

// change edits, adds or removes some targets of a source.
func (w *world) change() {
	p := &w.parts[w.IntN(len(w.parts))]
	p.More = slices.Clone(p.More)
	for range 1 + w.IntN(3) {
		switch at := w.IntN(len(p.More) + 1); {
		case at == len(p.More) || w.IntN(3) == 0:
			p.More = slices.Insert(p.More, at, w.target())
		case w.IntN(2) == 0:
			p.More = slices.Delete(p.More, at, at+1)
		default:
			p.More[at] = w.target()
		}
	}
	p.Problems = w.IntN(3)
}

// A merge that takes over entries says the same as one that makes all of them, whatever has changed. It changes nothing of the
// inventory before, which is in use.
func TestMergeAfter(t *testing.T) {
	for seed := range uint64(200) {
		w := &world{Rand: rand.New(rand.NewPCG(seed, 0)), parts: []Part{ //nolint:gosec // it need not be secret
			{Source: StaticSource, Reviewed: true}, {Source: "file:a", Reviewed: true}, {Source: ManagedSource, Reviewed: true}, {Source: "api:b"}, {Source: "api:c"},
		}}
		cfg := &config.Config{}
		before := Merge(cfg, w.parts, masked)
		for step := range 20 {
			was := rendered(before)
			w.change()
			if w.IntN(8) == 0 {
				cfg = &config.Config{}
			}
			inv := mergeAfter(before, cfg, w.parts, masked)
			if diff := cmp.Diff(rendered(Merge(cfg, w.parts, masked)), rendered(inv)); diff != "" {
				t.Fatalf("seed %d, step %d (-from scratch +after another):\n%s", seed, step, diff)
			}
			if diff := cmp.Diff(was, rendered(before)); diff != "" {
				t.Fatalf("seed %d, step %d: the inventory before has changed (-was +is):\n%s", seed, step, diff)
			}
			before = inv
		}
	}
}

// What has not changed is the same entry as before, so that whoever has something of it can keep that.
func TestMergeAfterKeeps(t *testing.T) {
	cfg := &config.Config{}
	static := []config.Target{target("db", "http://db/"), target("web", "http://web/", "shop", "later")}
	shop, chat := target("shop", "http://shop/", "db"), target("chat", "ws://chat/")
	edited := target("chat", "ws://other/")
	cmdb := target("shop", "http://cmdb/")
	parts := func(cfg []config.Target, managed []*config.Target, api ...*config.Target) []Part {
		return []Part{
			{Source: StaticSource, Reviewed: true, Targets: cfg}, {Source: ManagedSource, Reviewed: true, More: managed}, {Source: "api:cmdb", More: api},
		}
	}
	for _, tt := range []struct {
		name    string
		cfg     *config.Config
		parts   []Part
		changed []string // of those that were there before and still are
	}{
		{"nothing", cfg, parts(static, []*config.Target{&chat, &shop}), nil},
		{"one is edited", cfg, parts(static, []*config.Target{&edited, &shop}), []string{"chat"}},
		{"one is removed", cfg, parts(static, []*config.Target{&shop}), nil},
		{"a dependency is removed", cfg, parts(static, []*config.Target{&chat}), []string{"web"}},
		{"a dependency comes", cfg, parts(static, []*config.Target{&chat, &shop}, new(target("later", "http://later/"))), []string{"web"}},
		{"it shadows another", cfg, parts(static, []*config.Target{&chat, &shop}, &cmdb), []string{"shop"}},
		{"another source", cfg, parts(static, []*config.Target{&chat}, &shop), []string{"shop"}},
		{"another configuration", &config.Config{}, parts(static, []*config.Target{&chat, &shop}), []string{"chat", "db", "shop", "web"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := Merge(cfg, parts(static, []*config.Target{&chat, &shop}), masked)
			inv := mergeAfter(before, tt.cfg, tt.parts, masked)
			var changed []string
			for _, e := range inv.Entries() {
				if was := before.ByName(e.Name); was != nil && was != e {
					changed = append(changed, e.Name)
				}
			}
			if diff := cmp.Diff(tt.changed, changed); diff != "" {
				t.Errorf("entries that are new (-want +got):\n%s", diff)
			}
		})
	}
}

// A managed target goes before one of an API, which comes back when it is gone, and after one of a file. Only the latter is
// a problem: somebody has to take one of the two away.
func TestShadowing(t *testing.T) {
	shop := target("shop", "http://shop/")
	part := func(source string) Part { return Part{Source: source, More: []*config.Target{&shop}} }
	for _, tt := range []struct {
		sources         []string
		source, shadows string
		shadowed        bool
		wrong           int
	}{
		{[]string{ManagedSource}, ManagedSource, "", false, 0},
		{[]string{ManagedSource, "api:a", "api:b"}, ManagedSource, "api:a", false, 0},
		{[]string{"api:a"}, "api:a", "", false, 0},
		{[]string{"api:a", "api:b"}, "api:a", "", false, 1},
		{[]string{"file:a", ManagedSource, "api:a"}, "file:a", "", true, 2},
		{[]string{StaticSource, ManagedSource}, StaticSource, "", true, 1},
		{[]string{"file:a", "api:a"}, "file:a", "", false, 1},
	} {
		t.Run(strings.Join(tt.sources, ","), func(t *testing.T) {
			var parts []Part
			for _, source := range tt.sources {
				parts = append(parts, part(source))
			}
			inv := Merge(&config.Config{}, parts, masked)
			wrong := 0
			for _, n := range inv.wrong {
				wrong += n
			}
			e := inv.ByName("shop")
			if e.Source != tt.source || e.Shadows != tt.shadows || inv.Shadowed("shop") != tt.shadowed || wrong != tt.wrong || inv.Shadowed("other") {
				t.Errorf("it is from %s, shadows %q, shadowed %t, %d problems; want %s, %q, %t, %d",
					e.Source, e.Shadows, inv.Shadowed("shop"), wrong, tt.source, tt.shadows, tt.shadowed, tt.wrong)
			}
		})
	}
}
