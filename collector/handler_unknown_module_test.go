package collector_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
)

// However many modules there are, and whatever they are called, the answer has some of them and is short.
func TestUnknownModuleOfMany(t *testing.T) {
	for _, tt := range []struct {
		name          string
		many, length  int // modules, and characters of a name beside its number
		asked         string
		parts, absent []string
	}{
		{"as many as are listed", 20, 1, "nope", []string{`"nope", want one of x00, x01, `, ", x19\n"}, []string{"more"}},
		{"one more", 21, 1, "nope", []string{", x19 and 1 more\n"}, []string{"x20"}},
		{"very many", 5000, 1, "nope", []string{" and 4980 more\n"}, nil},
		{"long names", 5000, 300, "nope", []string{`unknown module "nope", want one of xxx`, "bytes…]"}, nil},
		{"asked by a long name", 30, 1, strings.Repeat("n", 9000), []string{"want one of x00, ", " and 10 more\n"}, nil},
		{"asked by what steers a terminal", 1, 1, "%1B%5B2J", []string{`"\x1b[2J", want one of x00`}, []string{"\x1b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			modules := map[string]collector.Module{}
			for i := range tt.many {
				name := fmt.Sprintf("%s%02d", strings.Repeat("x", tt.length), i)
				modules[name] = collector.Module{Name: name}
			}
			got := serving(modules).get(t, "target=http://h/&module="+tt.asked).Body.String()
			for _, part := range tt.parts {
				if !strings.Contains(got, part) {
					t.Errorf("answer is %q, want one with %q", got, part)
				}
			}
			for _, part := range tt.absent {
				if strings.Contains(got, part) {
					t.Errorf("answer is %q, want one without %q", got, part)
				}
			}
			if len(got) > 1100 {
				t.Errorf("answer has %d bytes, want about 1,000 at most", len(got))
			}
		})
	}
}

// A module that was left out is told from one that nobody has.
func TestModuleLeftOut(t *testing.T) {
	h := &collector.Handler{
		Module:  func(string) (collector.Module, bool) { return collector.Module{}, false },
		Modules: func() []string { return []string{"web"} },
		Foreign: func(name string) string { return map[string]string{"ping": "icmp"}[name] },
		Reject:  func(collector.Rejection) {},
	}
	for module, want := range map[string]string{
		"ping": `the module "ping" was left out (--config.ignore-foreign-modules): this exporter probes with "http" and "websocket", and not with "icmp"; ask blackbox_exporter for it` + "\n",
		"nope": `unknown module "nope", want one of web` + "\n",
	} {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?target=a&module="+module, http.NoBody))
		if answer.Code != http.StatusBadRequest || answer.Body.String() != want {
			t.Errorf("%s: got %d %s, want %s", module, answer.Code, answer.Body, want)
		}
	}
}
