package app

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// What nobody probes is stale two intervals after the start, and not from the start on.
func TestStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(&recorder{})
		o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\ntargets: [{name: a, url: 'http://127.0.0.1:1/', interval: 1s, timeout: 500ms}, {name: b, url: 'http://127.0.0.1:1/', interval: 5m}]")
		a := build(t, o)
		for _, step := range []struct {
			after time.Duration
			want  []string
		}{{0, nil}, {time.Minute, nil}, {time.Second, []string{"a"}}, {9 * time.Minute, []string{"a", "b"}}} {
			time.Sleep(step.after)
			var got []string
			for _, e := range a.stale() {
				got = append(got, e.Name)
			}
			if !slices.Equal(got, step.want) {
				t.Errorf("after another %s %q are stale, want %q", step.after, got, step.want)
			}
		}
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
}
