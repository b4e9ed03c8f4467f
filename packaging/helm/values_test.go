package helm

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/golden"
)

// TestVersions: the chart and the image that it runs have the version of the program.
func TestVersions(t *testing.T) {
	want := strings.TrimSpace(read(t, "../../VERSION"))
	got := parse[struct {
		Version    string
		AppVersion string `yaml:"appVersion"`
	}](t, chart+"/Chart.yaml")
	if got.Version != want || got.AppVersion != want {
		t.Errorf("Chart.yaml has the versions %s and %s, want %s as in the file VERSION", got.Version, got.AppVersion, want)
	}
}

// TestSchema: the schema has the keys of values.yaml and no others, and requires them, so that at every level a typo is refused and
// so is a null, by which Helm takes a default away.
func TestSchema(t *testing.T) {
	type node struct {
		Properties           map[string]json.RawMessage
		AdditionalProperties any
		Required             []string
	}
	var compare func(path string, values *yaml.Node, schema json.RawMessage)
	compare = func(path string, values *yaml.Node, schema json.RawMessage) {
		var s node
		if err := json.Unmarshal(schema, &s); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if s.Properties == nil {
			return // the keys are not the chart's
		}
		if s.AdditionalProperties != false {
			t.Errorf("%s: the schema lets other keys pass", path)
		}
		var keys []string
		for i := 0; i < len(values.Content); i += 2 {
			key := values.Content[i].Value
			keys = append(keys, key)
			compare(path+"."+key, values.Content[i+1], s.Properties[key])
		}
		delete(s.Properties, "global") // Helm's own
		slices.Sort(keys)
		if diff := cmp.Diff(keys, slices.Sorted(maps.Keys(s.Properties))); diff != "" {
			t.Errorf("%s: keys of values.yaml and of the schema (-values +schema):\n%s", path, diff)
		}
		slices.Sort(s.Required)
		if diff := cmp.Diff(keys, s.Required); diff != "" {
			t.Errorf("%s: keys of values.yaml and those that the schema requires (-values +schema):\n%s", path, diff)
		}
	}
	values := parse[yaml.Node](t, chart+"/values.yaml")
	compare("", values.Content[0], json.RawMessage(read(t, chart+"/values.schema.json")))
}

// TestReadme: the table of the README is that of values.yaml, in which every value has a comment.
func TestReadme(t *testing.T) {
	const head, tail = "<!-- values.yaml: make golden -->\n", "<!-- end of values.yaml -->\n"
	before, rest, ok := strings.Cut(read(t, chart+"/README.md"), head)
	_, after, ok2 := strings.Cut(rest, tail)
	if !ok || !ok2 {
		t.Fatalf("README.md has no place for the table: %q, %q", head, tail)
	}
	var b strings.Builder
	b.WriteString("| value | default | what |\n|---|---|---|\n")
	values := parse[yaml.Node](t, chart+"/values.yaml")
	table(t, &b, "", values.Content[0])
	golden.Compare(t, chart+"/README.md", before+head+"\n"+b.String()+"\n"+tail+after)
}

// table writes a row for every value that has a comment "# -- ". What has none is a mapping of values that have.
func table(t *testing.T, b *strings.Builder, path string, values *yaml.Node) {
	t.Helper()
	for i := 0; i < len(values.Content); i += 2 {
		key, value := values.Content[i], values.Content[i+1]
		name := strings.TrimPrefix(path+"."+key.Value, ".")
		_, what, documented := strings.Cut(key.HeadComment, "# -- ")
		switch {
		case documented:
			def, err := json.Marshal(plain(t, value))
			if err != nil {
				t.Fatal(err)
			}
			what = strings.ReplaceAll(strings.ReplaceAll(what, "\n# ", " "), "|", "\\|")
			fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", name, def, what)
		case value.Kind == yaml.MappingNode && len(value.Content) > 0:
			table(t, b, name, value)
		default:
			t.Errorf("values.yaml does not say what %s is: want a comment that begins with # --", name)
		}
	}
}

// plain is the value of a node.
func plain(t *testing.T, n *yaml.Node) (v any) {
	t.Helper()
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
