package app

import (
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
			want  float64
		}{{0, 0}, {time.Minute, 0}, {time.Second, 1}, {9 * time.Minute, 2}} {
			time.Sleep(step.after)
			if got := a.stale(); got != step.want {
				t.Errorf("after another %s %g targets are stale, want %g", step.after, got, step.want)
			}
		}
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
}
