package config_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func TestReferenceLoads(t *testing.T) {
	text, err := os.ReadFile("reference.yml")
	if err != nil {
		t.Fatal(err)
	}
	pm2 := filepath.Join(t.TempDir(), "pm2")                                          // few have it
	if err := os.WriteFile(pm2, []byte("#!/usr/bin/env node\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	t.Chdir("testdata/reference")
	c, err := config.Parse("../../reference.yml", bytes.ReplaceAll(text, []byte("/usr/local/bin/pm2"), []byte(pm2)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.YAML(); err != nil {
		t.Error(err)
	}
}

func TestReferenceHasEveryKey(t *testing.T) {
	text, err := os.ReadFile("reference.yml")
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	addKeys(known, "", reflect.TypeFor[config.Config]())
	if len(known) < 80 {
		t.Fatalf("got %d keys, want all: %q", len(known), slices.Sorted(maps.Keys(known)))
	}
	r := reference{known: known, seen: map[string]bool{}, explained: map[string]bool{}}
	r.walk("", doc.Content[0])
	for _, key := range slices.Sorted(maps.Keys(known)) {
		switch name := key[strings.LastIndex(key, ".")+1:]; {
		case !r.seen[key]:
			t.Errorf("%s is not in reference.yml", key)
		case !r.explained[name]:
			t.Errorf("%s has no comment", key)
		}
	}
}

// addKeys adds the keys that a type reads, as paths. "*" is a name that the user chooses.
func addKeys(known map[string]bool, path string, t reflect.Type) {
	switch t.Kind() { //nolint:exhaustive // other kinds have no keys
	case reflect.Pointer, reflect.Slice:
		addKeys(known, path, t.Elem())
	case reflect.Map:
		addKeys(known, path+".*", t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			tag, ok := f.Tag.Lookup("yaml")
			name, options, _ := strings.Cut(tag, ",")
			switch {
			case !ok || strings.HasSuffix(name, "_ref"): // no secret manager
			case path == ".restart.receiver.basic_auth": // excludes what is shown there, and is shown in a module
			case slices.Contains([]string{".target_apis", ".alertmanager.servers"}, path) && options == "inline": // shown in modules
			case path == ".restart.services.http" && slices.Contains([]string{"basic_auth", "authorization", "http_headers"}, name),
				strings.HasPrefix(path, ".restart.services.") && name == "tls_config":
				known[path+"."+name] = true // its keys are those of the same block in a module
			case options == "inline":
				addKeys(known, path, f.Type)
			case path+"."+name == ".modules.*.websocket.http_config": // its keys are those of the http block
				known[path+"."+name] = true
			default:
				known[path+"."+name] = true
				addKeys(known, path+"."+name, f.Type)
			}
		}
	}
}

type reference struct {
	known     map[string]bool
	seen      map[string]bool
	explained map[string]bool // names that have a comment somewhere
}

func (r reference) walk(path string, n *yaml.Node) {
	switch n.Kind { //nolint:exhaustive // others have no keys
	case yaml.SequenceNode:
		for _, item := range n.Content {
			r.walk(path, item)
		}
	case yaml.MappingNode:
		shared := false // whether the comment of the key before, on the line above, counts
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i]
			at := path + "." + key.Value
			if !r.known[at] {
				at = path + ".*"
			}
			r.seen[at] = true
			pair := shared && i > 0 && n.Content[i-2].Line == key.Line-1
			if shared = key.HeadComment != "" || key.LineComment != "" || n.HeadComment != "" && i == 0; shared || pair {
				r.explained[key.Value] = true
			}
			r.walk(at, n.Content[i+1])
		}
	}
}
