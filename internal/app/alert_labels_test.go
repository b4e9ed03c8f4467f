package app

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// readYAML reads a file of the repository.
func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile("../../" + file)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The labels that are worked out here are those that Prometheus makes, by /sd, the job of the example, and the rules that are shipped.
func TestAlertLabels(t *testing.T) {
	o := options(&recorder{})
	o.ConfigFile = configFile(t, `
modules: {http_2xx: {prober: http}}
targets:
  - {name: shop, url: 'http://user:canary@127.0.0.1:1/health?token=canary', environment: LIVE, labels: {team: shop, empty: '', severity: none, alertname: Mine}}
  - {name: '서버 1', url: 'http://127.0.0.1:1/', environment: DEV, labels: {tier: front}}
  - {name: lost, url: 'http://127.0.0.1:1/x'}
`)
	a := started(t, o)
	var prometheus struct {
		Scrapes []struct {
			Job string `yaml:"job_name"`
			SD  []any  `yaml:"http_sd_configs"`
		} `yaml:"scrape_configs"`
	}
	readYAML(t, "examples/prometheus/prometheus.yml", &prometheus)
	job := ""
	for _, s := range prometheus.Scrapes {
		if len(s.SD) > 0 {
			job = s.Job
		}
	}
	var groups []struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	if _, body := get(t, a.Addr(), "/sd"); json.Unmarshal([]byte(body), &groups) != nil || len(groups) != 4 {
		t.Fatalf("/sd has %s", body)
	}
	for _, g := range groups {
		if g.Labels["target"] == "" {
			continue // the exporter itself
		}
		want := map[string]string{"job": job}
		for name, value := range g.Labels {
			if !strings.HasPrefix(name, "__") && value != "" {
				want[name] = value
			}
		}
		maps.Copy(want, downRule(t, want))
		got := alertLabels(a.currentInventory().ByName(g.Labels["target"]))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-Prometheus +ours):\n%s", g.Labels["target"], diff)
		}
	}
}

// downRule is what the rule adds that fires for a series with these labels.
func downRule(t *testing.T, series map[string]string) map[string]string {
	t.Helper()
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Labels      map[string]string
			}
		}
	}
	readYAML(t, "mixin/prometheus_alerts.yaml", &rules)
	selector := regexp.MustCompile(`probe_success:down\{([^}]*)\}`)
	var found []map[string]string
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if r.Alert != "HealthcheckTargetDown" {
				continue
			}
			selects := true
			for text := range strings.SplitSeq(selector.FindStringSubmatch(r.Expr)[1], ",") {
				m, err := alertconf.ParseMatcher(text)
				if err != nil {
					t.Fatal(err)
				}
				selects = selects && m.Selects(series)
			}
			if selects {
				r.Labels["alertname"] = r.Alert
				found = append(found, r.Labels)
			}
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d rules fire for %v, want one", len(found), series)
	}
	return found[0]
}

// What a test of a channel is marked with is what the restart receiver goes by.
func TestTestLabels(t *testing.T) {
	if alertconf.TestLabel != restart.TestLabel {
		t.Errorf("a test of a channel has the label %s, and the restart receiver ignores %s", alertconf.TestLabel, restart.TestLabel)
	}
}
