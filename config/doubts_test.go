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
