package importer

import (
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// The windows of Gatus are open at the same times.
func TestGatusMaintenance(t *testing.T) {
	const friday = "2026-11-27T"
	for _, tt := range []struct {
		name, window string
		open, closed []string
		told         string
	}{
		{"an hour of each day", "start: '22:30', duration: 1h", []string{friday + "22:30:00Z", "2026-11-29T23:29:00Z"}, []string{friday + "22:29:00Z", friday + "23:30:00Z"}, ""},
		{
			"over midnight on a Saturday", "start: '23:00', duration: 3h, every: [Saturday]",
			[]string{"2026-11-28T23:00:00Z", "2026-11-29T01:59:00Z"},
			[]string{friday + "23:30:00Z", "2026-11-28T01:00:00Z", "2026-11-29T02:00:00Z", "2026-11-29T23:30:00Z"},
			"",
		},
		{"up to midnight", "start: '23:00', duration: 1h, every: [friday]", []string{friday + "23:59:00Z"}, []string{"2026-11-28T00:00:00Z"}, ""},
		{"from midnight", "start: '00:00', duration: 30m", []string{friday + "00:00:00Z"}, []string{friday + "00:30:00Z"}, ""},
		{"elsewhere", "start: '22:30', duration: 1h, timezone: Asia/Seoul", []string{friday + "13:45:00Z"}, []string{friday + "22:45:00Z"}, ""},
		{"not enabled", "enabled: false, start: '22:30', duration: 1h", nil, []string{friday + "22:45:00Z"}, ""},
		{"by variables", "start: '${API_START}', duration: $API_LENGTH", []string{friday + "22:30:00Z"}, []string{friday + "23:30:00Z"}, ""},
		{"no start", "duration: 1h", nil, []string{friday + "00:00:00Z"}, "want start as 23:00"},
		{"no such day", "start: '22:30', duration: 1h, every: [someday]", nil, []string{friday + "22:45:00Z"}, "every with names of days"},
		{"too long", "start: '22:30', duration: 25h", nil, []string{friday + "22:45:00Z"}, "duration from 1m to 24h"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const status = `conditions: ["[STATUS] == 200"]`
			for place, text := range map[string]string{
				"maintenance":         "maintenance: {" + tt.window + "}\n" + oneEndpoint("http://a/", status),
				"maintenance-windows": oneEndpoint("http://a/", "maintenance-windows: [{"+tt.window+"}], "+status),
			} {
				im := New(Options{Mask: prober.MaskURL, Env: func(name string) (string, bool) {
					v, ok := map[string]string{"API_START": "22:30", "API_LENGTH": "1h"}[name]
					return v, ok
				}})
				importText(t, im, "gatus", text)
				c := imported(t, im)
				if told := strings.Join(im.Dropped(), "\n"); !strings.Contains(told, tt.told) || tt.told == "" && told != "" || tt.told != "" && !strings.Contains(told, place+": ") {
					t.Errorf("%s: dropped %q, want %q", place, told, tt.told)
				}
				for want, moments := range map[bool][]string{true: tt.open, false: tt.closed} {
					for _, moment := range moments {
						at, err := time.Parse(time.RFC3339, moment)
						if err != nil {
							t.Fatal(err)
						}
						if got := c.Maintenance.Contain(at) || c.Targets[0].InMaintenance(at); got != want {
							t.Errorf("%s at %s: open %t, want %t", place, moment, got, want)
						}
					}
				}
			}
		})
	}
}

// The maintenance of Gatus is for its endpoints, and not for what comes from elsewhere.
func TestGatusMaintenanceIsItsOwn(t *testing.T) {
	const text = "maintenance: {start: '22:30', duration: 1h}\nendpoints:\n" +
		"- {name: a, url: 'http://a/', conditions: ['[STATUS] == 200']}\n" +
		"- {name: b, url: 'http://b/', maintenance-windows: [{start: '10:00', duration: 1h}], conditions: ['[STATUS] == 200']}\n"
	im := New(Options{Mask: prober.MaskURL})
	importText(t, im, "gatus", text)
	importText(t, im, "kuma", `[{"id": 1, "name": "c", "type": "http", "url": "http://c/"}]`)
	for range 2 {
		c := imported(t, im)
		want := map[string][]bool{"a": {true, false}, "b": {true, true}, "c": {false, false}}
		for i, moment := range []string{"2026-11-27T22:45:00Z", "2026-11-27T10:45:00Z"} {
			at, err := time.Parse(time.RFC3339, moment)
			if err != nil {
				t.Fatal(err)
			}
			for _, target := range c.Targets {
				if got := target.InMaintenance(at) || c.Maintenance.Contain(at); got != want[target.Name][i] {
					t.Errorf("%s at %s: in maintenance %t, want %t", target.Name, moment, got, want[target.Name][i])
				}
			}
		}
	}
}
