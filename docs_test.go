package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// TestTroubleshootingExamples loads the configurations on the page.
func TestTroubleshootingExamples(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(examples) < 3 {
		t.Errorf("got %d examples, want 3", len(examples))
	}
	for _, b := range examples {
		text := strings.ReplaceAll(b[1], "/etc/healthcheck_exporter/secrets/api_token", secret)
		if _, err := config.Parse("docs", []byte(text)); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}

// TestFlows looks up the functions that CONTRIBUTING names with their files: a reader goes there.
func TestFlows(t *testing.T) {
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	err = filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if path == ".git" && entry.IsDir() { // it changes while it is read
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			files = append(files, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9_/]+\\.go): ([A-Za-z]+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 20 {
		t.Errorf("%d functions are named, want those of a scrape, a webhook and a reload", len(named))
	}
	for _, m := range named {
		declared := regexp.MustCompile(`(?m)^(func (\([^)]*\) )?|type )` + m[2] + `\b`)
		found := slices.ContainsFunc(files, func(path string) bool {
			source, err := os.ReadFile(path)
			return strings.HasSuffix("/"+path, "/"+m[1]) && err == nil && declared.Match(source)
		})
		if !found {
			t.Errorf("there is no %s in %s", m[2], m[1])
		}
	}
}

// TestMap: the map leads to every page, and the README to the map.
func TestMap(t *testing.T) {
	linked := func(file, page string) bool {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile(`\]\(` + regexp.QuoteMeta(page) + `[)#]`).Match(text)
	}
	if !linked("README.md", "docs/README.md") {
		t.Error("README.md does not lead to docs/README.md")
	}
	for _, page := range pages(t) {
		page = strings.TrimPrefix(page, "docs/")
		if page != "README.md" && !linked("docs/README.md", page) {
			t.Errorf("docs/README.md does not lead to %s", page)
		}
	}
}

// TestLinks follows the links of all pages, to files and to headings.
func TestLinks(t *testing.T) {
	fenced := regexp.MustCompile("(?s)\n *(?:```|~~~).*?\n *(?:```|~~~)")
	inline := regexp.MustCompile("`[^`\n]*`")
	headings := map[string][]string{} // by page
	links := map[string][]string{}
	err := filepath.WalkDir(".", func(page string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "dist", "node_modules"}, entry.Name()):
			return fs.SkipDir
		case filepath.Ext(page) != ".md":
			return nil
		}
		text, err := os.ReadFile(page)
		prose := fenced.ReplaceAllString(string(text), "")
		for _, m := range regexp.MustCompile("(?m)^#+ (.*)$").FindAllStringSubmatch(prose, -1) {
			headings[page] = append(headings[page], anchor(m[1], headings[page]))
		}
		for _, m := range regexp.MustCompile(`\]\(([^) ]+)`).FindAllStringSubmatch(inline.ReplaceAllString(prose, ""), -1) {
			if !strings.Contains(m[1], ":") {
				links[page] = append(links[page], m[1])
			}
		}
		return err
	})
	if err != nil || len(links) < 50 {
		t.Fatalf("%d pages have links, %v", len(links), err)
	}
	for page, all := range links {
		for _, link := range all {
			file, heading, toHeading := strings.Cut(link, "#")
			to := page
			if file != "" {
				to = filepath.Join(filepath.Dir(page), filepath.FromSlash(file))
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: dead link to %s", page, link)
			} else if toHeading && !slices.Contains(headings[to], heading) {
				t.Errorf("%s: %s has no heading for %s", page, to, link)
			}
		}
	}
}

// anchor is what leads to a heading, beside those before it.
func anchor(heading string, before []string) string {
	heading = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`).ReplaceAllString(heading, "$1")
	plain := regexp.MustCompile(`[^\p{L}\p{N}\p{M} _-]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
	slug := strings.ReplaceAll(plain, " ", "-")
	for n := 1; slices.Contains(before, slug); n++ {
		slug = fmt.Sprintf("%s-%d", strings.ReplaceAll(plain, " ", "-"), n)
	}
	return slug
}

// TestFirstScreen: each page begins with what to type, or where to click.
func TestFirstScreen(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(filepath.FromSlash(page))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfterN(string(text), "\n", 21)
		first := strings.Join(lines[:min(len(lines), 20)], "")
		if !regexp.MustCompile("(?m)^ *```(sh|bash|console|yaml)?$|^Open <http").MatchString(first) {
			t.Errorf("%s does not begin with what to type:\n%s", page, first)
		}
	}
}

// TestTranslations: a translation has the commands of the English page, and says in its first line which text of it was translated, by the
// beginning of its SHA-256. So whoever changes an English page hears which translation has to follow.
func TestTranslations(t *testing.T) {
	translations, err := filepath.Glob("*.ko.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages(t) {
		if strings.HasSuffix(page, ".ko.md") {
			translations = append(translations, page)
		}
	}
	if len(translations) < 2 {
		t.Errorf("got %d translations, want README.ko.md and docs/quickstart.ko.md at least", len(translations))
	}
	for _, page := range translations {
		english := strings.TrimSuffix(page, ".ko.md") + ".md"
		from, err := os.ReadFile(english)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(from)
		want := fmt.Sprintf("<!-- %s sha256:%x -->", filepath.Base(english), sum[:6])
		if first, _, _ := strings.Cut(string(text), "\n"); first != want {
			t.Errorf("%s has changed since it was translated (git log -p %s): bring %s up to date, and then make its first line\n%s\nwhich is now\n%s", english, english, page, want, first)
		}
		if diff := cmp.Diff(blocks(from), blocks(text)); diff != "" {
			t.Errorf("code in %s differs (-%s +%s):\n%s", page, english, page, diff)
		}
	}
}

// blocks returns the blocks of code of a page.
func blocks(page []byte) []string {
	return regexp.MustCompile("(?s)\n *```.*?\n *```\n").FindAllString(string(page), -1)
}

// pages are the pages of docs/ that people look up by themselves; what leads to a runbook is its alert.
func pages(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"docs/*.md", "docs/restart/*.md"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			found = append(found, filepath.ToSlash(name))
		}
	}
	if len(found) < 30 {
		t.Fatalf("got %d pages, want 30 at least", len(found))
	}
	return found
}
