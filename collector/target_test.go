package collector_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// A recorder is a target that answers 200 and remembers what it was asked.
type recorder struct {
	*probetest.Server

	mu       sync.Mutex // protects the following
	requests []*http.Request
}

func record(t testing.TB) *recorder {
	t.Helper()
	rec := &recorder{}
	rec.Server = probetest.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		rec.mu.Lock()
		defer rec.mu.Unlock()
		rec.requests = append(rec.requests, r)
	}))
	return rec
}

// last returns the last request.
func (rec *recorder) last(t testing.TB) *http.Request {
	t.Helper()
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if len(rec.requests) == 0 {
		t.Fatal("the target was not asked")
	}
	return rec.requests[len(rec.requests)-1]
}

// TestTargetEncodings checks that the target sees the request URI that the user wrote, byte for byte, however the
// query of /probe was encoded.
func TestTargetEncodings(t *testing.T) {
	rec := record(t)
	f := newFixture(t, hosted)
	for _, tt := range []struct {
		name, uri string
		want      string // empty: uri
		typed     string // empty: uri
	}{
		{name: "no path", uri: "", want: "/"},
		{name: "path", uri: "/health"},
		{name: "plus", uri: "/a+b?c=d+e"},
		{name: "encoded plus", uri: "/a%2Bb?c=d%2Be"},
		{name: "both pluses", uri: "/?t=2026-01-01T00:00:00+01:00&u=%2B01:00"},
		{name: "encoded percent", uri: "/100%25?p=100%25"},
		{name: "encoded twice", uri: "/?p=%252F"},
		{name: "encoded space", uri: "/a%20b?c%20d=e%20f"},
		{name: "encoded slash", uri: "/a%2Fb?c=%2Fd"},
		{name: "lower-case encoding", uri: "/a%2fb?c=%2fd"},
		{name: "needless encoding", uri: "/%7Euser?%61=%62"},
		{name: "encoded ampersand", uri: "/x?a=1%26b%3D2"},
		{name: "encoded hash", uri: "/a%23b?c=%23d"},
		{name: "encoded question mark", uri: "/a%3Fb"},
		{name: "half encoded by hand", typed: "/x%3Fa%3D1%26b%3D2", uri: "/x?a=1&b=2"},
		{name: "semicolon", uri: "/a;v=1?b=1;c=2"},
		{name: "encoded unicode", uri: "/%C3%BC?q=%E2%9C%93"},
		{name: "unicode in the path", uri: "/ü", want: "/%C3%BC"}, // as every browser does
		{name: "unicode in the query", uri: "/?q=ü"},
		{name: "encoded URL", uri: "/login?next=http%3A%2F%2Fother%2F%3Fa%3Db"},
		{name: "URL", uri: "/login?next=http://other/?a=b"},
		{name: "target in the target", uri: "/probe?target=http%3A%2F%2Fother"},
		{name: "empty query", uri: "/x?"},
		{name: "bad encoding in the query", uri: "/x?a=%zz&b=100%"},
		{name: "double slash", uri: "//a//b"},
		{name: "dots", uri: "/a/../b/./c"},
		{name: "quotes", uri: "/x?q='a'(b)*!$,"},
		{name: "fragment", uri: "/x?a=b#top", want: "/x?a=b"},
	} {
		want := tt.want
		if want == "" {
			want = tt.uri
		}
		target := rec.URL + tt.uri
		queries := map[string]string{
			"by Prometheus":       query(target, "module=http_2xx"),
			"by Prometheus twice": query(strings.NewReplacer("%", "%25", "+", "%2B", ":", "%3A", "/", "%2F", "&", "%26").Replace(target)),
			"upper case":          "module=http_2xx&" + strings.Replace(query(target), "http%3A%2F%2F", "HTTP%3A%2F%2F", 1),
		}
		if !strings.ContainsAny(tt.uri, "&#") && tt.uri != "/a%3Fb" { // Those end the target or the query, or read as encoded.
			queries["typed"] = "module=http_2xx&target=" + target
			queries["typed first"] = "target=" + target + "&module=http_2xx"
		}
		if tt.typed != "" {
			queries = map[string]string{"typed": "target=" + rec.URL + tt.typed}
		}
		for _, how := range slices.Sorted(maps.Keys(queries)) {
			t.Run(tt.name+" "+how, func(t *testing.T) {
				if w := f.get(t, queries[how]); w.Code != http.StatusOK {
					t.Fatalf("%s: status %d: %s", queries[how], w.Code, w.Body)
				}
				if p := f.last(t); !p.Result.Success() {
					t.Fatalf("%s: probe failed: %v", queries[how], p.Result.Err)
				}
				if got := rec.last(t).RequestURI; got != want {
					t.Errorf("%s: the target saw %q, want %q", queries[how], got, want)
				}
			})
		}
	}
}

// TestTargetForms checks targets that are not written as a whole URL.
func TestTargetForms(t *testing.T) {
	rec := record(t)
	f := newFixture(t, hosted)
	for _, tt := range []struct{ name, query, want string }{
		{"without a scheme", "target=" + rec.Addr + "/x?a=b", "/x?a=b"},
		{"without a scheme, by Prometheus", query(rec.Addr + "/x?a=b+c%25"), "/x?a=b+c%25"},
		{"encoded", "target=http%3A%2F%2F" + rec.Addr + "%2Fx%3Fa%3D1%2B2", "/x?a=1+2"},
		{"encoded in lower case", "target=http%3a%2f%2f" + rec.Addr + "%2fx", "/x"},
		{"space by Prometheus", query(rec.URL + "/x?a=b c"), "/x?a=b+c"},
		{"the first of two", "target=" + rec.URL + "/1&target=" + rec.URL + "/2", "/1"},
		{"ampersand ends what is typed", "target=" + rec.URL + "/x?a=b&c=d", "/x?a=b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if w := f.get(t, tt.query); w.Code != http.StatusOK {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			if got := rec.last(t).RequestURI; got != tt.want {
				t.Errorf("the target saw %q, want %q", got, tt.want)
			}
		})
	}
}
