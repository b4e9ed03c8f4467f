package collector

import (
	"net/url"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// FuzzTargetParam feeds any query: there is no panic and never a target without a host. What Prometheus encodes and
// what people type comes out as it was.
func FuzzTargetParam(f *testing.F) {
	for _, s := range []string{
		"target=http://h/x?a=b+c", "module=m&target=http%3A%2F%2Fh%2F", "target=%zz", "target=h%3A80", "target", "&&=",
		"http://h/a%2Bb?c=%25", "target=http%253A%252F%252Fh", "target=http://[::1%25eth0]/", "target=://", "target=http%3A%2F%2F%20",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if u, err := prober.ParseTarget(targetParam(s), "http"); err == nil && u.Hostname() == "" {
			t.Errorf("query %q has the target %q, which has no host", s, u)
		}
		if got := targetParam("module=m&target=" + url.QueryEscape(s)); got != s && !strings.Contains(s, " ") {
			t.Errorf("encoded target is %q, want %q", got, s)
		}
		if strings.Contains(s, "://") && !strings.Contains(s, "&") && !encodedQuery(s) {
			if got := targetParam("target=" + s + "&module=m"); got != s {
				t.Errorf("typed target is %q, want %q", got, s)
			}
		}
	})
}
