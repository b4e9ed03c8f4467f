package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const reference = "../../config/reference.yml"

func generated(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(&out, append([]string{"-version", "1.2.3", "-epoch", "1795987765"}, args...)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// tmp outlives the tests that share what is in it.
var tmp string

func TestMain(m *testing.M) {
	var err error
	if tmp, err = os.MkdirTemp("", ""); err != nil {
		panic(err)
	}
	status := m.Run()
	_ = os.RemoveAll(tmp)
	os.Exit(status)
}

// program builds the exporter.
var program = sync.OnceValues(func() (string, error) {
	file := filepath.Join(tmp, "healthcheck_exporter")
	if out, err := exec.Command("go", "build", "-o", file, "../..").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building: %w\n%s", err, out)
	}
	return file, nil
})

func built(t *testing.T) string {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestSBOM: the bill of materials has the modules that "go version -m" prints, and nothing else.
func TestSBOM(t *testing.T) {
	line := regexp.MustCompile(`(?m)^\t(dep|=>)\t(\S+)\t(\S+)\t?(\S*)$`)
	goVersion := regexp.MustCompile(`: (go\S+)`)
	binary := built(t)
	printed, err := exec.CommandContext(t.Context(), "go", "version", "-m", binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"std " + goVersion.FindStringSubmatch(string(printed))[1] + " "}
	for _, m := range line.FindAllStringSubmatch(string(printed), -1) {
		if m[1] == "=>" { // instead of the one before
			want = want[:len(want)-1]
		}
		want = append(want, fmt.Sprintf("%s %s %s", m[2], m[3], m[4]))
	}
	if len(want) < 2 {
		t.Fatalf("go version -m printed no modules: %s", printed)
	}
	var b bom
	d := json.NewDecoder(strings.NewReader(generated(t, "sbom", binary)))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		t.Fatal(err)
	}
	var got, refs []string
	for _, c := range b.Components {
		sum := ""
		for _, p := range c.Properties {
			sum = p.Value
		}
		got = append(got, fmt.Sprintf("%s %s %s", c.Name, c.Version, sum))
		refs = append(refs, c.Ref)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-go version -m +SBOM):\n%s", binary, diff)
	}
	if diff := cmp.Diff([]dependency{{b.Metadata.Component.Ref, refs}}, b.Dependencies); diff != "" {
		t.Errorf("%s: dependencies (-want +got):\n%s", binary, diff)
	}
	slices.Sort(refs)
	if len(slices.Compact(refs)) != len(want) {
		t.Errorf("%s: a bom-ref is there twice", binary)
	}
}

// TestLicenses: the licence of every module is there. A module without one is an error.
func TestLicenses(t *testing.T) {
	binary := built(t)
	all, _, err := modules(binary)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i, text := range []string{"shared terms\n", "terms of its own\r\n"} {
		at := filepath.Join(dir, strconv.Itoa(i))
		if err := os.MkdirAll(at, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(at, "LICENSE.txt"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lines := make([]string, 0, len(all))
	for i, m := range all {
		lines = append(lines, m.Path+" "+filepath.Join(dir, strconv.Itoa(min(i, 1))))
	}
	list := strings.Join(lines, "\n")
	listed = strings.NewReader(list)
	got := generated(t, "licenses", binary)
	if !strings.Contains(got, fmt.Sprintf("\nstd %s: LICENSE.txt\n%s\n\nshared terms\n", all[0].Version, strings.Repeat("=", 80))) {
		t.Errorf("the licence of std is not there:\n%s", got)
	}
	if strings.Count(got, "terms of its own") != 1 || strings.Contains(got, "\r") {
		t.Errorf("a text of several modules is not there once:\n%s", got)
	}
	for _, m := range all {
		if !strings.Contains(got, fmt.Sprintf("\n%s %s: LICENSE.txt\n", m.Path, m.Version)) {
			t.Errorf("no licence of %s", m.Path)
		}
	}

	if err := os.Rename(filepath.Join(dir, "1", "LICENSE.txt"), filepath.Join(dir, "1", "NOTICE")); err != nil {
		t.Fatal(err)
	}
	listed = strings.NewReader(list)
	if err := run(&bytes.Buffer{}, []string{"licenses", binary}); err == nil || !strings.Contains(err.Error(), "no licence in") {
		t.Errorf("a module without a licence: %v", err)
	}
	listed = strings.NewReader("")
	if err := run(&bytes.Buffer{}, []string{"licenses", binary}); err == nil || !strings.Contains(err.Error(), "not listed") {
		t.Errorf("a module without a directory: %v", err)
	}
}

// TestManual: the page has a section for each key at the top of the reference, and every line of YAML.
func TestManual(t *testing.T) {
	page := generated(t, "manual", reference)
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	want := []string{"NAME", "DESCRIPTION"}
	for i := 0; i < len(doc.Content[0].Content); i += 2 {
		want = append(want, doc.Content[0].Content[i].Value)
	}
	want = append(want, `"SEE ALSO"`)
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^\.SH (.*)$`).FindAllStringSubmatch(page, -1) {
		got = append(got, m[1])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sections (-want +got):\n%s", diff)
	}
	shown := strings.NewReplacer(`\e`, `\`, `\-`, `-`, `\&`, "").Replace(page)
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) != "" && !isComment(line) && !strings.Contains(shown, "\n"+line) {
			t.Errorf("the page lacks %q", line)
		}
	}
	// Of the comments every word, in order.
	words := func(s string) string { return strings.Join(strings.Fields(strings.ReplaceAll(s, "#", " ")), " ") }
	for _, paragraph := range regexp.MustCompile(`(?m)(^ *# .*\n)+`).FindAllString(string(text), -1) {
		if !strings.Contains(words(regexp.MustCompile(`(?m)^\.(PP|EX|EE|SH.*)$`).ReplaceAllString(shown, "")), words(paragraph)) {
			t.Errorf("the page lacks %q", paragraph)
		}
	}
	if !strings.Contains(page, `.TH HEALTHCHECK.YML 5 "2026-11-29" "healthcheck_exporter 1.2.3"`) {
		t.Error("the head has no date or version")
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"manual"}, {"manual", "a", "b"}, {"bogus", reference}, {"sbom", "missing"}, {"sbom", reference}, {"manual", "missing"}} {
		if err := run(&bytes.Buffer{}, args); err == nil {
			t.Errorf("generate %q: no error", args)
		}
	}
}
