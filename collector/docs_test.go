package collector_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// docs returns docs/metrics.md.
func docs(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// table returns the cells of the one table below a heading of docs/metrics.md, without its head.
func table(t *testing.T, heading string) [][]string {
	t.Helper()
	_, section, ok := strings.Cut(docs(t), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("docs/metrics.md has no heading %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var rows [][]string
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		rows = append(rows, cells)
	}
	if len(rows) < 3 {
		t.Fatalf("docs/metrics.md has no table below %q", heading)
	}
	return rows[2:]
}

// code takes a cell such as "`a`, `b`" apart.
func code(cell string) []string {
	var words []string
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
		words = append(words, m[1])
	}
	return words
}

// A documented metric is a row of the table, or what the code says in its place.
type documented struct {
	Name   string
	Labels []string
	Help   string
}

// TestDocumentedMetrics compares the table with the code: the same metrics, once each and in the same order.
func TestDocumentedMetrics(t *testing.T) {
	var want, got []documented
	for _, m := range collector.Metrics() {
		want = append(want, documented{m.Name, m.Labels, m.Help})
	}
	for _, row := range table(t, "Metrics of a probe") {
		if len(row) != 5 || row[2] == "" || row[4] == "" {
			t.Errorf("row %q, want metric, labels, unit, meaning and absent", row)
			continue
		}
		got = append(got, documented{strings.Trim(row[0], "`"), code(row[1]), row[3]})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/metrics.md (-code +docs):\n%s", diff)
	}
}

// families returns the names of the metrics of an exposition, with HELP, TYPE and at least one sample.
func families(text string) map[string]bool {
	names := map[string]bool{}
	for line := range strings.Lines(text) {
		if series, _, ok := cutSample(line); ok {
			name, _, _ := strings.Cut(series, "{")
			names[name] = true
		}
	}
	return names
}

// TestDocumentedAbsence checks the column "absent" against the goldens: "never" is for the metrics that are in all of
// them, and there are goldens with and without all others.
func TestDocumentedAbsence(t *testing.T) {
	count, all := map[string]int{}, goldens(t)
	for _, text := range all {
		for name := range families(text) {
			count[name]++
		}
	}
	for _, row := range table(t, "Metrics of a probe") {
		name := strings.Trim(row[0], "`")
		n := count[name]
		delete(count, name)
		if never := row[4] == "never"; n == 0 || never != (n == len(all)) {
			t.Errorf("%s is in %d of %d goldens, and docs/metrics.md says that it is absent: %s", name, n, len(all), row[4])
		}
	}
	for name := range count {
		t.Errorf("%s is in a golden and not in docs/metrics.md", name)
	}
}

// TestGoldenHeads checks that every metric of a golden has the HELP and TYPE of the code.
func TestGoldenHeads(t *testing.T) {
	for name, text := range goldens(t) {
		present := families(text)
		for _, m := range collector.Metrics() {
			head := "# HELP " + m.Name + " " + m.Help + "\n# TYPE " + m.Name + " gauge\n" + m.Name
			if present[m.Name] != strings.Contains(text, head) {
				t.Errorf("golden %s: %s has samples: %t, and its HELP and TYPE are not there or too much", name, m.Name, present[m.Name])
			}
		}
	}
}

// TestDocumentedPlaceholders checks that only metrics that are never absent have a placeholder, apart from those that
// depend on the module.
func TestDocumentedPlaceholders(t *testing.T) {
	absent := map[string]string{}
	for _, row := range table(t, "Metrics of a probe") {
		absent[strings.Trim(row[0], "`")] = row[4]
	}
	for _, row := range table(t, "Absent or zero?") {
		for _, name := range code(row[0]) {
			if when := absent[name]; when != "never" && !strings.HasPrefix(when, "the module ") {
				t.Errorf("%s has a placeholder and is absent: %q", name, when)
			}
		}
	}
}

// TestDocumentedNames finds names in the text that do not exist.
func TestDocumentedNames(t *testing.T) {
	known := map[string]bool{}
	for _, m := range collector.Metrics() {
		known[m.Name] = true
	}
	for _, name := range regexp.MustCompile(`\bprobe_[a-z0-9_]+`).FindAllString(docs(t), -1) {
		if !known[name] {
			t.Errorf("docs/metrics.md mentions %s, which does not exist", name)
		}
	}
}

func TestDocumentedReasons(t *testing.T) {
	var want, got [][]string
	for _, r := range prober.Reasons() {
		want = append(want, []string{"`" + string(r.Reason) + "`", r.Description})
	}
	got = table(t, "Reasons")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/metrics.md (-code +docs):\n%s", diff)
	}
}

func TestDocumentedRejections(t *testing.T) {
	want := map[string]bool{}
	for _, r := range collector.Rejections() {
		want[string(r)] = true
	}
	_, own, _ := strings.Cut(docs(t), "## The exporter's own metrics")
	_, text, ok := strings.Cut(own, "`reason` is ")
	if !ok {
		t.Fatal("docs/metrics.md does not list the rejections")
	}
	text, _, _ = strings.Cut(text, ".")
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(slices.Values(code(text)))); diff != "" {
		t.Errorf("rejections in docs/metrics.md (-code +docs):\n%s", diff)
	}
}

// TestLabelsAreReserved: a target of the inventory cannot have a label that one of its metrics has.
func TestLabelsAreReserved(t *testing.T) {
	for _, m := range collector.Metrics() {
		for _, label := range m.Labels {
			if config.CheckLabel(label) == nil {
				t.Errorf("the label %q of %s is not reserved: add it to reservedLabels in config", label, m.Name)
			}
		}
	}
}
