// Package sbom reads the bill of materials of a release as others do: by the schema of CycloneDX, and with its library.
package sbom

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const root = "../.."

// generated makes the bill of materials of what make packages has built.
func generated(t *testing.T) []byte {
	t.Helper()
	program := "dist/build/linux-" + runtime.GOARCH + "/healthcheck_exporter"
	if _, err := os.Stat(filepath.Join(root, program)); err != nil {
		t.Fatalf("%v: make check-packages builds it", err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `packaging/modules.sh | go run ./packaging/generate -version 1.2.3 -epoch 1795987765 sbom `+program)
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// schema is that of CycloneDX 1.6, from the module of its library.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	const at = "http://cyclonedx.org/schema/"
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for name, file := range map[string]string{
		"bom-1.6.schema.json":  "bom-1.6.schema.json",
		"spdx.schema.json":     "spdx.schema.json",
		"jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "schema", file))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(at+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile(at + "bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchema: the bill of materials is as the schema has it, and the schema sees mistakes.
func TestSchema(t *testing.T) {
	s, text := schema(t), generated(t)
	validate := func(text []byte) error {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(doc)
	}
	if err := validate(text); err != nil {
		t.Error(err)
	}
	for _, mistake := range [][2]string{
		{`"bom-ref"`, `"bom_ref"`},
		{`"specVersion": "1.6"`, `"specVersion": "1.6", "released": true`},
		{`"serialNumber": "urn:`, `"serialNumber": "`},
		{`"timestamp": "`, `"timestamp": "about `},
		{`"id": "MIT"`, `"id": "Mit"`},
		{`"alg": "SHA-256"`, `"alg": "sha256"`},
		{`"type": "library"`, `"type": "module"`},
	} {
		broken := bytes.Replace(text, []byte(mistake[0]), []byte(mistake[1]), 1)
		if bytes.Equal(broken, text) {
			t.Errorf("there is no %s", mistake[0])
		} else if validate(broken) == nil {
			t.Errorf("%s is valid", mistake[1])
		}
	}
}

// TestLibrary: the library of CycloneDX finds everything that is in the text, and each package URL can be taken apart.
func TestLibrary(t *testing.T) {
	text := generated(t)
	var b cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(&b); err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := cyclonedx.NewBOMEncoder(&again, cyclonedx.BOMFileFormatJSON).SetEscapeHTML(false).Encode(&b); err != nil {
		t.Fatal(err)
	}
	// The order of keys is the library's, so both are read into maps, which sort them.
	if want, got := sorted(t, text), sorted(t, again.Bytes()); want != got {
		t.Errorf("the library keeps less, or more:\n%s\nwant:\n%s", got, want)
	}
	components := append(*b.Components, *b.Metadata.Component)
	if len(components) < 20 {
		t.Errorf("%d components", len(components))
	}
	for _, c := range components {
		path, version, _ := strings.Cut(strings.TrimPrefix(c.PackageURL, "pkg:golang/"), "@")
		path, err := url.PathUnescape(path)
		if err != nil {
			t.Error(err)
		}
		version, err = url.PathUnescape(version)
		if err != nil {
			t.Error(err)
		}
		want := strings.ToLower(c.Name)
		if want != "healthcheck_exporter" && path != want || strings.TrimLeft(version, "v") != strings.TrimLeft(c.Version, "vgo") {
			t.Errorf("%s %s is called %s", c.Name, c.Version, c.PackageURL)
		}
	}
}

func sorted(t *testing.T, text []byte) string {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	delete(doc, "$schema") // which the library adds
	out, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
