//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// pageBase is a base file without times to wait for, but for the path of the templates.
const pageBase = `templates: ['%s']
route:
  receiver: nobody
  routes:
    - receiver: healthcheck-channels
      matchers: ['alertname=~"Healthcheck.+"']
receivers:
  - name: nobody
  - name: pagerduty-ops
  - name: healthcheck-channels
`

// TestPageChannels is what people do with channels in a real browser, with the real program and a fake Alertmanager that reads what
// the program writes. Pictures of it are left in dist/page.
func TestPageChannels(t *testing.T) {
	needs(t, "node", "npm", "chromium")
	home := t.TempDir()
	base, out := filepath.Join(home, "base.yml"), filepath.Join(home, "out")
	file := filepath.Join(out, "alertmanager.yml")
	if err := os.WriteFile(base, fmt.Appendf(nil, pageBase, binaries.Shipped("examples", "alertmanager", "healthcheck.tmpl")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	am := probetest.NewAlertmanager(t)
	am.ReadFrom(file)
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hook.Close)
	pair := lonely(t, fmt.Sprintf(`modules: {http_2xx: {prober: http}}
%s    - {name: ops, role: operate, environments: [DEV], bearer_token: ops-0123456789abcdef0123456789abcdef00}
status: {links: {alertmanager: 'https://am.example/'}}
targets:
  - {name: shop, url: 'http://127.0.0.1:1/', environment: LIVE}
  - {name: wiki, url: 'http://127.0.0.1:1/', environment: DEV}
alertmanager:
  base: %s
  dir: %s
  channel_hosts: [hooks.slack.com, '%s']
  servers: [{name: am-1, url: '%s'}]
`, people, base, out, hook.Listener.Addr(), am.URL))
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/quirk":
			am.Set("", r.URL.Query().Get("is"))
		case "/spoil": // somebody else writes to the file
			text, err := os.ReadFile(file)
			if err == nil {
				err = os.WriteFile(file, append(text, "# mine\n"...), 0o600)
			}
			if err != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		case "/runs":
			text, _ := am.Loaded()
			fmt.Fprint(w, text)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(control.Close)

	browse(t, "channels.test.mjs", "PAGE_URL=http://"+pair.Exporter+"/", "CONTROL_URL="+control.URL, "HOOK="+hook.URL)
}
