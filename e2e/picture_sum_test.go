package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// drawn are the files that the list of targets is drawn by, and texts the beginnings of the keys of what it says.
var (
	drawn = []string{"html/layout.html", "html/list.html", "testdata/row.html", "assets/page.css"}
	texts = []string{"nav.", "list.", "filter.", "state.", "reason.", "why.", "age."}
)

// pictureSum is the beginning of the SHA-256 of what the page in the picture is made of.
func pictureSum(t *testing.T) string {
	t.Helper()
	h := sha256.New()
	page := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join("..", "internal", "page", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, name := range drawn {
		h.Write(page(name))
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(page("text/en.json"), &all); err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if slices.ContainsFunc(texts, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			h.Write(all[key])
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:12] + "\n"
}

// TestPictureIsFresh: the picture of the page is of what the page is now, as far as the list of targets in it goes.
func TestPictureIsFresh(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "page.png.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if want := pictureSum(t); string(text) != want {
		t.Errorf("the page has changed since docs/page.png was taken: make picture (docs/page.png.sum is %.12q, want %.12q)", text, want)
	}
}
