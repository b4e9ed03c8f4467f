package app

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// echo answers what the overlays of a target ask for.
func echo(hits *atomic.Int64) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		if r.Method != http.MethodPut || r.Header.Get("X-Tenant") != "shop" || r.Header.Get("X-Module") != "m" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusTeapot)
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/ok", func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "check" { // the restart controller asks for that by itself
			hits.Add(1)
		}
	})
	return mux
}

func TestProbeByName(t *testing.T) {
	var hits atomic.Int64
	target := probetest.Serve(t, echo(&hits))
	o := options(&recorder{})
	text := `
modules: {http_2xx: {prober: http, http: {headers: {X-Module: m}}}}
targets:
  - {name: overlaid, url: '` + target.URL + `/health', timeout: 2s, method: PUT, headers: {X-Tenant: shop}, valid_status_codes: [418], labels: {rack: r1}}
  - {name: plain, url: '` + target.URL + `/health'}
`
	o.ConfigFile = configFile(t, text)
	a := started(t, o)
	for name, want := range map[string][]string{
		"overlaid": {"\nprobe_success 1\n", "\nprobe_timeout_seconds 2\n", "\nprobe_http_status_code 418\n"},
		"plain":    {"\nprobe_success 0\n", "\nprobe_timeout_seconds 10\n", "\nprobe_http_status_code 400\n"},
	} {
		status, body := get(t, a.Addr(), "/probe?name="+name)
		for _, line := range want {
			if status != http.StatusOK || !strings.Contains(body, line) {
				t.Errorf("%s: status %d, want %q in\n%s", name, status, line, body)
			}
		}
	}
	status, body := get(t, a.Addr(), "/probe/all")
	for _, line := range []string{
		"probe_success{environment=\"UNKNOWN\",instance=\"" + target.URL + "/health\",rack=\"r1\",target=\"overlaid\"} 1\n",
		"probe_success{environment=\"UNKNOWN\",instance=\"" + target.URL + "/health\",target=\"plain\"} 0\n",
	} {
		if status != http.StatusOK || !strings.Contains(body, line) {
			t.Errorf("/probe/all: status %d, want %s in\n%s", status, line, body)
		}
	}
	if _, body := get(t, a.Addr(), "/probe/all?name=plain"); strings.Contains(body, "overlaid") {
		t.Errorf("/probe/all?name=plain has more:\n%s", body)
	}
	if status, _ := get(t, a.Addr(), "/probe/all?nam=plain"); status != http.StatusBadRequest {
		t.Errorf("/probe/all?nam=plain: status %d, want 400", status)
	}
	if status, body := get(t, a.Addr(), "/probe?name=other"); status != http.StatusBadRequest || !strings.Contains(body, `unknown name "other"`) {
		t.Errorf("status %d, %s", status, body)
	}
	if got := testutil.ToFloat64(a.metrics.rejected.WithLabelValues(string(collector.RejectedName))); got != 1 {
		t.Errorf("%g rejections, want 1", got)
	}

	writeFile(t, o.ConfigFile, strings.Replace(text, "plain", "other", 1))
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"overlaid": 200, "plain": 400, "other": 200} {
		if status, body := get(t, a.Addr(), "/probe?name="+name); status != want {
			t.Errorf("after the reload, %s: status %d, want %d: %s", name, status, want, body)
		}
	}
}

func TestInventoryOnly(t *testing.T) {
	var hits atomic.Int64
	target := probetest.Serve(t, echo(&hits))
	o := options(&recorder{})
	o.ConfigFile = configFile(t, `
modules: {http_2xx: {prober: http}, bank: {prober: http, http: {bearer_token: canary}}, m: {prober: http, http: {headers: {X-Module: m, X-Tenant: other}}}}
probe: {inventory_only: true}
targets:
  - {name: a, url: '`+target.URL+`/away'}
  - {name: b, url: '`+target.URL+`'}
  - {name: overlaid, url: '`+target.URL+`/health', module: m, method: PUT, headers: {X-Tenant: shop}, valid_status_codes: [418]}
  - {name: post, url: '`+target.URL+`/ok', module: m, method: POST}
  - {name: put, url: '`+target.URL+`/ok', module: m, method: PUT}
restart:
  mode: off
  receiver: {insecure: true}
  services: [{name: s, checks: [{url: '`+target.URL+`/ok?check'}], command: {argv: [/bin/true]}}]
`)
	a := started(t, o)
	for query, want := range map[string]string{
		"target=" + target.URL + "/away":                                     "\nprobe_success 1\n",                           // where it leads to is not in the inventory
		"target=" + target.URL + "/away&module=bank":                         `{phase="prepare",reason="target_forbidden"} 1`, // the token of another module
		"target=" + target.URL + "/health&module=m":                          "\nprobe_success 1\n",                           // as the target has it, and not as the module alone
		"target=" + target.URL + "/health":                                   `{phase="prepare",reason="target_forbidden"} 1`,
		"target=" + target.URL + "/ok&module=m":                              `{phase="prepare",reason="target_forbidden"} 1`, // which of the two
		"target=" + url.QueryEscape(target.URL+"/ok?check") + "&module=bank": `{phase="prepare",reason="target_forbidden"} 1`,
		"target=" + strings.TrimPrefix(target.URL, "http://") + "/away":      "\nprobe_success 1\n",
		"target=" + url.QueryEscape(target.URL+"/ok?check"):                  "\nprobe_success 1\n",
		"name=a":                       "\nprobe_success 1\n",
		"target=" + target.URL + "/ok": `{phase="prepare",reason="target_forbidden"} 1`,
		"target=" + url.QueryEscape(target.URL+"/away?x"):                      `{phase="prepare",reason="target_forbidden"} 1`,
		"target=http://127.0.0.1:1/":                                           `{phase="prepare",reason="target_forbidden"} 1`,
		"target=" + target.URL + "/away&hostname=other.example":                `{phase="prepare",reason="target_forbidden"} 1`,
		"target=" + strings.Replace(target.URL, "://", "://u:p@", 1) + "/away": `{phase="prepare",reason="target_forbidden"} 1`,
	} {
		before := hits.Load()
		status, body := get(t, a.Addr(), "/probe?"+query)
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: status %d, want %q in\n%s", query, status, want, body)
		}
		if strings.Contains(want, "forbidden") && hits.Load() != before {
			t.Errorf("%s: something was sent", query)
		}
	}
}
