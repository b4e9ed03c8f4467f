package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// TestDoubts: nothing is routed for "live", and nobody would notice before the night.
func TestDoubts(t *testing.T) {
	c, err := config.Parse("c.yml", []byte(`
targets:
  - {name: a, url: 'http://a/', environment: live}
  - {name: b, url: 'http://b/', environment: LIVE}
  - {name: c, url: 'http://c/', environment: Berlin}
  - {name: d, url: 'http://d/', environment: berlin}
  - {name: e, url: 'http://e/'}
status: {public: {listen_address: ':8080', environments: [LIVE, stage]}}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`targets[0].environment: got "live", did you mean "LIVE"? Alerts and routes compare the case`,
		`targets[3].environment: got "berlin", did you mean "Berlin"? Alerts and routes compare the case`,
		`status.public.environments[1]: got "stage", did you mean "STAGE"? Alerts and routes compare the case`,
	}
	if diff := cmp.Diff(want, c.Doubts()); diff != "" {
		t.Errorf("doubts (-want +got):\n%s", diff)
	}
}

// TestDoubtsOfUsers: limits that the receiver's password gets around, and those in an environment that nothing is in.
func TestDoubtsOfUsers(t *testing.T) {
	c, err := config.Parse("c.yml", []byte(`
access:
  users:
    - {name: am, role: operate, environments: [LIVE, live]}
    - {name: jo, role: operate, environments: [LIVE]}
restart:
  mode: observe
  receiver: {basic_auth: {username: am, password: s3cret}}
  services: [{name: a, checks: [{url: 'http://a.test/'}], command: {argv: [/bin/true]}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`access.users[0].environments[1]: got "live", did you mean "LIVE"? Alerts and routes compare the case`,
		`access.users[0]: "am" is also the user of restart.receiver, who may order everything`,
	}
	if diff := cmp.Diff(want, c.Doubts()); diff != "" {
		t.Errorf("doubts (-want +got):\n%s", diff)
	}
}
