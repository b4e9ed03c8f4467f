package page

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

var verb = regexp.MustCompile(`%[^%]`)

// All languages have the same keys, and each text the same verbs.
func TestCataloguesAreAlike(t *testing.T) {
	first := catalogues[languages[0]]
	for _, lang := range languages {
		c := catalogues[lang]
		if diff := cmp.Diff(slices.Sorted(maps.Keys(first.messages)), slices.Sorted(maps.Keys(c.messages))); diff != "" {
			t.Errorf("keys (-%s +%s):\n%s", first.Lang, lang, diff)
		}
		for key, m := range c.messages {
			for _, form := range []string{m.one, m.other} {
				want := verb.FindAllString(strings.ReplaceAll(first.messages[key].other, "%%", ""), -1)
				got := verb.FindAllString(strings.ReplaceAll(form, "%%", ""), -1)
				if form == "" && m.other != "" {
					continue // there is one form
				}
				if diff := cmp.Diff(want, got); diff != "" || form == "" || !printable.Is(form) {
					t.Errorf("%s: %q is %q (-%s +%s):\n%s", lang, key, form, first.Lang, lang, diff)
				}
			}
		}
	}
}

// said are the calls that name a key: of say in code and in templates, and of around.
var said = regexp.MustCompile(`(?:\bsay|\.around)(?: |\()"([a-z_.0-9]+)"(\s*\+|\))?`)

// Every key that the code and the templates have is in the catalogues.
func TestEveryKeyIsThere(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.go", "html/*.html"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	keys := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range said.FindAllStringSubmatch(string(text), -1) {
			keys[m[1]] = file
		}
	}
	delete(keys, "reason.") // the rest of which is in a variable
	for _, r := range prober.Reasons() {
		keys["reason."+string(r.Reason)] = "prober"
	}
	for _, s := range status.States() {
		words := stateSigns[s]
		keys[words.sign.key], keys[words.stale.key] = "row.go", "row.go"
	}
	for _, key := range []string{
		"state.restarting.executing", "state.restarting.verifying", "state.flapping", "state.unable", "state.maintenance", "state.muted",
		"state.maintenance_until", "state.maintenance_until_healthy", "state.muted_until", "state.muted_until_healthy",
		"detail.maintenance_until", "detail.maintenance_until_healthy", "detail.muted_until", "detail.muted_until_healthy",
		"age.seconds", "age.minutes", "age.hours", "age.days", "age.seconds_ago", "age.minutes_ago", "age.hours_ago", "age.days_ago",
		"filter.sort_state", "filter.sort_name", "filter.sort_since", "filter.sort_took",
	} {
		keys[key] = "row.go"
	}
	for _, n := range []string{"down", "stale", "unknown", "maintenance", "up"} {
		keys["list.state."+n], keys["list.count."+n] = "counts.go", "counts.go"
	}
	for _, deed := range status.Deeds() {
		keys["event.deed."+deed] = "events.go"
	}
	for _, kind := range status.Kinds() {
		keys["event.kind."+kind] = "events.go"
	}
	for _, n := range filterParameters {
		keys["filter.chip_"+n] = "view.go"
	}
	for _, key := range addKeys() {
		keys["form."+key], keys["form.help."+key] = "target_form.go", "target_form.go"
	}
	for _, k := range []managed.Kind{managed.Mute, managed.Maintenance} {
		for _, key := range []string{"form.what_", "form.do_", "form.title_"} {
			keys[key+string(k)] = "operate.go"
		}
	}
	for _, k := range []managed.EntryKind{managed.KindTarget, managed.KindMute, managed.KindMaintenance} {
		for _, a := range []managed.Action{managed.Created, managed.Updated, managed.Deleted, managed.Recovered} {
			keys["form.action_"+string(k)+"."+string(a)] = "actions.go"
		}
	}
	for _, outcome := range outcomes {
		keys["done."+outcome] = "outcome.go"
	}
	if len(keys) < 100 {
		t.Errorf("%d keys were found, want more than 100", len(keys))
	}
	for key, file := range keys {
		if _, ok := catalogues["en"].messages[key]; !ok && !strings.HasSuffix(key, ".") && !strings.HasSuffix(key, "_") {
			t.Errorf("%s says %q, which no catalogue has", file, key)
		}
	}
	for _, key := range []string{
		"age.seconds", "list.percent", "list.of_probes", "why.cause",
		"state.maintenance_until", "state.maintenance_until_healthy", "state.muted_until", "state.muted_until_healthy",
		"detail.maintenance_until", "detail.maintenance_until_healthy", "detail.muted_until", "detail.muted_until_healthy",
	} {
		for _, c := range catalogues {
			if _, ok := c.halves[key]; !ok {
				t.Errorf("%s: %q does not have one verb %%s, and rows need it", c.Lang, key)
			}
		}
	}
}
