package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// A bom is a bill of materials: CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/.
type bom struct {
	Format       string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	Serial       string       `json:"serialNumber,omitempty"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp  string     `json:"timestamp"`
	Lifecycles []lifetime `json:"lifecycles"`
	Component  component  `json:"component"`
}

type lifetime struct {
	Phase string `json:"phase"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Hashes     []hash     `json:"hashes,omitempty"`
	Licenses   []licensed `json:"licenses"`
	PURL       string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type licensed struct {
	License struct {
		ID string `json:"id"`
	} `json:"license"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

// sbom writes what a binary was made of. Which module needs which other one is not in a binary, so the program needs all.
func sbom(out io.Writer, binary string, a about) error {
	all, info, err := modules(binary)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	program := component{
		Type: "application", Name: "healthcheck_exporter", Version: a.Version,
		PURL:     purl(info.Main.Path, "v"+a.Version),
		Licenses: under("Apache-2.0"),
		Hashes:   []hash{{Alg: "SHA-256", Content: hex.EncodeToString(sum[:])}},
	}
	program.Ref = program.PURL
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "GO") || s.Key == "CGO_ENABLED" {
			program.Properties = append(program.Properties, property{"go:" + s.Key, s.Value})
		}
	}
	b := bom{
		Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Metadata: metadata{Timestamp: a.Time.Format(time.RFC3339), Lifecycles: []lifetime{{"build"}}, Component: program},
	}
	needs := dependency{Ref: program.Ref}
	for _, m := range all {
		c := component{Type: "library", Name: m.Path, Version: m.Version, Licenses: under(m.Licenses...), PURL: purl(m.Path, strings.TrimPrefix(m.Version, "go"))}
		c.Ref = c.PURL
		if m.Sum != "" {
			c.Properties = []property{{"go:sum", m.Sum}}
		}
		b.Components = append(b.Components, c)
		needs.DependsOn = append(needs.DependsOn, c.Ref)
	}
	b.Dependencies = []dependency{needs}
	if b.Serial, err = serial(b); err != nil {
		return err
	}
	w := json.NewEncoder(out)
	w.SetIndent("", "  ")
	return w.Encode(b)
}

// under says which licences hold.
func under(ids ...string) []licensed {
	all := make([]licensed, len(ids))
	for i, id := range ids {
		all[i].License.ID = id
	}
	return all
}

// serial is a UUID of version 8, RFC 9562, that depends on what is in a bill of materials alone.
func serial(b bom) (string, error) {
	content, err := json.Marshal(b)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]), nil
}

// purl is the package URL of a Go module, https://github.com/package-url/purl-spec.
func purl(path, version string) string {
	return fmt.Sprintf("pkg:golang/%s@%s", strings.ToLower(path), strings.ReplaceAll(version, "+", "%2B"))
}
