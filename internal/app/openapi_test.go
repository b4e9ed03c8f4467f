package app

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
)

// A description is what of the description of the API is compared with what is served.
type description struct {
	Paths      map[string]map[string]yaml.Node
	Components struct{ Parameters map[string]parameter }
}

type parameter struct {
	Ref      string `yaml:"$ref"`
	Name, In string
}

type operation struct {
	ID         string `yaml:"operationId"`
	Role       string `yaml:"x-role"`
	Parameters []parameter
	Body       *struct{ Content map[string]any } `yaml:"requestBody"`
}

// operations are those of the description, by method and path.
func operations(t *testing.T) map[string]operation {
	t.Helper()
	var d description
	if err := yaml.Unmarshal(api.OpenAPI, &d); err != nil {
		t.Fatal(err)
	}
	all := map[string]operation{}
	for path, item := range d.Paths {
		var shared []parameter
		if node, ok := item["parameters"]; ok {
			if err := node.Decode(&shared); err != nil {
				t.Fatal(err)
			}
		}
		for method, node := range item {
			if method == "parameters" {
				continue
			}
			var op operation
			if err := node.Decode(&op); err != nil {
				t.Fatal(err)
			}
			op.Parameters = append(op.Parameters, shared...)
			for i, p := range op.Parameters {
				if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
					op.Parameters[i] = d.Components.Parameters[name]
				}
			}
			all[strings.ToUpper(method)+" "+path] = op
		}
	}
	return all
}

// roleOf is the role that the description should have for a need.
func roleOf(n need) string {
	switch {
	case n.door == open:
		return "none"
	case n.door == receiver && n.role == access.None:
		return "receiver"
	default:
		return n.role.String()
	}
}

// Everything that is served is in the description with the role that it needs, and nothing else is.
func TestOpenAPIRoutes(t *testing.T) {
	want := map[string]string{}
	for _, r := range build(t, options(&recorder{})).table() {
		want[strings.Replace(r.pattern, "{$}", "", 1)] = roleOf(r.need)
	}
	got, ids := map[string]string{}, map[string]bool{}
	for route, op := range operations(t) {
		got[route] = op.Role
		if op.ID == "" || ids[op.ID] {
			t.Errorf("%s has the operationId %q, want one of its own", route, op.ID)
		}
		ids[op.ID] = true
		var inPath []string
		for _, p := range op.Parameters {
			if p.In == "path" {
				inPath = append(inPath, "{"+p.Name+"}")
			}
		}
		named := regexp.MustCompile(`{\w+}`).FindAllString(route, -1)
		slices.Sort(named)
		slices.Sort(inPath)
		if !slices.Equal(named, inPath) {
			t.Errorf("%s has the parameters %q in its path", route, inPath)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("roles of routes (-served +described):\n%s", diff)
	}
}

// The description has the parameters that the API knows, and the types of bodies that it reads.
func TestOpenAPIParameters(t *testing.T) {
	o := options(&recorder{})
	o.ConfigFile = configFile(t, strings.Replace(estate, "ACCESS", accessSection("read"), 1))
	h := build(t, o).routes()
	known := regexp.MustCompile(`want one of \[(.*?)\]`)
	asked := 0
	for route, op := range operations(t) {
		method, path, _ := strings.Cut(strings.Replace(route, "{name}", "shop", 1), " ")
		if !strings.HasPrefix(path, "/api/v1/") || strings.Contains(path, "restarts") {
			continue
		}
		asked++
		as := func(r *http.Request) { r.Header.Set("Remote-User", "editor"); r.RemoteAddr = "127.0.0.9:1" }
		if op.Role == access.Sync.String() {
			as = bearer(tokenOf("syncer"))
		}
		w := (call{method, path + "?zz=1", "", as}).do(t, h)
		m := known.FindStringSubmatch(strings.ReplaceAll(w.Body.String(), `\"`, `"`))
		if w.Code != http.StatusBadRequest || m == nil {
			t.Errorf("%s with an unknown parameter is answered %d: %s", route, w.Code, w.Body)
			continue
		}
		described := []string{}
		for _, p := range op.Parameters {
			if p.In == "query" {
				described = append(described, `"`+p.Name+`"`)
			}
		}
		slices.Sort(described)
		if got := strings.Join(described, " "); got != m[1] {
			t.Errorf("%s is described with %s, and knows %s", route, got, m[1])
		}
		if op.Body == nil {
			continue
		}
		w = (call{method, path, "x", func(r *http.Request) { as(r); r.Header.Set("Content-Type", "text/csv") }}).do(t, h)
		types := strings.Split(w.Header().Get("Accept"), ", ")
		slices.Sort(types)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(op.Body.Content)), types); w.Code != http.StatusUnsupportedMediaType || diff != "" {
			t.Errorf("%s is answered %d (-described +read):\n%s", route, w.Code, diff)
		}
	}
	if asked < 35 {
		t.Errorf("%d operations were tried, want all of the API", asked)
	}
}
