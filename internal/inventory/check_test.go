package inventory

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func TestCheckFiles(t *testing.T) {
	const api = "target_apis: [{name: api, url: 'http://127.0.0.1:1/', format: targets}]"
	for _, tt := range []struct {
		name, text, more string
		targets          int
		problems         []string // how each ends
	}{
		{"good", two, "", 2, nil},
		{"garbage", "garbage: [", "", 0, []string{`reading "a.yml": not valid YAML or JSON: line 1: did not find expected node content`}},
		{"a target", two + "- {name: c, url: 'ftp://c/'}\n", "", 2, []string{"want an absolute URL with the scheme http, https, ws or wss"}},
		{"a name of the configuration", two, "targets: [{name: a, url: 'http://a/'}]", 1, []string{"this one is from file:a.yml"}},
		{"an unknown dependency", "- {name: a, url: 'http://a/', depends_on: [db]}\n", "", 1, []string{`there is no target "db"`}},
		{"one that an API may know", "- {name: a, url: 'http://a/', depends_on: [db]}\n", api, 1, nil},
		{"a file that is missing", two, "target_files: [none.yml]", 0, []string{`reading "none.yml": no such file or directory`}},
		{"a pattern without files", two, "target_files: ['none*.yml']", 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			overwrite(t, "a.yml", tt.text)
			text := "modules: {http_2xx: {prober: http}}\n" + tt.more + "\n"
			if !strings.Contains(tt.more, "target_files") {
				text += "target_files: [a.yml]\n"
			}
			overwrite(t, "healthcheck.yml", text)
			cfg, err := config.Load("healthcheck.yml")
			if err != nil {
				t.Fatal(err)
			}
			n, errs := CheckFiles(t.Context(), cfg, config.DefaultTimeoutOffset, prober.MaskURL)
			if n != tt.targets {
				t.Errorf("%d targets, want %d", n, tt.targets)
			}
			dir, _ := filepath.Abs(".")
			var got []string
			for i, err := range errs {
				text := strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")
				if i < len(tt.problems) && strings.HasSuffix(text, tt.problems[i]) {
					text = tt.problems[i]
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(tt.problems, got); diff != "" {
				t.Errorf("the problems (-want +got):\n%s", diff)
			}
		})
	}
}
