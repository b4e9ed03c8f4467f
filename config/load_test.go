package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/golden"
)

// canary is wherever a secret may be in testdata/bad.
const canary = "CANARY"

func TestBad(t *testing.T) {
	for _, file := range glob(t, "testdata/bad/*.yml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := config.Load(file)
			if err == nil {
				t.Fatal("loaded, want an error")
			}
			got := err.Error() + "\n"
			if strings.Contains(got, canary) {
				t.Errorf("a secret is shown:\n%s", got)
			}
			golden.Compare(t, strings.TrimSuffix(file, ".yml")+".want", got)
		})
	}
}

func TestGood(t *testing.T) {
	for _, file := range glob(t, "testdata/good/*.yml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c, err := config.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.YAML()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(got), canary) {
				t.Errorf("a secret is shown:\n%s", got)
			}
			golden.Compare(t, strings.TrimSuffix(file, ".yml")+".want", string(got))
		})
	}
}

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: got %d files, error %v", pattern, len(files), err)
	}
	return files
}

func TestProblem(t *testing.T) {
	_, err := config.Parse("healthcheck.yml", []byte("modules:\n  a:\n    prober: http\n    http:\n      method: GE T\n"))
	problems, ok := err.(config.Errors) //nolint:errorlint // the documentation promises this type, unwrapped
	if !ok {
		t.Fatalf("got %T, want config.Errors", err)
	}
	want := config.Errors{{
		File: "healthcheck.yml", Line: 5, Path: "modules.a.http.method", Message: `"GE T" is not an HTTP method token`,
	}}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if got, want := err.Error(), `healthcheck.yml:5: modules.a.http.method: "GE T" is not an HTTP method token`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// A file of a quite different kind does not produce an endless list.
func TestTooManyProblems(t *testing.T) {
	text := []byte("modules:\n")
	for i := range 5000 {
		text = fmt.Appendf(text, "  m%d: {prober: tcp, attempts: many}\n", i)
	}
	_, err := config.Parse("x.yml", text)
	var problems config.Errors
	if !errors.As(err, &problems) || len(problems) != 1001 {
		t.Fatalf("got %d problems, want 1001", len(problems))
	}
	if got, want := problems[1000].String(), "x.yml:1002: modules.m1000: too many problems, the rest of the file was not read"; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLoadMissing(t *testing.T) {
	if _, err := config.Load("testdata/missing.yml"); err == nil || !strings.Contains(err.Error(), "testdata/missing.yml") {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

func TestLoadDirectoryAsFile(t *testing.T) {
	_, err := config.Parse("x.yml", []byte("modules: {a: {prober: http, http: {body_file: testdata}}}"))
	if err == nil || !strings.Contains(err.Error(), `opening "testdata": not a regular file`) {
		t.Errorf("got %v, want an error about the directory", err)
	}
}

func TestLoadUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, nil, 0); err != nil {
		t.Fatal(err)
	}
	_, err := config.Parse("x.yml", []byte("modules: {a: {prober: http, http: {body_file: "+file+"}}}"))
	if err == nil || !strings.Contains(err.Error(), fs.ErrPermission.Error()) {
		t.Errorf("got %v, want an error about the permission", err)
	}
}

func TestDefault(t *testing.T) {
	c := config.Default()
	m, ok := c.Modules[config.DefaultModule]
	if !ok {
		t.Fatalf("no module %q", config.DefaultModule)
	}
	if got := m.TimeoutOr(time.Minute); got != time.Minute {
		t.Errorf("timeout: got %s, want none of its own", got)
	}
	some := c.Modules["http_any"].HTTP.ValidStatusCodes
	if !some.Contains(503) || !some.Contains(404) || c.Modules["http_any"].HTTP.Client.FollowRedirects {
		t.Error("http_any: want every answer accepted")
	}
	c.Modules = nil
	if len(config.Default().Modules) == 0 {
		t.Error("the default was changed through a copy")
	}
}

func TestValues(t *testing.T) {
	http := func(t *testing.T, text string) config.HTTP {
		t.Helper()
		c, err := config.Parse("x.yml", []byte("modules: {a: {prober: http, http: {"+text+"}}}"))
		if err != nil {
			t.Fatal(err)
		}
		return c.Modules["a"].HTTP
	}
	t.Run("defaults", func(t *testing.T) {
		for _, text := range []string{"", "method: GET", "tls_config: ~"} {
			h := http(t, text)
			if !h.IPProtocolFallback || !h.Client.FollowRedirects || !h.Client.EnableHTTP2 {
				t.Errorf("%q: got %+v, want the defaults", text, h)
			}
		}
	})
	t.Run("null block", func(t *testing.T) {
		c, err := config.Parse("x.yml", []byte("modules:\n  a:\n    prober: http\n    http:\n"))
		if err != nil {
			t.Fatal(err)
		}
		if h := c.Modules["a"].HTTP; !h.IPProtocolFallback || !h.Client.FollowRedirects || !h.Client.EnableHTTP2 {
			t.Errorf("got %+v, want the defaults", h)
		}
	})
	t.Run("no_follow_redirects", func(t *testing.T) {
		for text, want := range map[string]bool{
			"no_follow_redirects: true":                           false,
			"no_follow_redirects: false, follow_redirects: false": true,
			"no_follow_redirects: true, follow_redirects: true":   false,
			"follow_redirects: false":                             false,
		} {
			if h := http(t, text); h.Client.FollowRedirects != want || h.NoFollowRedirects != nil {
				t.Errorf("%s: got %t and %v, want %t and nil", text, h.Client.FollowRedirects, h.NoFollowRedirects, want)
			}
		}
	})
	t.Run("http versions", func(t *testing.T) {
		h := http(t, "valid_http_versions: [HTTP/1.0, HTTP/1.1, HTTP/2, HTTP/2.0, HTTP/3, HTTP/3.0]")
		want := []string{"HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/2.0", "HTTP/3.0", "HTTP/3.0"}
		if !slices.Equal(h.ValidHTTPVersions, want) {
			t.Errorf("got %q, want %q", h.ValidHTTPVersions, want)
		}
	})
	t.Run("compression", func(t *testing.T) {
		if h := http(t, "compression: GZip"); h.Compression != "gzip" {
			t.Errorf("got %q, want gzip", h.Compression)
		}
	})
	t.Run("bearer_token", func(t *testing.T) {
		h := http(t, "bearer_token: token")
		want := &commonconfig.Authorization{Type: "Bearer", Credentials: "token"}
		if diff := cmp.Diff(want, h.Client.Authorization); diff != "" || h.Client.BearerToken != "" {
			t.Errorf("authorization (-want +got):\n%s", diff)
		}
	})
	t.Run("body limit", func(t *testing.T) {
		for text, want := range map[string]int64{
			"":                   config.DefaultBodyLimit,
			"body_size_limit: 0": 0,
			"body_size_limit: 0, fail_if_body_matches_regexp: [x]": config.DefaultBodyLimit,
			"body_size_limit: 64KB":                                64 << 10,
		} {
			if h := http(t, text); h.BodyLimit() != want {
				t.Errorf("%q: got %d, want %d", text, h.BodyLimit(), want)
			}
		}
	})
}

func TestFiles(t *testing.T) {
	c, err := config.Load("testdata/good/blackbox.yml")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"testdata/reference/certs/ca.pem",
		"testdata/reference/certs/client.key",
		"testdata/reference/certs/client.pem",
		"testdata/reference/requests/ping.json",
		"testdata/reference/secrets/api_key",
		"testdata/reference/secrets/password",
		"testdata/reference/secrets/username",
	}
	if diff := cmp.Diff(want, c.Files()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if got := config.Default().Files(); len(got) > 0 {
		t.Errorf("default: got %q, want none", got)
	}
}

// A header or claim whose name looks like the key of a file does not name a file.
func TestFilesByKeyAlone(t *testing.T) {
	c, err := config.Parse("x.yml", []byte("modules: {a: {prober: http, http: {headers: {x_file: y, x_ref: z}}}}"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Files(); len(got) > 0 {
		t.Errorf("got %q, want none", got)
	}
}

// TestStatusAlone: a configuration to begin with has no targets yet, and the modules that are built in.
func TestStatusAlone(t *testing.T) {
	c, err := config.Parse("test.yml", []byte("status: {self_probe: when_stale}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(len(config.Default().Modules), len(c.Modules)); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
}
