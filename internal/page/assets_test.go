package page

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// maxScript is how long the script may be, in bytes.
const maxScript = 5 << 10

// The script is small, and the list has every element and every data attribute that it asks for.
func TestScript(t *testing.T) {
	if len(pageJS) > maxScript {
		t.Errorf("the script has %d bytes, want %d at most", len(pageJS), maxScript)
	}
	w := httptest.NewRecorder()
	newWall(t, 1, market(3)).pages.List(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	html := w.Body.String()
	for asked, attribute := range map[string]string{`\$\("([a-z-]+)"\)`: ` id="`, `dataset\.(ages|zone|mark|list)`: " data-", `(?:tell|later)\("([a-z]+)"\)`: " data-"} {
		found := regexp.MustCompile(asked).FindAllStringSubmatch(string(pageJS), -1)
		if len(found) < 2 {
			t.Errorf("the script has nothing of %s", asked)
		}
		for _, m := range found {
			want := attribute + m[1]
			if strings.HasSuffix(attribute, "-") {
				want += "="
			}
			if !strings.Contains(html, want) {
				t.Errorf("the list lacks %q, which the script asks for", want)
			}
		}
	}
}
