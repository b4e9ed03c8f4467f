package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	page = "| `probe_success` | | 0 or 1 | It is up. |\n| `probe_seconds` | histogram, native | `module` | How long. |\n"

	rules = `groups: [{rules: [{record: 'target:probe:mean5m', expr: 'avg_over_time(probe_success[5m])'},
		{alert: Down, expr: probe_success == 0, annotations: {reason: "{{ printf ` + "`probe_success{target=%q}`" + ` $labels.target | query }}"}}]}]`

	dashboard = `{"uid": "x", "title": "X", "description": "It is.", "schemaVersion": 39, "editable": false,
	"templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"},
		{"name": "job", "type": "query", "query": {"query": "label_values(probe_success, job)"}},
		{"name": "target", "type": "query", "query": {"query": "label_values(probe_success{job=~\"$job\"}, target)"}}]},
	"annotations": {"list": [{"name": "mark", "expr": "1000 * probe_success"}]},
	"panels": [
		{"id": 1, "type": "row", "title": "Row", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}},
		{"id": 2, "type": "stat", "title": "Up", "description": "It is up.", "gridPos": {"x": 0, "y": 1, "w": 12, "h": 8},
		 "datasource": {"type": "prometheus", "uid": "${datasource}"}, "fieldConfig": {"defaults": {"unit": "none"}},
		 "targets": [{"refId": "A", "expr": "rate(probe_seconds_bucket{target=~\"${target:regex}\"}[$__rate_interval])", "datasource": {"type": "prometheus", "uid": "${datasource}"}}]},
		{"id": 3, "type": "stat", "title": "Mean", "description": "It is mean.", "gridPos": {"x": 12, "y": 1, "w": 12, "h": 8},
		 "datasource": {"type": "prometheus", "uid": "${datasource}"}, "fieldConfig": {"defaults": {"unit": "s"}},
		 "targets": [{"refId": "A", "expr": "target:probe:mean5m", "datasource": {"type": "prometheus", "uid": "${datasource}"}}]}]}`
)

// check runs the program on a dashboard and a file of rules.
func check(t *testing.T, dashboard, rules string, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	names := map[string]string{"x.json": dashboard, "rules.yaml": rules, "metrics.md": page}
	for name, text := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args = append(args, "-metrics", filepath.Join(dir, "metrics.md"), "-rules", filepath.Join(dir, "rules.yaml"), filepath.Join(dir, "x.json"))
	var out bytes.Buffer
	err := run(t.Context(), args, &out)
	return out.String(), err
}

