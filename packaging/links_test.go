//go:build packages

package packaging

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLinks follows the links on the pages that packages and archives have, which leave out what is for developers alone.
func TestLinks(t *testing.T) {
	const doc = "../dist/build/stage/doc"
	code := regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	link := regexp.MustCompile(`\]\(([^) #]+)`)
	count := 0
	err := filepath.WalkDir(doc, func(page string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(page, ".md") {
			return err
		}
		text, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(string(text), ""), -1) {
			if strings.Contains(m[1], ":") {
				continue
			}
			count++
			to := filepath.Join(filepath.Dir(page), m[1])
			if _, err := os.Stat(to); err != nil || !strings.HasPrefix(to, doc+"/") {
				t.Errorf("%s leads to %s, which packages do not have", page, m[1])
			}
		}
		return nil
	})
	if err != nil || count < 100 {
		t.Errorf("%d links, %v", count, err)
	}
}
