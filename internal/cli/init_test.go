package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/bcrypt"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/permission"
)

// TestInitExamples: what is commented out is a configuration once the signs are away.
func TestInitExamples(t *testing.T) {
	text := regexp.MustCompile(`(?m)^# (targets:|restart:| {2}.*)$`).ReplaceAll(initYAML, []byte("$1"))
	c, err := config.Parse(initConfig, bytes.ReplaceAll(text, []byte("/usr/local/bin/restart-shop"), []byte("/bin/true")))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if role := c.Access.Users[0].Role; !c.Managed.Targets || role != "edit" {
		t.Errorf("targets may be edited: %t, and the user has the role %q, want that it can be done", c.Managed.Targets, role)
	}
	if len(c.Targets) != 1 || c.Restart == nil || len(c.Restart.Services) != 1 || c.Status.SelfProbe != config.SelfProbeWhenStale {
		t.Errorf("got %d targets, a restart section %v and self_probe %q, want one, one and when_stale", len(c.Targets), c.Restart != nil, c.Status.SelfProbe)
	}
}

// TestInitPassword: the password that is shown is that of the file, and only the owner may read either file.
func TestInitPassword(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	if err := initialize(&out, dir); err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`the password (\S+)`).FindSubmatch(out.Bytes())
	text, err := os.ReadFile(filepath.Join(dir, initWeb))
	if err != nil || shown == nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	var web struct {
		Users map[string]string `yaml:"basic_auth_users"`
	}
	if err := yaml.Unmarshal(text, &web); err != nil {
		t.Fatal(err)
	}
	if err := bcrypt.CompareHashAndPassword([]byte(web.Users[initUser]), shown[1]); err != nil || len(web.Users) != 1 {
		t.Errorf("%v: the file is\n%s", err, text)
	}
	for _, name := range []string{initConfig, initWeb} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v, want the mode 0600", name, info.Mode(), err)
		}
	}
}

// The command can be pasted in a checkout or an archive, where the program is not in the PATH.
func TestInitNamesTheProgramAsItWasCalled(t *testing.T) {
	var out bytes.Buffer
	if err := initialize(&out, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if want := "\n  " + permission.Quote(os.Args[0]) + " --config.file="; !strings.Contains(out.String(), want) {
		t.Errorf("got\n%swant %q", &out, want)
	}
}
