package managed

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// Targets that have not changed are the same pointers, also for a reader of a configuration that was loaded again and means the same.
// One whose module is gone is a problem, and comes back with it.
func TestSupplied(t *testing.T) {
	c := editable()
	c.Modules = maps.Clone(c.Modules)
	c.Modules["extra"] = c.Modules["http_2xx"]
	w := newWorld(t, t.TempDir(), c)
	if err := w.Open(); err != nil {
		t.Fatal(err)
	}
	w.put(t, "b", `{"url":"http://b","module":"extra"}`)
	w.put(t, "a", shop)
	w.put(t, "c", shop)
	reader := config.TargetReader{File: "x", Modules: c.Modules}
	supplied := func(r config.TargetReader, want string) []*config.Target {
		t.Helper()
		targets, problems, err := w.Supplied(r)
		var names []string
		for _, target := range targets {
			names = append(names, target.Name)
		}
		for _, p := range problems {
			names = append(names, "!"+p.Error())
		}
		if got := strings.Join(names, " "); err != nil || !strings.HasPrefix(got, want) || strings.Count(got, "!") != strings.Count(want, "!") {
			t.Fatalf("got %s, %v, want %s", got, err, want)
		}
		return targets
	}
	first := supplied(reader, "a b c")
	again := reader
	again.Modules = maps.Clone(c.Modules)
	for _, r := range []config.TargetReader{reader, again, {File: "x", Modules: c.Modules, Offset: time.Millisecond}, reader} {
		if !slices.Equal(first, supplied(r, "a b c")) {
			t.Error("they are other pointers")
		}
	}
	w.put(t, "c", `{"url":"http://c"}`)
	second := supplied(reader, "a b c")
	if first[0] != second[0] || first[1] != second[1] || first[2] == second[2] {
		t.Error("other pointers than those of what was changed")
	}
	fewer := reader
	fewer.Modules = byDefault().Modules
	supplied(fewer, `a c !managed: target "b": module: got unknown module "extra"`)
	fewer.Foreign = map[string]string{"extra": "icmp"}
	supplied(fewer, `a c !managed: target "b": module: got module "extra", which was left out`)
	if _, ok := w.Target("b"); !ok {
		t.Error("its record is lost")
	}
	supplied(reader, "a b c")
}
