package inventory

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// A reload that does not change a source does not affect it: however often the configuration is loaded, a slow API is asked as
// soon and as often as without reloads.
func TestReloadLeavesSourcesAlone(t *testing.T) {
	const text = static + `
target_files: ['/nowhere/*.yml']
target_apis:
  - name: slow
    url: http://127.0.0.1:1/
    interval: 1m
    proxy_url: http://u:p@127.0.0.1:1/
    authorization: {credentials: secret}
    map: {items: body.x, name: item.name, url: item.url}
`
	for _, tt := range []struct {
		name  string
		every time.Duration // between reloads; 0: none
	}{{"without reloads", 0}, {"a reload every 200 ms", 200 * time.Millisecond}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := keeper(t)
				api := &fake{slow: 30 * time.Second, answer: func(int64) (string, error) { return "b", nil }}
				f.apply(t, text)
				f.sources[1].fetcher.close()
				f.sources[1].fetcher = api
				ctx, cancel := context.WithCancel(t.Context())
				var running sync.WaitGroup
				running.Go(func() { f.Run(ctx) })
				defer running.Wait()
				defer cancel()
				for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); {
					if tt.every > 0 {
						f.apply(t, text)
					}
					time.Sleep(max(tt.every, time.Second/5))
					synctest.Wait()
					if since := 4*time.Minute - time.Until(end); since >= 31*time.Second && len(f.Inventory().Entries()) != 2 {
						t.Fatalf("after %s there is no target of the API", since)
					}
				}
				if n := api.fetched.Load(); n != 3 { // at 0:00, 1:30 and 3:00
					t.Errorf("the API was asked %d times in 4 minutes, want 3", n)
				}
				if s := f.sources[1]; s.errors != 0 || api.closed.Load() || f.Missing() != nil {
					t.Errorf("%d errors, closed %t, missing %v", s.errors, api.closed.Load(), f.Missing())
				}
			})
		})
	}
}

// A source is replaced if something that it depends on changes, and only then.
func TestUnchanged(t *testing.T) {
	const text = "target_files: [/nowhere/*.yml]\ntarget_apis:\n  - {name: x, url: 'http://127.0.0.1:1/', map: {name: item.n, url: item.u}}\n"
	for _, tt := range []struct {
		name, old, changed string
		files, api         bool // whether they stay
		module             bool // whether a module is another one
	}{
		{"nothing", "", "", true, true, false},
		{"another target", "", static, true, true, false},
		{"a URL", ":1/'", ":2/'", true, false, false},
		{"an expression", "item.n", "item.m", true, false, false},
		{"a secret", "map:", "authorization: {credentials: s}, map:", true, false, false},
		{"a module", "", "", false, false, true},
		{"a pattern", "*.yml", "*.json", false, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := keeper(t)
			f.apply(t, text)
			before := f.sources
			cfg := parse(t, strings.Replace(text, tt.old, tt.changed, 1))
			if tt.module {
				m := cfg.Modules["http_2xx"]
				m.Timeout++
				cfg.Modules["http_2xx"] = m
			}
			p, err := f.Plan(cfg, f.changed)
			if err != nil {
				t.Fatal(err)
			}
			f.Apply(p)
			if files, api := f.sources[0] == before[0], f.sources[1] == before[1]; files != tt.files || api != tt.api {
				t.Errorf("files stay: %t, the API stays: %t; want %t and %t", files, api, tt.files, tt.api)
			}
			if f.Inventory().Config != f.cfg {
				t.Error("the inventory is that of the old configuration")
			}
		})
	}
}

// A plan that is not applied frees what it has made, and nothing that is in use.
func TestDiscard(t *testing.T) {
	f := keeper(t)
	old := &fake{}
	cfg := parse(t, "target_apis:\n  - {name: x, url: 'http://127.0.0.1:1/', format: http_sd}\n")
	f.Apply(&Plan{cfg: cfg, changed: f.changed, sources: []*source{{name: "api:x", fetcher: old, settings: settings{Entry: cfg.TargetAPIs[0], Modules: cfg.Modules}}}})
	p, err := f.Plan(parse(t, "target_apis:\n  - {name: x, url: 'http://127.0.0.1:1/', format: http_sd}\n"), f.changed)
	if err != nil || p.sources[0].fetcher != fetcher(old) {
		t.Fatalf("got %+v, %v, want the source that there is", p, err)
	}
	p.Discard()
	if old.closed.Load() {
		t.Error("the source in use is closed")
	}
}

// What a source says while a reload is under way is not lost: it belongs to the configuration that is in force, and that of
// the next one follows.
func TestInventoryCrossesReload(t *testing.T) {
	server := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"name": "b", "url": "http://b.example/"}]`)
	}))
	text := "targets: [{name: a, url: 'http://a.example/'}]\ntarget_apis: [{name: list, url: '" + server.URL + "', format: targets}]\n"
	f := keeper(t)
	var got []string
	plan := func(name string) *Plan {
		cfg := parse(t, text)
		p, err := f.Plan(cfg, func(inv *Inventory) {
			if inv.Config != cfg {
				t.Errorf("%s gets an inventory of another configuration", name)
			}
			got = append(got, fmt.Sprintf("%s %d", name, len(inv.Entries())))
		})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	f.Apply(plan("first"))
	second := plan("second")
	f.ask(t)
	f.Apply(second)
	if diff := cmp.Diff([]string{"first 1", "first 2", "second 2"}, got); diff != "" {
		t.Errorf("inventories (-want +got):\n%s", diff)
	}
}
