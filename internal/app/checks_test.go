package app

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A check that names a target has everything of it: the URL, the module with what the target changes of it, the time, and the
// maintenance.
func TestCheckOfTarget(t *testing.T) {
	server := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Tenant") == "shop" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	c, err := config.Parse("test.yml", []byte(`
targets:
  - name: shop
    environment: LIVE
    url: '`+server.URL+`/?token=canary'
    timeout: 4s
    headers: {X-Tenant: shop}
    valid_status_codes: [418]
    maintenance: [{times: [{start_time: '02:00', end_time: '04:00'}], location: Europe/Berlin}]
  - name: next
    url: '`+server.URL+`/next'
    environment: LIVE
    interval: 30s
maintenance: [{weekdays: [sunday]}]
restart:
  mode: observe
  receiver: {insecure: true}
  defaults: {check_timeout: 3s}
  services:
    - name: shop
      checks: [{target: shop}]
      command: {argv: [/bin/true]}
    - name: next
      environment: STAGE
      checks: [{target: next}]
      command: {argv: [/bin/true, next]}
    - name: apart
      checks: [{url: 'http://127.0.0.1:1/'}]
      command: {argv: [/bin/true, apart]}
`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSnapshot("test.yml", c)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"LIVE", "STAGE", ""} {
		if got := s.Restarts.Services[i].Environment; got != want {
			t.Errorf("the environment of service %d is %q, want %q", i, got, want)
		}
	}
	if got := s.Restarts.Services[1].Checks[0]; got.Timeout != 3*time.Second || !got.Local {
		t.Errorf("the timeout of a target that names none is %s, local %t; want check_timeout, and local", got.Timeout, got.Local)
	}
	service := s.Restarts.Services[0]
	check := service.Checks[0]
	if check.Inventory != "shop" || check.Target != server.URL+"/?token=canary" || check.Name != server.URL+"/?token="+prober.Mask || check.Timeout != 4*time.Second {
		t.Errorf("check is %+v", check)
	}
	if res := check.Prober.Probe(t.Context(), check.Request); !res.Success() {
		t.Errorf("it fails: %v", res.Err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]string{
		time.Date(2026, 11, 21, 1, 59, 59, 0, berlin): "",
		time.Date(2026, 11, 21, 2, 0, 0, 0, berlin):   `of target "shop"`,
		time.Date(2026, 11, 21, 4, 0, 0, 0, berlin):   "",
		time.Date(2026, 11, 22, 12, 0, 0, 0, berlin):  "of all targets", // a Sunday
		// On 29 March the clock goes from 2:00 to 3:00, on 25 October from 3:00 back to 2:00.
		time.Date(2027, 3, 28, 0, 59, 0, 0, time.UTC):  "of all targets",
		time.Date(2026, 3, 30, 0, 30, 0, 0, time.UTC):  `of target "shop"`,
		time.Date(2026, 10, 24, 0, 30, 0, 0, time.UTC): `of target "shop"`, // summer
		time.Date(2026, 10, 26, 0, 30, 0, 0, time.UTC): "",                 // winter
		time.Date(2026, 10, 26, 2, 30, 0, 0, time.UTC): `of target "shop"`,
	} {
		if got := service.Maintenance(at).Name; got != want {
			t.Errorf("%s: the window is %q, want %q", at, got, want)
		}
	}
}

// A check may name a target of target_files, with all that it says. An API does not decide what is restarted, and a target that
// nobody knows is no evidence.
func TestCheckOfAnotherSource(t *testing.T) {
	c, err := config.Parse("test.yml", []byte(`
modules: {http_2xx: {prober: http}}
target_files: ['nowhere/*.yml']
target_apis: [{name: list, url: 'http://127.0.0.1:1/', format: targets}]
restart:
  mode: observe
  receiver: {insecure: true}
  services:
    - {name: shop, checks: [{target: shop}], command: {argv: [/bin/true]}}
    - {name: cart, checks: [{target: cart}], command: {argv: [/bin/true, cart]}}
    - {name: apart, checks: [{url: 'http://127.0.0.1:1/'}], command: {argv: [/bin/true, apart]}}
`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSnapshot("test.yml", c)
	if err != nil {
		t.Fatal(err)
	}
	target := func(name, extra string) config.Target {
		all, err := config.Parse("targets.yml", []byte("modules: {http_2xx: {prober: http}}\ntargets: [{name: "+name+", url: 'http://127.0.0.1:1/"+name+"'"+extra+"}]"))
		if err != nil {
			t.Fatal(err)
		}
		return all.Targets[0]
	}
	file := func(targets ...config.Target) inventory.Part {
		return inventory.Part{Source: "file:nowhere/*.yml", Reviewed: true, Targets: targets}
	}
	shop := target("shop", ", environment: LIVE, timeout: 4s, maintenance: [{weekdays: ['sunday:saturday']}]")
	for _, tt := range []struct {
		name  string
		parts []inventory.Part
		want  string // the URL that the check of the shop asks; empty: it asks none
		err   string
	}{
		{"in a file", []inventory.Part{file(shop, target("cart", ""))}, "http://127.0.0.1:1/shop", ""},
		{"nowhere", []inventory.Part{file(target("cart", ""))}, "", `there is no target "shop" in the inventory`},
		{"in an API", []inventory.Part{{Source: "api:list", Targets: []config.Target{shop}}}, "", "an API does not decide what is restarted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			services := s.watching(inventory.Merge(c, tt.parts, prober.MaskURL)).Services
			if len(services) != 3 || len(services[0].Checks) != 1 || services[2].Checks[0].Target != "http://127.0.0.1:1/" {
				t.Fatalf("services are %+v", services)
			}
			check := services[0].Checks[0]
			if check.Target != tt.want || check.Inventory != "shop" {
				t.Errorf("it asks %q as %q, want %q", check.Target, check.Inventory, tt.want)
			}
			if tt.want == "" {
				r := check.Prober.Probe(t.Context(), check.Request)
				if r.Reason != prober.ReasonLocalResource || !strings.Contains(r.Err.Error(), tt.err) {
					t.Errorf("the result is %s, %v; want %s with %q", r.Reason, r.Err, prober.ReasonLocalResource, tt.err)
				}
				return
			}
			if services[0].Environment != "LIVE" || check.Timeout != 4*time.Second || services[0].Maintenance(time.Now()).Name != `of target "shop"` {
				t.Errorf("the service is %+v, want what the target says", services[0])
			}
		})
	}
	if got := s.Restarts.Services[0].Checks[0].Target; got != "" {
		t.Errorf("the snapshot has changed: it asks %q", got)
	}
}

// An edit of one target changes the service that names it, and no other. What changes nothing is no event.
func TestInventoryChangesServices(t *testing.T) {
	target := probetest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	dir := t.TempDir()
	file := filepath.Join(dir, "targets.yml")
	text := func(shop, other string) string {
		return "- {name: shop, url: '" + target.URL + shop + "'}\n- {name: other, url: '" + target.URL + other + "'}\n"
	}
	writeFile(t, file, text("/shop", "/other"))
	o := options(&recorder{})
	o.ConfigFile = configFile(t, "modules: {http_2xx: {prober: http}}\ntarget_files: ['"+file+"']\nrestart:"+hasty+
		"  services: [{name: shop, checks: [{target: shop}], command: {argv: [/bin/true]}}]\n")
	a := started(t, o)
	armed := func() bool {
		e, err := a.restarts.Service("shop")
		return err == nil && e.State.Armed
	}
	until(t, "the service to be armed", armed)
	s := a.current.Load().Snapshot
	change := func(shop, other string) {
		writeFile(t, file, text(shop, other))
		inv, errs := inventory.ReadFiles(t.Context(), s.Config, 0, prober.MaskURL)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		a.inventoryChanged(s, inv)
	}
	for i := range 5 {
		change("/shop", fmt.Sprintf("/other/%d", i))
		for range 20 {
			<-time.After(time.Millisecond)
			if !armed() {
				t.Fatal("an edit of another target unarmed the service")
			}
		}
	}
	change("/moved", "/other")
	until(t, "the service to be asked elsewhere", func() bool {
		e, err := a.restarts.Service("shop")
		return err == nil && strings.HasSuffix(e.Targets[0], "/moved")
	})
}

// An open window says when it ends: at the end of the last of those that follow each other, also where a day has 23 or 25
// hours. One that does not end within a week says nothing.
func TestMaintenanceEnds(t *testing.T) {
	c, err := config.Parse("test.yml", []byte(`
modules: {http_2xx: {prober: http}}
maintenance:
  - {weekdays: [sunday], location: Europe/Berlin}
  - {months: [december]}
targets:
  - name: shop
    url: http://127.0.0.1:1/
    maintenance: [{times: [{start_time: '00:00', end_time: '04:00'}], location: Europe/Berlin}]
restart:
  mode: enforce
  receiver: {insecure: true}
  services: [{name: shop, checks: [{target: shop}], command: {argv: [/bin/true]}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSnapshot("test.yml", c)
	if err != nil {
		t.Fatal(err)
	}
	open := s.Restarts.Services[0].Maintenance
	for _, tt := range []struct{ at, until string }{
		{"2026-11-18T00:10:30Z", "2026-11-18T03:00:00Z"}, // a Wednesday in winter
		{"2026-11-18T00:11:00Z", "2026-11-18T03:00:00Z"}, // known from before
		{"2026-11-18T12:00:00Z", ""},
		{"2026-11-19T00:10:30Z", "2026-11-19T03:00:00Z"},
		{"2026-11-18T00:10:30Z", "2026-11-18T03:00:00Z"}, // the clock was set back
		{"2026-03-29T00:30:00Z", "2026-03-30T02:00:00Z"}, // a Sunday of 23 hours, and the window of Monday
		{"2026-10-25T12:00:00Z", "2026-10-26T03:00:00Z"}, // one of 25
		{"2026-12-03T12:00:00Z", ""},                     // open, until January
		{"2026-12-30T12:00:00Z", "2027-01-01T03:00:00Z"},
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if w := open(at); !w.Until.IsZero() {
			got = w.Until.Format(time.RFC3339)
		}
		if got != tt.until {
			t.Errorf("%s: it ends at %q, want %q", tt.at, got, tt.until)
		}
	}
}
