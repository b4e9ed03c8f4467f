package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

func TestOverlays(t *testing.T) {
	const period = `200 {"start":"2020-01-01T00:00:00Z","until":"2020-01-01T02:00:00Z","by":"ci"}`
	until := time.Date(2020, 1, 1, 2, 0, 0, 0, time.UTC).In(time.Local).Format(time.DateTime)
	for _, tc := range []struct {
		name    string
		args    []string
		answers []string
		asked   []string
		exit    int
		out     string // the beginning
		err     string
	}{
		{
			"mute",
			[]string{"mute", "a/b?c", "--duration=2h", "--reason=disk swap"},
			[]string{period},
			[]string{`PUT /api/v1/targets/a%2Fb%3Fc/mute  {"duration":"2h","reason":"disk swap"}`},
			ExitSuccess, "Muted a/b?c until " + until, "",
		},
		{
			"days", []string{"mute", "shop", "--duration=1d12h"}, []string{period}, []string{`PUT /api/v1/targets/shop/mute  {"duration":"1d12h"}`}, ExitSuccess, "Muted shop until " + until, "",
		},
		{
			"JSON", []string{"mute", "shop", "--duration=2h", "--format=json"}, []string{`200 {"until":"x"}`}, []string{`PUT /api/v1/targets/shop/mute  {"duration":"2h"}`}, ExitSuccess, "{\"until\":\"x\"}\n", "",
		},
		{
			"one of three is not there",
			[]string{"mute", "a", "b", "c", "--duration=2h"},
			[]string{period, `404 {"title":"Not found","detail":"there is no target \"b\""}`, period},
			[]string{`PUT /api/v1/targets/a/mute  {"duration":"2h"}`, `PUT /api/v1/targets/b/mute  {"duration":"2h"}`, `PUT /api/v1/targets/c/mute  {"duration":"2h"}`},
			ExitFailed, "Muted a until " + until, "b: asking URL: status 404, want 200: there is no target \"b\"\n",
		},
		{
			"too soon",
			[]string{"mute", "a", "--duration=2h"},
			[]string{`429 {"detail":"ci may change something 10 times a second"}`, period},
			[]string{`PUT /api/v1/targets/a/mute  {"duration":"2h"}`, `PUT /api/v1/targets/a/mute  {"duration":"2h"}`},
			ExitSuccess, "Muted a until " + until, "",
		},
		{
			"unmute", []string{"unmute", "shop"}, []string{"204 "}, []string{"DELETE /api/v1/targets/shop/mute"}, ExitSuccess, "shop: the mute has ended.\n", "",
		},
		{
			"many",
			[]string{"mute", "--environment=DEV", "--label=team:shop", "--expect=12", "--duration=2h"},
			[]string{`200 {"found":12,"targets":["a","b"],"until":"2020-01-01T02:00:00Z"}`},
			[]string{`PUT /api/v1/mutes?environment=DEV&label=team%3Ashop  {"duration":"2h","expect":12}`},
			ExitSuccess, "Muted 12 targets until " + until, "",
		},
		{
			"one of many",
			[]string{"mute", "--environment=DEV", "--expect=1", "--duration=2h"},
			[]string{`200 {"found":1,"targets":["a"],"until":"2020-01-01T02:00:00Z"}`},
			[]string{`PUT /api/v1/mutes?environment=DEV  {"duration":"2h","expect":1}`},
			ExitSuccess, "Muted 1 target until " + until, "",
		},
		{
			"many that are others",
			[]string{"unmute", "--environment=DEV", "--expect=12"},
			[]string{`409 {"title":"Another number","detail":"expect is 12, want 13, the number of targets that this is about"}`},
			[]string{`DELETE /api/v1/mutes?environment=DEV&expect=12`},
			ExitFailed, "", "asking URL: status 409, want 200: expect is 12, want 13, the number of targets that this is about\n",
		},
		{
			"maintenance",
			[]string{"maintenance", "start", "shop", "--duration=20m", "--until-healthy", "--start=2020-01-01T00:00:00Z"},
			[]string{`200 {"start":"2020-01-01T00:00:00Z","until":"2020-01-01T02:00:00Z","until_healthy":true}`},
			[]string{`PUT /api/v1/targets/shop/maintenance  {"duration":"20m","start":"2020-01-01T00:00:00Z","until_healthy":true}`},
			ExitSuccess, "Maintenance of shop until " + until, "",
		},
		{
			"the end of maintenance", []string{"maintenance", "end", "shop"}, []string{"204 "}, []string{"DELETE /api/v1/targets/shop/maintenance"}, ExitSuccess, "shop: the maintenance has ended.\n", "",
		},
		{
			"what is wrong, a line each",
			[]string{"mute", "shop", "--duration=2h"},
			[]string{`422 {"title":"The mute is not valid","errors":[{"pointer":"/reason","detail":"too\nlong"},{"pointer":"/duration","detail":"too long"}]}`},
			[]string{`PUT /api/v1/targets/shop/mute  {"duration":"2h"}`},
			ExitFailed, "", "shop: asking URL: status 422, want 200: The mute is not valid\n  /reason: too long\n  /duration: too long\n",
		},
		{"nothing to mute", []string{"mute", "--duration=2h"}, nil, nil, ExitUsage, "", "want the names of targets, or --environment or --label with --expect\n"},
		{"names and more", []string{"mute", "shop", "--environment=DEV", "--duration=2h"}, nil, nil, ExitUsage, "", "names are given, and --environment, --label or --expect as well: want either\n"},
		{
			"how many",
			[]string{"mute", "--environment=DEV", "--duration=2h"},
			nil, nil, ExitUsage, "",
			"--expect is missing: say how many targets this is about, so that a slip does not silence others; `healthcheck_exporter targets` lists them\n",
		},
		{"a label without a value", []string{"mute", "--label=team", "--expect=1", "--duration=2h"}, nil, nil, ExitUsage, "", "--label is \"team\", want NAME:VALUE\n"},
		{"for how long", []string{"mute", "shop"}, nil, nil, ExitUsage, "", "want either --duration, such as 2h, or --until, such as 09:00\n"},
		{"twice for how long", []string{"mute", "shop", "--duration=2h", "--until=09:00"}, nil, nil, ExitUsage, "", "want either --duration, such as 2h, or --until, such as 09:00\n"},
		{"no unit", []string{"mute", "shop", "--duration=2"}, nil, nil, ExitUsage, "", "--duration is \"2\", want more than 0 and at most 30d, such as 2h\n"},
		{"too long", []string{"mute", "shop", "--duration=31d"}, nil, nil, ExitUsage, "", "--duration is \"31d\", want more than 0 and at most 30d, such as 2h\n"},
		{"over already", []string{"mute", "shop", "--until=2020-01-01T00:00:00Z"}, nil, nil, ExitUsage, "", "--until is 2020-01-01T00:00:00Z, want a time within the next 30 days\n"},
		{"no time", []string{"maintenance", "start", "shop", "--until=tomorrow"}, nil, nil, ExitUsage, "", "--until is \"tomorrow\", want a time such as 2026-12-01T09:00:00Z, '2026-12-01 09:00' or 09:00\n"},
		{"no start", []string{"maintenance", "start", "shop", "--duration=1h", "--start=soon"}, nil, nil, ExitUsage, "", "--start is \"soon\", want a time such as 2026-12-01T09:00:00Z, '2026-12-01 09:00' or 09:00\n"},
		{"no server", []string{"mute", "shop", "--duration=1h", "--http.config.file=missing"}, nil, nil, ExitUsage, "", "reading \"missing\": open missing: no such file or directory\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := &editable{answers: tc.answers}
			out, errOut, exit := e.runs(t, tc.args...)
			if exit != tc.exit || !strings.HasPrefix(out, tc.out) || (tc.out == "" && out != "") {
				t.Errorf("exit status %d, want %d; stdout %q, want %q", exit, tc.exit, out, tc.out)
			}
			if diff := cmp.Diff(tc.err, errOut); diff != "" {
				t.Errorf("stderr (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.asked, e.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

// A time of the clock is the next one, also over a change of the clocks.
func TestMoment(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	for _, tc := range []struct{ text, now, want string }{
		{"09:00", "2026-11-29T20:00:00+01:00", "2026-11-30T09:00:00+01:00"},
		{"09:00", "2026-11-29T08:59:59+01:00", "2026-11-29T09:00:00+01:00"},
		{"09:00", "2026-11-29T09:00:00+01:00", "2026-11-30T09:00:00+01:00"},
		{"09:00", "2026-03-28T20:00:00+01:00", "2026-03-29T09:00:00+02:00"},
		{"2026-12-01 09:00", "2026-11-29T09:00:00+01:00", "2026-12-01T09:00:00+01:00"},
		{"2026-12-01T09:00:00Z", "2026-11-29T09:00:00+01:00", "2026-12-01T09:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, tc.now)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := moment(tc.text, now.In(berlin)); err != nil || got.Format(time.RFC3339) != tc.want {
			t.Errorf("%s at %s is %s, %v, want %s", tc.text, tc.now, got.Format(time.RFC3339), err, tc.want)
		}
	}
}

func TestWriteMaintenance(t *testing.T) {
	eight := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	var b strings.Builder
	writeMaintenance(&b, []maintained{
		{Name: "shop", Environment: "LIVE", Active: true, Maintenance: &calendar.Period{Start: eight, End: eight.Add(20 * time.Minute), By: "ci", Reason: "a deploy", UntilHealthy: true}},
		{Name: "bank", Environment: "LIVE", Active: true},
		{Name: "wiki", Environment: "DEV", Maintenance: &calendar.Period{Start: eight.Add(time.Hour), End: eight.Add(2 * time.Hour), By: "jo"}},
	}, eight, time.UTC)
	writeMaintenance(&b, nil, eight, time.UTC)
	const want = `NAME  ENVIRONMENT  UNTIL                     BY                         REASON
shop  LIVE         08:20:00 (in 20m0s) or    ci                         a deploy
                   healthy
bank  LIVE         -                         a window of the inventory  -
wiki  DEV          from 09:00:00 (in         jo                         -
                   1h0m0s) until 10:00:00
                   (in 2h0m0s)
No target is in maintenance.
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestListMaintenance(t *testing.T) {
	e := &editable{answers: []string{
		`200 {"targets":[{"name":"a","environment":"LIVE"},{"name":"b","environment":"LIVE","maintenance_active":true},{"name":"c","environment":"DEV","maintenance_active":true}]}`,
		`200 {"maintenances":[{"target":"b","start":"2020-01-01T00:00:00Z","until":"2020-01-01T02:00:00Z","by":"ci"},{"target":"gone","start":"2020-01-01T00:00:00Z","until":"2020-01-01T02:00:00Z"}]}`,
	}}
	out, errOut, exit := e.runs(t, "maintenance", "list", "--format=json")
	const want = `{"targets":[{"name":"b","environment":"LIVE","maintenance_active":true,"maintenance":{"start":"2020-01-01T00:00:00Z","until":"2020-01-01T02:00:00Z","by":"ci"}},{"name":"c","environment":"DEV","maintenance_active":true},{"name":"gone","environment":"","maintenance_active":false,"maintenance":{"start":"2020-01-01T00:00:00Z","until":"2020-01-01T02:00:00Z"}}]}` + "\n"
	if exit != ExitSuccess || out != want {
		t.Errorf("exit status %d, %s, stdout %s, want %s", exit, errOut, out, want)
	}
}
