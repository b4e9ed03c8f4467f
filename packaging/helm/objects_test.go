// Package helm tests the chart: make check-helm renders it and compares that with golden files, which the other tests read.
package helm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

const (
	chart    = "healthcheck-exporter"
	examples = "../../examples"
)

// cases are the values with which the chart is rendered: those of the tests, and those of the examples as example-NAME.
func cases(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for prefix, dir := range map[string]string{"": "testdata/values", "example-": examples + "/helm"} {
		files, err := filepath.Glob(dir + "/*.yaml")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no values: %v", dir, err)
		}
		for _, file := range files {
			all[prefix+strings.TrimSuffix(filepath.Base(file), ".yaml")] = file
		}
	}
	return all
}

// rendered is the golden file of a case.
func rendered(name string) string { return "testdata/rendered/" + name + ".yaml" }

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parse reads the one document of a file.
func parse[T any](t *testing.T, file string) (v T) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, file)), &v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return v
}

// objects are those of a file, by kind, namespace and name.
func objects(t *testing.T, file string) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	documents := yaml.NewDecoder(strings.NewReader(read(t, file)))
	for {
		var o map[string]any
		if err := documents.Decode(&o); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if o == nil {
			continue
		}
		id := key(o["kind"], at(o, "metadata", "namespace"), at(o, "metadata", "name"))
		if all[id] != nil {
			t.Errorf("%s has %s twice", file, id)
		}
		all[id] = o
	}
}

// key is what objects are found by.
func key(kind, namespace, name any) string { return fmt.Sprint(kind, " ", namespace, "/", name) }

// at is what a value has at a path of keys and indexes, or nil.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// TestConfigurations loads every rendered configuration with the files that its Pod is given, and no others.
func TestConfigurations(t *testing.T) {
	const etc = "/etc/healthcheck_exporter"
	for name := range cases(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			inDir := func(text any) string { return strings.ReplaceAll(fmt.Sprint(text), etc, dir) }
			all := objects(t, rendered(name))
			for id, o := range all {
				sources, _ := at(o, "spec", "template", "spec", "volumes", 0, "projected", "sources").([]any)
				for _, source := range sources {
					for kind, s := range source.(map[string]any) {
						items, _ := at(s, "items").([]any)
						for _, item := range items {
							text := any(strings.Repeat("not-a-real-secret-of-", 2) + fmt.Sprint(at(item, "key")))
							if kind == "configMap" {
								text = at(all[key("ConfigMap", "monitoring", at(s, "name"))], "data", at(item, "key"))
							}
							put(t, filepath.Join(dir, fmt.Sprint(at(item, "path"))), inDir(text))
						}
					}
				}
				if mount := at(o, "spec", "template", "spec", "containers", 0, "volumeMounts", 0, "mountPath"); len(sources) > 0 && mount != etc {
					t.Errorf("%s has its configuration at %v, want %s", id, mount, etc)
				}
			}
			c, err := config.Options{TimeoutOffset: config.DefaultTimeoutOffset}.Load(filepath.Join(dir, "healthcheck.yml"))
			if err != nil {
				t.Fatal(err)
			}
			if n, wrong := inventory.CheckFiles(t.Context(), c, config.DefaultTimeoutOffset, prober.MaskURL); len(wrong) > 0 || (n > 0) != (len(c.TargetFiles) > 0) {
				t.Errorf("the lists %v have %d targets and the mistakes %v", c.TargetFiles, n, wrong)
			}
			values := parse[map[string]any](t, cases(t)[name])
			if got, want := c.Restart != nil, at(values, "config", "restart") != nil; got != want {
				t.Errorf("it restarts something: %t, want %t", got, want)
			}
		})
	}
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestExamples: examples/kubernetes has, object by object, what the chart makes. So there is one truth, and who has no Helm can read it.
func TestExamples(t *testing.T) {
	for file, name := range map[string]string{
		"exporter.yaml":           "example-targets",
		"networkpolicy.yaml":      "example-targets",
		"scrapeconfig.yaml":       "example-targets",
		"prometheusrule.yaml":     "example-targets",
		"restart-rbac.yaml":       "example-restarts",
		"alertmanagerconfig.yaml": "example-restarts",
		"servicemonitor.yaml":     "servicemonitor",
	} {
		ours := objects(t, rendered(name))
		for id, want := range objects(t, filepath.Join(examples, "kubernetes", file)) {
			got, ok := ours[id]
			if !ok {
				t.Errorf("%s: the chart makes no %s", file, id)
			} else if diff := cmp.Diff(meaning(t, want), meaning(t, got)); diff != "" {
				t.Errorf("%s: %s (-example +chart of %s):\n%s", file, id, name, diff)
			}
		}
	}
	restarts := parse[any](t, filepath.Join(examples, "kubernetes", "restart.yml"))
	got := meaning(t, objects(t, rendered("example-restarts"))[key("ConfigMap", "monitoring", chart)])
	if diff := cmp.Diff(restarts, at(got, "data", "healthcheck.yml")); diff != "" {
		t.Errorf("restart.yml (-example +chart):\n%s", diff)
	}
}

// TestExamplesWhole: every file of objects in examples/kubernetes is compared.
func TestExamplesWhole(t *testing.T) {
	compared := read(t, "objects_test.go")
	files, err := filepath.Glob(examples + "/kubernetes/*.y*ml")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no files: %v", err)
	}
	for _, file := range files {
		if !strings.Contains(compared, `"`+filepath.Base(file)+`"`) {
			t.Errorf("%s is not compared with the chart", file)
		}
	}
}

// meaning is an object without what Helm writes into each, and with a healthcheck.yml as what it means.
func meaning(t *testing.T, v any) any {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for key, value := range v {
			switch key {
			case "app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart":
			case "healthcheck.yml":
				var c any
				if err := yaml.Unmarshal([]byte(value.(string)), &c); err != nil {
					t.Fatal(err)
				}
				m[key] = c
			default:
				m[key] = meaning(t, value)
			}
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i := range v {
			l[i] = meaning(t, v[i])
		}
		return l
	}
	return v
}
