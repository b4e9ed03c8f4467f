package inventory

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// masked is a mask whose result differs from the URL.
func masked(u *url.URL) string { return "masked " + u.Host }

func parse(t testing.TB, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("test.yml", []byte("modules: {http_2xx: {prober: http}}\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func target(name, address string, dependsOn ...string) config.Target {
	return config.Target{Name: name, URL: address, DependsOn: dependsOn}
}

func TestMerge(t *testing.T) {
	static := Part{Source: StaticSource, Targets: []config.Target{
		target("shop", "http://shop/#top", "db", "chat"), target("api", "http://api/?q=a b"),
	}}
	for _, tt := range []struct {
		name     string
		parts    []Part
		want     []string // name source dependencies
		problems map[string][]string
	}{
		{"nothing", nil, nil, map[string][]string{}},
		{
			"several sources",
			[]Part{static, {Source: "file:a.yml", Targets: []config.Target{target("db", "http://db/")}}, {Source: "api:cmdb", Targets: []config.Target{target("chat", "ws://chat/")}}},
			[]string{"api targets []", "chat api:cmdb []", "db file:a.yml []", "shop targets [db chat]"},
			map[string][]string{},
		},
		{
			"duplicate",
			[]Part{static, {Source: "file:a.yml", Targets: []config.Target{target("shop", "http://other/"), target("db", "http://db/")}}, {Source: "api:cmdb", Targets: []config.Target{target("db", "http://x/"), target("chat", "http://chat/")}}},
			[]string{"api targets []", "chat api:cmdb []", "db file:a.yml []", "shop targets [db chat]"},
			map[string][]string{
				"file:a.yml": {`target "shop" is already in targets, which is used; this one is from file:a.yml`},
				"api:cmdb":   {`target "db" is already in file:a.yml, which is used; this one is from api:cmdb`},
			},
		},
		{
			"unknown dependency",
			[]Part{static, {Source: "file:a.yml", Targets: []config.Target{target("db", "http://db/", "shop")}}},
			[]string{"api targets []", "db file:a.yml [shop]", "shop targets []"},
			map[string][]string{
				StaticSource: {`target "shop": depends_on: there is no target "chat"`, `target "shop": depends_on: is a cycle: db → shop → db`},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := Merge(&config.Config{}, tt.parts, masked)
			var got []string
			for _, e := range inv.Entries() {
				if inv.ByName(e.Name) != e {
					t.Errorf("%s is not found by name", e.Name)
				}
				if e.Instance != "masked "+e.Address.Host {
					t.Errorf("%s has the instance %q", e.Name, e.Instance)
				}
				got = append(got, fmt.Sprint(e.Name, " ", e.Source, " ", e.DependsOn))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			problems := map[string][]string{}
			for source, all := range inv.problems {
				for _, err := range all {
					problems[source] = append(problems[source], err.Error())
				}
			}
			if diff := cmp.Diff(tt.problems, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAsked(t *testing.T) {
	cfg := parse(t, `
restart:
  mode: off
  receiver: {insecure: true}
  services: [{name: s, checks: [{url: 'http://check:8080/health', module: http_2xx}], command: {argv: [/bin/true]}}]
`)
	with := func(name, address, module, method string) config.Target {
		t := target(name, address)
		t.Module, t.Method = module, method
		return t
	}
	inv := Merge(cfg, []Part{{Source: StaticSource, Targets: []config.Target{
		with("a", "https://Shop.example.com/health?token=x#f", "m", ""),
		with("b", "ws://chat/", "chat", ""),
		with("bank", "http://bank/", "bank", "POST"),
		with("two y", "http://two/", "m", "PUT"), with("one", "http://two/", "m", "POST"),
		with("changed", "http://three/", "m", "PUT"), with("plain", "http://three/", "m", ""),
	}}}, masked)
	for _, tt := range []struct{ address, module, want string }{
		{"https://shop.example.com:443/health?token=x", "m", "a"},
		{"https://shop.example.com/health?token=x", "bank", `no target with this URL and the module "bank"`},
		{"https://shop.example.com/health?token=y", "m", "no target"},
		{"https://shop.example.com/health", "m", "no target"},
		{"http://shop.example.com/health?token=x", "m", "no target"},
		{"ws://chat", "chat", "b"},
		{"wss://chat", "chat", "no target"},
		{"http://chat", "chat", "b"},
		{"http://chat", "m", "no target"},
		{"http://bank/", "bank", "bank"},
		{"http://bank/", "m", "no target"},
		{"http://check:8080/health", "http_2xx", ""},
		{"http://check:8080/health", "bank", "no target"},
		{"http://check/health", "m", "no target"},
		{"http://user@check:8080/health", "m", "no target"},
		{"http://two/", "m", "several targets of the inventory have this URL and module, each with settings of its own: use name=one or name=two+y"},
		{"http://three/", "m", "plain"},
	} {
		u, err := url.Parse(tt.address)
		if err != nil {
			t.Fatal(err)
		}
		e, err := inv.ByURL(u, tt.module)
		if err != nil && (tt.want == "" || !strings.Contains(err.Error(), tt.want)) || err == nil && e.Name != tt.want {
			t.Errorf("%s by %s: got %+v, %v, want %q", tt.address, tt.module, e, err, tt.want)
		}
	}
	if got := inv.ByName("a").Address.String(); got != "https://Shop.example.com/health?token=x" {
		t.Errorf("address is %s, want it unchanged but for the fragment", got)
	}
}