// TestCheck breaks one thing after the other.
func TestCheck(t *testing.T) {
	if _, err := check(t, dashboard, rules); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, old, with, want string }{
		{"uid", `"uid": "x"`, `"uid": ""`, "uid, title or description"},
		{"title of a panel", `"title": "Up"`, `"title": ""`, "no title"},
		{"description", "It is up.\", \"grid", "up\", \"grid", "no sentence"},
		{"unit", `"unit": "none"`, `"unit": "parsecs"`, `unit is "parsecs"`},
		{"schema", `39`, `16`, "schema is 16"},
		{"editable", `false`, `true`, "editable"},
		{"id", `"id": 3`, `"id": 2`, "id 2 is missing or taken"},
		{"overlap", `"x": 12, "y": 1`, `"x": 11, "y": 1`, "overlaps"},
		{"overflow", `"x": 12, "y": 1`, `"x": 13, "y": 1`, "leaves the grid"},
		{"a data source of one's own", `"${datasource}"}, "fieldConfig": {"defaults": {"unit": "s"`, `"mine"}, "fieldConfig": {"defaults": {"unit": "s"`, "not the variable"},
		{"a query's data source", `$__rate_interval])", "datasource": {"type": "prometheus", "uid": "${datasource}"`, `$__rate_interval])", "datasource": {"uid": "mine"`, "query A is not the variable"},
		{"no query", `"refId": "A", "expr": "target:probe:mean5m"`, `"refId": "", "expr": "target:probe:mean5m"`, "refId"},
		{"syntax", "rate(probe_seconds_bucket", "rate((probe_seconds_bucket", "parse error"},
		{"unknown metric", "probe_seconds_bucket", "probe_minutes_bucket", `no metric "probe_minutes_bucket"`},
		{"unknown recorded metric", `"target:probe:mean5m"`, `"target:probe:mean6m"`, `no metric "target:probe:mean6m"`},
		{"undefined variable", "${target:regex}", "$tarket", `"tarket" is not defined`},
		{"unused variable", `=~\"${target:regex}\"`, `=\"x\"`, `"target" is used nowhere`},
		{"variable defined later", "label_values(probe_success, job)", "label_values(probe_success{target=\\\"$target\\\"}, job)", `"target" is not defined, or later`},
		{"question of a variable", "label_values(probe_success, job)", "label_names(job)", "asks"},
		{"annotation", "1000 * probe_success", "1000 * probe_failure", `annotation "mark": there is no metric "probe_failure"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bad := strings.Replace(dashboard, tt.old, tt.with, 1)
			if bad == dashboard {
				t.Fatalf("there is no %q", tt.old)
			}
			if _, err := check(t, bad, rules); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want one with %q", err, tt.want)
			}
		})
	}
	for _, tt := range []struct{ name, old, with, want string }{
		{"rule", "probe_success == 0", "probe_failure == 0", `Down: there is no metric "probe_failure"`},
		{"annotation of a rule", "probe_success{target=%q}", "probe_up{target=%q}", `Down: reason: there is no metric "probe_up"`},
		{"recording rule", "avg_over_time(probe_success[5m])", "avg_over_time(probe_success)", "parse error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bad := strings.Replace(rules, tt.old, tt.with, 1)
			if bad == rules {
				t.Fatalf("there is no %q", tt.old)
			}
			if _, err := check(t, dashboard, bad); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want one with %q", err, tt.want)
			}
		})
	}
}

// TestRunbook: what people copy at night parses, and asks for metrics that there are.
func TestRunbook(t *testing.T) {
	const page = "1. Look:\n\n   ```promql\n   up{job=\"x\"} == 0   # who\n\n   probe_success\n   ```\n"
	for _, tt := range []struct{ name, old, with, want string }{
		{"good", "", "", ""},
		{"syntax", "== 0", "=== 0", "r.md: up{"},
		{"unknown metric", "probe_success", "probe_succes", `r.md: there is no metric "probe_succes"`},
		{"no query", "promql", "sh", "no block of promql"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("r.md", []byte(strings.Replace(page, tt.old, tt.with, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := check(t, dashboard, rules, "-runbook", "r.md")
			if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
		})
	}
}

// TestAsk wants data of a server for every expression, with values for all variables.
func TestAsk(t *testing.T) {
	missing := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		expr := r.FormValue("query")
		if strings.Contains(expr, "$") {
			http.Error(w, `{"error": "a variable is left"}`, http.StatusBadRequest)
			return
		}
		result := []any{map[string]any{"metric": map[string]string{"a": "b"}, "value": []any{1, "42"}}}
		if missing != "" && strings.Contains(expr, missing) {
			result = nil
		}
		if missing == "garbage" {
			_, _ = io.WriteString(w, "garbage")
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"result": result}})
	}))
	t.Cleanup(server.Close)
	out, err := check(t, dashboard, rules, "-prometheus", server.URL)
	if err != nil || !strings.Contains(out, `panel "Up", A`) || !strings.Contains(out, "42") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, missing = range []string{"target:probe:mean5m", "1000 *", "probe_seconds_bucket{target=~\".*\"}[1m]", "garbage"} {
		if _, err := check(t, dashboard, rules, "-prometheus", server.URL); err == nil {
			t.Errorf("without data for %q nothing is wrong", missing)
		}
	}
}

// The shipped files are checked by make check-mixin; here a file that is not one.
func TestNoFile(t *testing.T) {
	for _, args := range [][]string{{}, {"none.json"}, {"-metrics", "none.md", "check_test.go"}, {"-rules", "none.yaml", "check_test.go"}, {"check_test.go"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
