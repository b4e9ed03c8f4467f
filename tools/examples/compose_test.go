package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// project loads a file as `docker compose config` does.
func project(t *testing.T, dir, file string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{in(dir, file)}, cli.WithWorkingDirectory(in(dir)), cli.WithName("example"))
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// TestCompose: what the project mounts has to be there, but for the secrets.
func TestCompose(t *testing.T) {
	project := project(t, "compose", "compose.yml")
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

// named are the files in the secrets of the exporter that its configuration names.
var named = regexp.MustCompile(`/etc/healthcheck_exporter/(secrets/[a-z_]+)`)

// TestSecretsApart: the exporter gets the secrets that its configuration names and no other, such as those for Slack.
func TestSecretsApart(t *testing.T) {
	for _, tt := range []struct{ dir, file, service string }{
		{"compose", "compose.yml", "exporter"}, {"docker", "compose.yml", "healthcheck_exporter"}, {"swarm", "stack.yml", "exporter"},
	} {
		service := project(t, tt.dir, tt.file).Services[tt.service]
		var got, want []string
		for _, v := range service.Volumes {
			if strings.Contains(v.Source+v.Target, "secrets") {
				got = append(got, v.Target)
			}
		}
		for _, s := range service.Secrets {
			got = append(got, s.Target)
		}
		for _, m := range named.FindAllStringSubmatch(string(read(t, tt.dir, "healthcheck.yml")), -1) {
			want = append(want, m[0])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s of %s/%s gets the secrets %q, want %q", tt.service, tt.dir, tt.file, got, want)
		}
	}
}

// TestImages: nobody can say of a floating tag what it was when something broke.
func TestImages(t *testing.T) {
	fixed := regexp.MustCompile(`(:v?[0-9]+\.[0-9][a-z0-9.-]*|@sha256:[0-9a-f]{64})$`)
	for _, f := range []struct{ dir, file string }{{"compose", "compose.yml"}, {"docker", "compose.yml"}, {"swarm", "stack.yml"}} {
		for name, service := range project(t, f.dir, f.file).Services {
			if service.Build == nil && !fixed.MatchString(service.Image) {
				t.Errorf("%s of %s/%s has the image %q, want a version or a digest", name, f.dir, f.file, service.Image)
			}
		}
	}
}
