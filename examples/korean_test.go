package examples

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// TestKoreanTags: the Korean templates decide as the English ones do, whatever is said in between: the same names, with the same tags in
// each, though perhaps in another order.
func TestKoreanTags(t *testing.T) {
	want, got := tags(t, "alertmanager/healthcheck.tmpl"), tags(t, "alertmanager/healthcheck.ko.tmpl")
	if len(want) < 15 {
		t.Errorf("got %d templates, want 15 at least", len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("healthcheck.ko.tmpl differs from healthcheck.tmpl (-en +ko):\n%s", diff)
	}
}

// tags returns the tags of each template of a file, sorted. Comments, white space, and text for people in a tag are left out.
func tags(t *testing.T, file string) map[string][]string {
	t.Helper()
	text := regexp.MustCompile(`(?s)\{\{/\*.*?\*/\}\}`).ReplaceAllString(read(t, file), "")
	found := map[string][]string{}
	name := ""
	for _, m := range regexp.MustCompile(`(?s)\{\{-?\s*(.*?)\s*-?\}\}`).FindAllStringSubmatch(text, -1) {
		tag := regexp.MustCompile(`"\\n\*[^"]*"`).ReplaceAllString(m[1], `"TEXT"`)
		if d := regexp.MustCompile(`^define "(.*)"$`).FindStringSubmatch(tag); d != nil {
			name = d[1]
		}
		found[name] = append(found[name], tag)
	}
	for _, all := range found {
		slices.Sort(all)
	}
	return found
}

// TestKoreanWords: Slack and the page call a reason by the same words.
func TestKoreanWords(t *testing.T) {
	var page map[string]string
	if err := json.Unmarshal([]byte(read(t, "../internal/page/text/ko.json")), &page); err != nil {
		t.Fatal(err)
	}
	text := read(t, "alertmanager/healthcheck.ko.tmpl")
	for _, r := range prober.Reasons() {
		if r.Reason == prober.ReasonStatus { // "status 503" needs no words
			continue
		}
		if want := fmt.Sprintf("if match \"^%s\\\\b\" . }}%s\n", r.Reason, page["reason."+string(r.Reason)]); strings.Count(text, want) != 1 {
			t.Errorf("healthcheck.ko.tmpl does not have %q once", want)
		}
	}
}

// TestKorean renders the same alerts by both files: the titles are these, and dates, links, names and codes are in both.
func TestKorean(t *testing.T) {
	began := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	one := func(status, name string) alert {
		return alert{
			Status: status, Labels: map[string]string{"alertname": "HealthcheckTargetDown", "environment": "LIVE", "target": name, "instance": "https://" + name + ".example.com/"},
			Annotations: map[string]string{
				"reason": "connect_refused in phase connect", "failing_since_unix": "1795230000", "failing_since": "2026-11-21 03:00:00 +0000 UTC",
				"failing_for": "1m 15s", "restarts": name + ": no restart yet", "runbook_url": "https://runbooks.example.com/", "dashboard_url": "https://dashboards.example.com/",
			},
			StartsAt: began, EndsAt: began.Add(90 * time.Second),
		}
	}
	many := func(status string, n int) []alert {
		var all []alert
		for i := range n {
			all = append(all, one(status, fmt.Sprintf("%s-%02d", status, i+1)))
		}
		return all
	}
	for _, tt := range []struct {
		name, alertname string
		alerts          []alert
		test            bool
		want            string
	}{
		{"down", "HealthcheckTargetDown", many("firing", 1), false, ":red_circle: 장애: firing-01 (LIVE), 연결 거부"},
		{"recovered", "HealthcheckTargetDown", many("resolved", 1), false, ":large_green_circle: 복구: resolved-01 (LIVE), 약 1m 15s 동안 장애"},
		{"many are down", "HealthcheckTargetDown", many("firing", 12), false, ":red_circle: 장애 12건 (LIVE): firing-01, firing-02, firing-03, …"},
		{"many recovered", "HealthcheckTargetDown", many("resolved", 12), false, ":large_green_circle: 복구 12건 (LIVE): resolved-01, resolved-02, resolved-03, …"},
		{"both", "HealthcheckTargetDown", append(many("firing", 2), many("resolved", 11)...), false, ":red_circle: 장애 2건, 복구 11건 (LIVE), 현재 장애: firing-01, firing-02"},
		{"another alert", "HealthcheckTargetSlow", many("firing", 1), false, ":red_circle: HealthcheckTargetSlow: firing-01 (LIVE), 연결 거부"},
		{"another ended", "HealthcheckTargetSlow", many("resolved", 2), false, ":large_green_circle: HealthcheckTargetSlow 종료 2건 (LIVE): resolved-01, resolved-02"},
		{"a test", "HealthcheckTargetDown", many("firing", 1), true, ":red_circle: TEST(실제 문제 아님) 장애: firing-01 (LIVE), 연결 거부"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			common := map[string]string{"alertname": tt.alertname, "environment": "LIVE", "severity": "critical"}
			if tt.test {
				common["healthcheck_test"] = "true"
			}
			for _, a := range tt.alerts {
				a.Labels["alertname"] = tt.alertname
			}
			data := template{
				Receiver: "slack-live", Status: tt.alerts[0].Status, ExternalURL: "http://alertmanager.example.com", Alerts: tt.alerts,
				GroupLabels: map[string]string{"alertname": tt.alertname, "environment": "LIVE"}, CommonLabels: common,
				CommonAnnotations: maps.Clone(tt.alerts[0].Annotations),
			}
			en, ko := rendered(t, &data), renderedBy(t, "healthcheck.ko.tmpl", &data)
			if ko[0] != tt.want {
				t.Errorf("the title is %q, want %q", ko[0], tt.want)
			}
			if len(en) != len(ko) {
				t.Errorf("it has %d lines, want %d as in English:\n%s", len(ko), len(en), strings.Join(ko, "\n"))
			}
			if diff := cmp.Diff(marks(en), marks(ko)); diff != "" {
				t.Errorf("dates, links, codes and names (-en +ko):\n%s", diff)
			}
			if m := regexp.MustCompile(`(?i)\b(down|recovered|ended|since|reason|address|lasted|about|dashboard\b[^s]|silence\b[^s]|in all)\b`).FindString(strings.Join(ko, "\n")); m != "" {
				t.Errorf("the English word %q is left:\n%s", m, strings.Join(ko, "\n"))
			}
		})
	}
}

// marks returns what a message has besides words: dates, links without their text, codes, and the names of targets; sorted.
func marks(lines []string) []string {
	all := regexp.MustCompile("<[^|>]*|`[^`]*`|(firing|resolved)-\\d+|1m 15s|:[a-z_]+:").FindAllString(strings.Join(lines, "\n"), -1)
	slices.Sort(all)
	return all
}
