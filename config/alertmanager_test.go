package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// Without a server somebody has to fetch the configuration for one elsewhere.
func TestAlertmanagerElsewhere(t *testing.T) {
	const text = `
modules: {m: {prober: http}}
access: {users: [{name: alice, role: edit}, {name: am-b, role: %s}, {name: am-a, role: %s}]}
alertmanager: {base: testdata/reference/alertmanager.base.yml, dir: testdata/reference/alertmanager%s}
`
	for _, tc := range []struct {
		name, role, servers string
		syncs               []string
		want                string // in the error; empty: it loads
	}{
		{"a user who fetches it", config.RoleSync, "", []string{"am-b", "am-a"}, ""},
		{"an empty list", config.RoleSync, ", servers: []", []string{"am-b", "am-a"}, ""},
		{"a server besides", config.RoleSync, ", servers: [{name: a, url: 'http://a:9093'}]", []string{"am-b", "am-a"}, ""},
		{"the URL of the API", config.RoleRead, ", servers: [{name: a, url: 'http://a:9093/api/v2/'}]", nil, "alertmanager.servers[0].url: got a path that ends in /api/v2"},
		{"a server alone", config.RoleRead, ", servers: [{name: a, url: 'http://a:9093'}]", nil, ""},
		{"one of the same name", config.RoleSync, ", servers: [{name: am-b, url: 'http://a:9093'}]", nil, "alertmanager.servers[0].name: is the name of a user of role sync, too"},
		{"neither", config.RoleRead, "", nil, "alertmanager.servers: got no server, want the Alertmanagers that read the configuration, or a user of role sync under access.users"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := config.Parse("x.yml", fmt.Appendf(nil, text, tc.role, tc.role, tc.servers))
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.syncs, c.Syncs()); diff != "" {
				t.Errorf("who fetches (-want +got):\n%s", diff)
			}
		})
	}
	if got := config.Default().Syncs(); got != nil {
		t.Errorf("without access: %q fetch it", got)
	}
}
