package collector_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A target that is not a URL is a failed probe and not a failed scrape, as with blackbox_exporter.
func TestUnprobeable(t *testing.T) {
	for name, tt := range map[string]struct{ query, text string }{
		"another scheme":         {"target=foo://h/", `scheme "foo", want http or https`},
		"ftp":                    {"target=ftp://h/", `scheme "ftp", want http or https`},
		"encoded colon":          {query("http%3A//h/"), "target is not a URL"},
		"no host":                {"target=http:///x", "no host"},
		"encoded without a host": {"target=http%3A%2F%2F", "no host"},
		"port":                   {"target=http://h:99999/", "99999, want 1 to 65535"},
		"empty port":             {"target=http://h:/", "empty port"},
		"space in the host":      {"target=h+h%20h", "invalid character in its host name"},
		"bad encoding":           {"target=h%zz", "target is"},
		"secret":                 {"target=http://u:canary@h:canary/?canary=canary", "port is not a number"},
		"IPv6 without brackets":  {"target=::1", "target is"},
		"of a confined module":   {"target=foo://canary&module=bank", "scheme"},
		"control character":      {"target=http%3A%2F%2Fh%0Acanary", "target is not a URL"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, hosted)
			w := f.get(t, tt.query)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "\nprobe_success 0\n") {
				t.Fatalf("status %d, want 200 and probe_success 0:\n%s", w.Code, w.Body)
			}
			p := f.last(t)
			if p.Result.Reason != prober.ReasonTargetForbidden || !strings.Contains(p.Result.Err.Error(), tt.text) {
				t.Errorf("reason is %q (%v), want one with %q", p.Result.Reason, p.Result.Err, tt.text)
			}
			debug := f.get(t, tt.query+"&debug=true").Body.String()
			if strings.Contains(debug+w.Body.String(), "canary") && name != "of a confined module" {
				t.Errorf("it repeats the target:\n%s", debug)
			}
			if len(f.rejected) != 0 {
				t.Errorf("rejected as %q", f.rejected)
			}
		})
	}
}
