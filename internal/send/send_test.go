package send

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A body is sent in the coding that the client likes, or not at all if the client has it.
func TestBody(t *testing.T) {
	short, long := []byte("short"), bytes.Repeat([]byte("0123456789abcdef"), 200)
	for _, tc := range []struct {
		name, accept, match string
		body                []byte
		status              int
		coding              string
	}{
		{"short", "gzip", "", short, 200, ""},
		{"long", "gzip", "", long, 200, "gzip"},
		{"anything", "*", "", long, 200, "gzip"},
		{"nothing said", "", "", long, 200, ""},
		{"refused", "gzip;q=0", "", long, 200, ""},
		{"another", "br, deflate", "", long, 200, ""},
		{"known", "gzip", ETag(long), long, 304, ""},
		{"known, weak", "gzip", "W/" + ETag(long), long, 304, ""},
		{"known, among others", "", `"x", ` + ETag(long), long, 304, ""},
		{"whatever there is", "", "*", long, 304, ""},
		{"known is another", "gzip", ETag(short), long, 200, "gzip"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, w := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody), httptest.NewRecorder()
			r.Header.Set("Accept-Encoding", tc.accept)
			if tc.match != "" {
				r.Header.Set("If-None-Match", tc.match)
			}
			w.Header().Set("Content-Type", "text/plain")
			Body(w, r, ETag(tc.body), tc.body)
			if w.Code != tc.status || w.Header().Get("Content-Encoding") != tc.coding {
				t.Fatalf("status %d in %q, want %d in %q", w.Code, w.Header().Get("Content-Encoding"), tc.status, tc.coding)
			}
			if w.Header().Get("ETag") != ETag(tc.body) || !strings.Contains(w.Header().Get("Vary"), "Accept-Encoding") {
				t.Errorf("the header is %v", w.Header())
			}
			var from io.Reader = w.Body
			if tc.coding != "" {
				z, err := gzip.NewReader(w.Body)
				if err != nil {
					t.Fatal(err)
				}
				from = z
			}
			got, err := io.ReadAll(from)
			if err != nil || tc.status == http.StatusOK && !bytes.Equal(got, tc.body) || tc.status != http.StatusOK && len(got) > 0 {
				t.Errorf("got %d bytes, %v; want %d", len(got), err, len(tc.body))
			}
		})
	}
}

// The header may be there several times (RFC 9110, section 5.3).
func TestHas(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.Header["If-None-Match"] = []string{`"a"`, `"b"`}
	for etag, want := range map[string]bool{`"a"`: true, `"b"`: true, `"c"`: false} {
		if got := Has(r, etag); got != want {
			t.Errorf("Has(%s) is %t, want %t", etag, got, want)
		}
	}
}
