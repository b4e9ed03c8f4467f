package api

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board/boardtest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// targetsOf serve what comes from a source.
func targetsOf(source *board.Source) *Targets {
	return &Targets{Board: source, Hint: func(string, *prober.Result) string { return "look at it" }}
}

func TestFilter(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	targets := targetsOf(boardtest.Shops(t, now, "db", "cart"))
	for query, want := range map[string]string{
		"":                              "cart db new web wiki",
		"state=down":                    "cart db",
		"state=down&state=unknown":      "cart db new",
		"environment=DEV":               "new wiki",
		"label=team:shop":               "cart web",
		"label=team:shop&state=up":      "web",
		"q=CART":                        "cart",
		"q=example":                     "cart db new web wiki",
		"muted=true":                    "web",
		"muted=false&environment=LIVE":  "cart db",
		"stale=true":                    "cart db web",
		"source=targets&limit=2":        "cart db",
		"limit=2&after=db":              "new web",
		"after=wiki":                    "",
		"source=api:x":                  "",
		"name=db&name=wiki":             "db wiki",
		"shard=0/1":                     "cart db new web wiki",
		"state=up&limit=1":              "web",
		"state=x":                       "!state",
		"label=team":                    "!label",
		"muted=yes":                     "!muted",
		"limit=10001":                   "!limit",
		"limit=1&limit=2":               "!limit is there 2 times",
		"sort=name":                     `!unknown parameter "sort"`,
		"environment=LIVE&environment=": "cart db web",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		list, err := targets.Select(values, now.Add(2*time.Minute))
		if text, bad := strings.CutPrefix(want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%q: error is %v, want it about %q", query, err, text)
			}
			continue
		}
		var names []string
		for i := range list.Targets {
			names = append(names, list.Targets[i].Name)
		}
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", query, got, err, want)
		}
	}
}

// A list that is cut goes on where it ended, to its end.
func TestNext(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	targets, query := targetsOf(boardtest.Shops(t, now)), url.Values{"limit": {"2"}, "environment": {"LIVE", "DEV"}}
	var names []string
	for range 10 {
		list, err := targets.Select(query, now)
		if err != nil {
			t.Fatal(err)
		}
		for i := range list.Targets {
			names = append(names, list.Targets[i].Name)
		}
		if list.Next == "" {
			break
		}
		if query, err = url.ParseQuery(strings.TrimPrefix(list.Next, "?")); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"cart", "db", "new", "web", "wiki"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
