// Package openapi compares what the API answers with its description.
package openapi

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const root = "../.."

// An exchange is an answer that a test of the API has recorded.
type exchange struct {
	Pattern string          `json:"pattern"` // as http.ServeMux has it
	Status  int             `json:"status"`
	Type    string          `json:"type"`
	Body    json.RawMessage `json:"body"` // none: it is not JSON
}

// describe reads the description.
func describe(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "internal/api/openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var d any
	if err := yaml.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	text, err = json.Marshal(d) // a number of JSON is what jsonschema knows
	if err != nil {
		t.Fatal(err)
	}
	d, err = jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return d.(map[string]any)
}

// at is what a JSON pointer leads to, and the pointer after all references. nil: there is nothing.
func at(d map[string]any, pointer string) (found any, end string) {
	var here any = d
	parts := strings.Split(strings.TrimPrefix(pointer, "#/"), "/")
	for i, part := range parts {
		m, ok := here.(map[string]any)
		if !ok {
			return nil, ""
		}
		if here, ok = m[unescape(part)]; !ok {
			return nil, ""
		}
		if m, ok := here.(map[string]any); ok {
			if ref, ok := m["$ref"].(string); ok {
				return at(d, strings.Join(append([]string{ref}, parts[i+1:]...), "/"))
			}
		}
	}
	return here, pointer
}

func escape(s string) string   { return strings.NewReplacer("~", "~0", "/", "~1").Replace(s) }
func unescape(s string) string { return strings.NewReplacer("~1", "/", "~0", "~").Replace(s) }

// TestAnswers has every answer that the tests of the API get: each is as the description says, and every operation of the API has
// one that succeeds.
func TestAnswers(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "./internal/api")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "HEALTHCHECK_ANSWERS="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) < 100 {
		t.Fatalf("%d answers, %v; want some 100", len(files), err)
	}
	d := describe(t)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("openapi.json", d); err != nil {
		t.Fatal(err)
	}
	succeeded := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var e exchange
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		if e.Status < 300 {
			succeeded[e.Pattern] = true
		}
		compare(t, c, d, &e)
	}
	for path, item := range d["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			if pattern := strings.ToUpper(method) + " " + path; method != "parameters" && strings.HasPrefix(path, "/api/v1/") && !strings.Contains(path, "restarts") && !succeeded[pattern] {
				t.Errorf("no answer of %s that succeeds was recorded", pattern)
			}
		}
	}
}

// compare compares an answer with its schema.
func compare(t *testing.T, c *jsonschema.Compiler, d map[string]any, e *exchange) {
	t.Helper()
	method, path, _ := strings.Cut(e.Pattern, " ")
	responses := "#/paths/" + escape(path) + "/" + strings.ToLower(method) + "/responses/"
	response, where := at(d, responses+strconv.Itoa(e.Status))
	if response == nil {
		response, where = at(d, responses+"default")
	}
	if response == nil {
		t.Errorf("%s is answered %d, which is not described", e.Pattern, e.Status)
		return
	}
	kind, _, _ := strings.Cut(e.Type, ";")
	if kind == "" && e.Body == nil {
		if _, any := response.(map[string]any)["content"]; any && e.Status != 304 {
			t.Errorf("%s is answered %d without a body", e.Pattern, e.Status)
		}
		return
	}
	schema, _ := at(d, where+"/content/"+escape(kind)+"/schema")
	if schema == nil {
		t.Errorf("%s is answered %d as %q, which is not described", e.Pattern, e.Status, e.Type)
		return
	}
	if e.Body == nil {
		return
	}
	compiled, err := c.Compile("openapi.json" + where + "/content/" + escape(kind) + "/schema")
	if err != nil {
		t.Fatal(err)
	}
	body, err := jsonschema.UnmarshalJSON(strings.NewReader(string(e.Body)))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(body); err != nil {
		t.Errorf("%s, %d: %v\n%.500s", e.Pattern, e.Status, err, e.Body)
	}
}

// Every reference of the description leads somewhere, and every schema is one.
func TestReferences(t *testing.T) {
	d := describe(t)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				if found, _ := at(d, ref); found == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	walk(d)
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openapi.json", d); err != nil {
		t.Fatal(err)
	}
	for name := range d["components"].(map[string]any)["schemas"].(map[string]any) {
		if _, err := c.Compile("openapi.json#/components/schemas/" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
