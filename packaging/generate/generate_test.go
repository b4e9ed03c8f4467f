package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const reference = "../../config/reference.yml"

func generated(t *testing.T, args ...string) string {
	t.Helper()
	list, err := modulesOnce()
	if err != nil {
		t.Fatal(err)
	}
	listed = strings.NewReader(list)
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
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", file, "../..").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building: %w\n%s", err, out)
	}
	return file, nil
})

// modulesOnce is what modules.sh prints.
var modulesOnce = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("sh", "../modules.sh").Output()
	return string(out), err
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

// TestSBOMDetails: what is not in "go version -m". The test of tools/sbom reads a whole one by the schema.
func TestSBOMDetails(t *testing.T) {
	binary := built(t)
	text := generated(t, "sbom", binary)
	var b bom
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	type about struct{ Name, Licenses, PURL string }
	describe := func(c component) about {
		ids := make([]string, len(c.Licenses))
		for i, l := range c.Licenses {
			ids[i] = l.License.ID
		}
		return about{c.Name, strings.Join(ids, " "), c.PURL[:strings.LastIndex(c.PURL, "@")]}
	}
	of := map[string]about{}
	for _, c := range append(b.Components, b.Metadata.Component) {
		of[c.Name] = describe(c)
		if c.Ref != c.PURL {
			t.Errorf("%s is called %s", c.PURL, c.Ref)
		}
	}
	for _, want := range []about{
		{"healthcheck_exporter", "Apache-2.0", "pkg:golang/github.com/healthcheck-exporter/healthcheck_exporter"},
		{"std", "BSD-3-Clause", "pkg:golang/std"},
		{"github.com/gorilla/websocket", "BSD-2-Clause", "pkg:golang/github.com/gorilla/websocket"},
		{"github.com/KimMachineGun/automemlimit", "MIT", "pkg:golang/github.com/kimmachinegun/automemlimit"},
		{"go.yaml.in/yaml/v3", "Apache-2.0 MIT", "pkg:golang/go.yaml.in/yaml/v3"},
	} {
		if diff := cmp.Diff(want, of[want.Name]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	main := b.Metadata.Component
	if want := fmt.Sprintf("%x", sha256.Sum256(content)); main.Version != "1.2.3" || len(main.Hashes) != 1 || main.Hashes[0] != (hash{"SHA-256", want}) {
		t.Errorf("the program is %+v, want 1.2.3 with the SHA-256 %s", main, want)
	}
	// The number is that of the content: the same for the same, another for another release.
	if again := generated(t, "sbom", binary); again != text {
		t.Errorf("another one of the same program differs (-first +second):\n%s", cmp.Diff(text, again))
	}
	var other bom
	if err := json.Unmarshal([]byte(generated(t, "-version", "1.2.4", "sbom", binary)), &other); err != nil {
		t.Fatal(err)
	}
	uuid := regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if !uuid.MatchString(b.Serial) || b.Serial == other.Serial {
		t.Errorf("serial numbers %s and %s, want two UUIDs of version 8", b.Serial, other.Serial)
	}
	if got := purl("example.com/A", "v1.0.0+incompatible"); got != "pkg:golang/example.com/a@v1.0.0%2Bincompatible" {
		t.Errorf("got %s", got)
	}
}

// TestLicenses: the licence of every module is there.
func TestLicenses(t *testing.T) {
	binary := built(t)
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	got := generated(t, "licenses", binary)
	for _, m := range append(info.Deps, &debug.Module{Path: "std", Version: info.GoVersion}) {
		if !regexp.MustCompile(fmt.Sprintf(`(?mi)^%s %s: (licen[sc]e|copying)`, regexp.QuoteMeta(m.Path), regexp.QuoteMeta(m.Version))).MatchString(got) {
			t.Errorf("no licence of %s", m.Path)
		}
	}
	if n := strings.Count(got, "Permission is hereby granted"); n == 0 || strings.Contains(got, "\r") {
		t.Errorf("it has the licence of MIT %d times, or the ends of lines of Windows", n)
	}
	seen := map[string]bool{}
	for text := range strings.SplitSeq(got, strings.Repeat("=", 80)) {
		if seen[text] {
			t.Errorf("a text is there twice; it begins with %.60q", text)
		}
		seen[text] = true
	}
}

// TestBadLicenses: a module without a licence that we know is an error, which names it.
func TestBadLicenses(t *testing.T) {
	binary := built(t)
	list, err := modulesOnce()
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/gorilla/websocket"
	line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(module) + ` .*$`)
	const mit = "Permission is hereby granted,\r\nfree of charge, to any person obtaining a copy"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"none":    {nil, "no licence in "},
		"notice":  {map[string]string{"NOTICE": mit}, "no licence in "},
		"unknown": {map[string]string{"LICENSE": mit, "LICENSE.other": "All rights reserved."}, "LICENSE.other: read it"},
		"gone":    {nil, "its directory is not listed"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.files {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			instead := module + " " + dir
			if name == "gone" {
				instead = ""
			}
			for _, command := range []string{"licenses", "sbom"} {
				listed = strings.NewReader(line.ReplaceAllString(list, instead))
				err := run(&bytes.Buffer{}, []string{command, binary})
				if err == nil || !strings.Contains(err.Error(), "module "+module+": ") || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v, want %q", command, err, c.want)
				}
			}
		})
	}
}

// TestZip: the same bytes whenever it is packed, and every file with its mode, below the name of the directory.
func TestZip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "top")
	for name, mode := range map[string]os.FileMode{"b.exe": 0o755, "a/c.txt": 0o644} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	packed := generated(t, "zip", dir)
	if err := os.Chtimes(filepath.Join(dir, "b.exe"), time.Unix(0, 0), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if generated(t, "zip", dir) != packed {
		t.Error("it depends on the times of files")
	}
	r, err := zip.NewReader(strings.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range r.File {
		from, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %s %s", f.Mode(), f.Modified.UTC().Format(time.RFC3339), f.Name, text))
	}
	want := []string{"-rw-r--r-- 2026-11-29T21:29:25Z top/a/c.txt a/c.txt", "-rwxr-xr-x 2026-11-29T21:29:25Z top/b.exe b.exe"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
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
	for _, args := range [][]string{{}, {"manual"}, {"manual", "a", "b"}, {"bogus", reference}, {"sbom", "missing"}, {"zip", "missing"}, {"sbom", reference}, {"manual", "missing"}} {
		if err := run(&bytes.Buffer{}, args); err == nil {
			t.Errorf("generate %q: no error", args)
		}
	}
}
