package collector_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// beside are the two exporters with the same configuration.
type beside struct {
	there, here func(t *testing.T, query string) reply
}

// startBlackbox starts the real one beside ours. It skips the test where it is not installed.
func startBlackbox(t *testing.T, text string) beside {
	t.Helper()
	program, err := exec.LookPath("prometheus-blackbox-exporter")
	if err != nil {
		t.Skip("prometheus-blackbox-exporter is not installed")
	}
	file := filepath.Join(t.TempDir(), "blackbox.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	cmd := exec.CommandContext(t.Context(), program, "--config.file="+file, "--web.listen-address="+address)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	there := func(t *testing.T, query string) reply {
		t.Helper()
		return fetch(t, "http://"+address+"/probe?"+query)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		if c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address); err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("blackbox_exporter does not listen")
		}
		<-time.After(10 * time.Millisecond)
	}
	f := newFixture(t, text)
	ours := httptest.NewServer(f.handler)
	t.Cleanup(ours.Close)
	return beside{there, func(t *testing.T, query string) reply {
		t.Helper()
		return fetch(t, ours.URL+"/probe?"+query)
	}}
}

// A reply is an answer to a scrape, decompressed.
type reply struct {
	status       int
	coding, text string
}

// fetch asks for a compressed answer, and decompresses it.
func fetch(t *testing.T, url string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var r io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if r, err = gzip.NewReader(resp.Body); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header.Get("Content-Encoding"), string(text)}
}

// names are the metrics of an exposition.
func names(text string) []string {
	all := regexp.MustCompile(`(?m)^[a-z][a-z_]*`).FindAllString(text, -1)
	slices.Sort(all)
	return slices.Compact(all)
}

// TestBlackbox probes with blackbox_exporter and with ours: what is not in the table of differences is the same.
func TestBlackbox(t *testing.T) {
	proxy := probetest.Answer(t, "HTTP/1.1 200 OK\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\nContent-Length: 0\r\n\r\n", false)
	coded := probetest.Answer(t, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00", false)
	echo := probetest.Echo(t)
	http2 := probetest.EchoTLS(t, probetest.NewCA(t).Issue(t, probetest.Cert{}), "h2")
	both := startBlackbox(t, fmt.Sprintf(`
modules:
  http_2xx: {prober: http, http: {preferred_ip_protocol: ip4, headers: {Connection: keep-alive, TE: trailers}, tls_config: {insecure_skip_verify: true}}}
  version: {prober: http, http: {preferred_ip_protocol: ip4, valid_http_versions: [HTTP/2], tls_config: {insecure_skip_verify: true}}}
  proxied: {prober: http, http: {preferred_ip_protocol: ip4, proxy_url: %q}}
  page: {prober: http, http: {preferred_ip_protocol: ip4, fail_if_body_matches_regexp: [DOCTYPE]}}
`, proxy.URL))
	for name, target := range map[string]string{
		"well": echo.URL, "HTTP/2": http2.URL, "encoded": strings.Replace(echo.URL, ":", "%3A", 1), "encoded twice": strings.Replace(echo.URL, ":", "%253A", 1),
		"another scheme": "foo://127.0.0.1/", "no host": "http:///x", "port": "http://127.0.0.1:99999/", "closed": "http://127.0.0.1:1/", "nothing": "",
	} {
		t.Run(name, func(t *testing.T) {
			query := "module=http_2xx&target=" + target
			there, here := both.there(t, query), both.here(t, query)
			if there.status != here.status {
				t.Fatalf("status %d there and %d here", there.status, here.status)
			}
			if there.status != http.StatusOK {
				return
			}
			was, is := there.text, here.text
			if succeeds := strings.Contains(was, "\nprobe_success 1\n"); succeeds != strings.Contains(is, "\nprobe_success 1\n") {
				t.Errorf("success is %t there, and not here:\n%s", succeeds, is)
			}
			if name == "HTTP/2" && (!strings.Contains(was, "\nprobe_http_version 2\n") || !strings.Contains(is, "\nprobe_http_version 2\n")) {
				t.Errorf("want HTTP/2 on both sides, got there:\n%s\nand here:\n%s", was, is)
			}
			ours := []string{"probe_attempts", "probe_failure_info", "probe_timeout_seconds"}
			extra := slices.DeleteFunc(names(is), func(n string) bool { return slices.Contains(names(was), n) || slices.Contains(ours, n) })
			missing := slices.DeleteFunc(names(was), func(n string) bool { return slices.Contains(names(is), n) })
			if target != "foo://127.0.0.1/" && len(missing) > 0 || name == "well" && len(extra) > 0 {
				t.Errorf("only there: %q; only here: %q", missing, extra)
			}
		})
	}
	only := func(query, in string) func(*testing.T) {
		return func(t *testing.T) {
			if was, is := both.there(t, query).text, both.here(t, query).text; strings.Contains(was, in) || !strings.Contains(is, in) {
				t.Errorf("want %q here alone:\n%s", in, is)
			}
		}
	}
	differences := map[string]func(*testing.T){
		"reason":   only("module=http_2xx&target=http://127.0.0.1:1/", `probe_failure_info{phase="connect",reason="connect_refused"} 1`),
		"time":     only("module=http_2xx&target="+echo.URL, "probe_timeout_seconds 10\n"),
		"proxy":    only("module=proxied&target="+echo.URL, "probe_success 0\n"),
		"versions": only("module=version&target="+http2.URL, "probe_success 1\n"),
		"coding":   only("module=page&target="+coded.URL, "probe_success 0\n"),
		"debug":    only("module=http_2xx&debug=true&target="+echo.URL, "  Resolved target address host=127.0.0.1"),
		"gzip": func(t *testing.T) {
			query := "module=http_2xx&target=" + echo.URL
			if was, is := both.there(t, query), both.here(t, query); was.coding != "gzip" || is.coding != "" {
				t.Errorf("Content-Encoding is %q there and %q here", was.coding, is.coding)
			}
		},
		"HTTP/3": func(t *testing.T) {
			if _, err := config.Parse("test.yml", []byte("modules: {m: {prober: http, http: {enable_http2: true, enable_http3: true}}}")); err != nil {
				t.Error(err)
			}
		},
	}
	var tried []string
	for name, try := range differences {
		tried = append(tried, name)
		t.Run("different: "+name, try)
	}
	slices.Sort(tried)
	if diff := cmp.Diff(tried, differing(t)); diff != "" {
		t.Errorf("docs/blackbox.md (-tried +documented):\n%s", diff)
	}
}

// differing are the differences in the docs.
func differing(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../docs/blackbox.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^\| ([^|]+) \| [^|]+ \| [^|]+ \|$`).FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return all
}
