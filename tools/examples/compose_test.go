package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
)

// TestCompose loads the project as `docker compose config` does. What it mounts has to be there, but for the secrets.
func TestCompose(t *testing.T) {
	options, err := cli.NewProjectOptions([]string{in("compose", "compose.yml")}, cli.WithWorkingDirectory(in("compose")))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"alertmanager", "exporter", "grafana", "prometheus", "web"}
	if got := strings.Join(project.ServiceNames(), " "); got != strings.Join(want, " ") {
		t.Errorf("the services are %s, want %s", got, want)
	}
	for name, service := range project.Services {
		for _, v := range service.Volumes {
			if v.Type != "bind" || filepath.Base(v.Source) == "secrets" {
				continue
			}
			// Docker makes a directory of what is not there.
			if info, err := os.Stat(v.Source); err != nil || info.IsDir() != (filepath.Ext(v.Target) == "") {
				t.Errorf("%s mounts %s at %s: it is not there, or not of that kind: %v", name, v.Source, v.Target, err)
			}
		}
		if name != "exporter" && name != "web" && service.NetworkMode != "service:exporter" {
			t.Errorf("%s has the network mode %q; the examples expect everything at localhost", name, service.NetworkMode)
		}
		for _, p := range service.Ports {
			if p.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes port %s on %q, want 127.0.0.1", name, p.Published, p.HostIP)
			}
		}
	}
}
