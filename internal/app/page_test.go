package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The list says that a configuration could not be loaded, until one could, and when somebody last asked for targets.
func TestPageSaysWhatIsWrong(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer target.Close()
	good := "modules: {http_2xx: {prober: http}}\ntargets: [{name: shop, url: '" + target.URL + "'}]\n"
	o := options(&recorder{})
	o.ConfigFile = configFile(t, good)
	a := build(t, o)
	h := a.routes()
	list := func() string { return serve(h, http.MethodGet, "/", nil).Body.String() }
	const broken = `class="banner broken"`
	if strings.Contains(list(), broken) {
		t.Error("the page says that the configuration is broken, and it is not")
	}
	for _, step := range []struct {
		text string
		says bool
	}{{"modules: 1", true}, {good, false}} {
		writeFile(t, o.ConfigFile, step.text)
		a.loadEvery = 0
		_ = a.Reload() // the page says whether it failed
		if got := list(); strings.Contains(got, broken) != step.says {
			t.Errorf("with the configuration %q the page says that it is broken: %t, want %t", step.text, !step.says, step.says)
		}
	}
	if health := a.health(); !health.Discovered.IsZero() || !health.Scraped.IsZero() || health.Started.IsZero() {
		t.Errorf("before anybody asked: %+v", health)
	}
	begin := time.Now()
	serve(h, http.MethodGet, "/sd", nil)
	serve(h, http.MethodGet, "/probe?target="+target.URL+"/other&module=http_2xx", nil)
	if health := a.health(); health.Discovered.Before(begin) || !health.Scraped.IsZero() {
		t.Errorf("after /sd and a probe of a URL: %+v", health)
	}
	a.probeOwn(t.Context(), "shop")
	if health := a.health(); !health.Scraped.IsZero() {
		t.Errorf("after a probe of our own: %+v", health)
	}
	serve(h, http.MethodGet, "/probe?name=shop", nil)
	if health := a.health(); health.Scraped.Before(begin) {
		t.Errorf("after a scrape: %+v", health)
	}
	if got := list(); !strings.Contains(got, ">shop</a>") || !strings.Contains(got, `class="up"`) {
		t.Errorf("the page does not show that the target is up:\n%s", got)
	}
}
