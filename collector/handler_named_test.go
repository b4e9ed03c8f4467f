package collector_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func TestNamed(t *testing.T) {
	s := &spy{result: prober.Result{Attempts: 1}}
	f := serving(nil)
	f.handler.Target = func(name string) (collector.Target, bool) {
		u := &url.URL{Scheme: "https", Host: "shop.example", RawQuery: "token=canary"}
		m := collector.Module{Name: "m", Config: config.Module{Timeout: config.Duration(3 * time.Second)}, Prober: s}
		return collector.Target{Name: name, Module: m, Request: prober.Request{URL: u}}, name == "shop & co"
	}
	f.handler.Permit = func(collector.Target) (collector.Target, error) {
		return collector.Target{}, errors.New("only for URLs")
	}
	w := f.get(t, "name=shop+%26+co")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "\nprobe_success 1\n") || !strings.Contains(w.Body.String(), "\nprobe_timeout_seconds 3\n") {
		t.Errorf("status %d, %s", w.Code, w.Body)
	}
	if got := s.request.URL.String(); got != "https://shop.example?token=canary" {
		t.Errorf("%s was probed", got)
	}
	if p := f.last(t); p.Target != "shop & co" || p.Module != "m" {
		t.Errorf("got target %q, module %q", p.Target, p.Module)
	}
	if body := f.get(t, "name=shop+%26+co&debug=true").Body.String(); strings.Contains(body, "canary") {
		t.Errorf("a secret is shown: %s", body)
	}
}

func TestPermit(t *testing.T) {
	s := &spy{}
	f := serving(map[string]collector.Module{config.DefaultModule: {Name: config.DefaultModule, Prober: s}})
	f.handler.Permit = func(asked collector.Target) (collector.Target, error) {
		r := asked.Request
		if r.URL.Host != "good.example" || r.Hostname != "" || asked.Module.Name != config.DefaultModule || asked.Name != "" {
			return asked, errors.New("not in the inventory")
		}
		asked.Name, asked.Request.URL = "good", &url.URL{Scheme: "http", Host: "good.example", Path: "/inventory"}
		return asked, nil
	}
	if body := f.probe(t, "http://good.example/"); !strings.Contains(body, "\nprobe_success 1\n") {
		t.Errorf("a good one: %s", body)
	}
	if p := f.last(t); p.Target != "good" || s.request.URL.Path != "/inventory" {
		t.Errorf("got target %q and %s, want those of Permit", p.Target, s.request.URL)
	}
	s.request = prober.Request{}
	for _, q := range []string{query("http://bad.example/"), query("http://good.example/", "hostname=bad.example")} {
		w := f.get(t, q)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "\nprobe_success 0\n") ||
			!strings.Contains(w.Body.String(), `probe_failure_info{phase="prepare",reason="target_forbidden"} 1`) {
			t.Errorf("%s: status %d, %s", q, w.Code, w.Body)
		}
		if p := f.last(t); p.Result.Reason != prober.ReasonTargetForbidden || s.request.URL != nil {
			t.Errorf("%s: got %+v, want it refused and nothing sent", q, p.Result)
		}
	}
}
