// Package packaging has what packages and releases are made of, and its tests. Those that install packages need make check-packages.
package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// TestConfiguration: the configuration of the packages watches the exporter where their flags have it listen.
func TestConfiguration(t *testing.T) {
	c, err := config.Options{TimeoutOffset: config.DefaultTimeoutOffset}.Load("etc/healthcheck.yml")
	if err != nil {
		t.Fatal(err)
	}
	flags, err := os.ReadFile("etc/default")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^ARGS="--web\.listen-address=(127\.0\.0\.1:\d+)"$`).FindStringSubmatch(string(flags))
	if m == nil {
		t.Fatalf("etc/default has no address of this machine alone:\n%s", flags)
	}
	if len(c.Targets) != 1 || c.Targets[0].URL != "http://"+m[1]+"/-/healthy" {
		t.Errorf("targets: %+v, want the exporter itself at %s", c.Targets, m[1])
	}
	if c.Restart != nil {
		t.Error("it may restart something")
	}
}

// TestCommentedKeys: what is commented out in the configuration loads once somebody uncomments it.
func TestCommentedKeys(t *testing.T) {
	text, err := os.ReadFile("etc/healthcheck.yml")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`(?m)^( *)# (( *- |  +)?[a-z_]+:.*)$`).ReplaceAllString(string(text), "$1$2")
	c, err := config.Options{TimeoutOffset: config.DefaultTimeoutOffset}.Read("healthcheck.yml", strings.NewReader(all))
	if err != nil {
		t.Fatalf("%v\n%s", err, all)
	}
	if len(c.Targets) != 2 || c.Restart == nil {
		t.Errorf("it has %d targets and the restarts %v, want 2 and some:\n%s", len(c.Targets), c.Restart, all)
	}
}

// TestScripts: sh can read every script of the packages, and nfpm has each.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("scripts/*.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("scripts: %q, %v", scripts, err)
	}
	recipe, err := os.ReadFile("nfpm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scripts {
		if out, err := exec.CommandContext(t.Context(), "sh", "-n", s).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", s, err, out)
		}
		if !strings.Contains(string(recipe), ": packaging/"+s+"\n") {
			t.Errorf("no package has %s", s)
		}
	}
}

// TestPlatforms: a release is for the platforms of .promu.yml, whose regular expressions build.sh reads in its own way.
func TestPlatforms(t *testing.T) {
	var promu struct {
		Crossbuild struct{ Platforms []string }
	}
	text, err := os.ReadFile("../.promu.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &promu); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "build.sh", "platforms")
	cmd.Env = append(os.Environ(), "PLATFORMS=", "SOURCE_DATE_EPOCH=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("build.sh platforms: %v\n%s", err, out)
	}
	got := strings.Fields(string(out))
	alternatives := 0
	for _, pattern := range promu.Crossbuild.Platforms {
		alternatives += 1 + strings.Count(pattern, "|")
		if !slices.ContainsFunc(got, regexp.MustCompile("^"+pattern).MatchString) {
			t.Errorf("build.sh has no platform for %s", pattern)
		}
	}
	for _, p := range got {
		if !slices.ContainsFunc(promu.Crossbuild.Platforms, func(pattern string) bool { return regexp.MustCompile("^" + pattern).MatchString(p) }) {
			t.Errorf("build.sh builds for %s, which .promu.yml does not have", p)
		}
	}
	slices.Sort(got)
	if alternatives != len(slices.Compact(got)) {
		t.Errorf("build.sh has %d platforms, .promu.yml %d: %q", len(got), alternatives, got)
	}
}

// TestUnit: the unit of the packages is that of examples/systemd, for a program that is elsewhere; and build.sh finds the program in it.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile("../examples/systemd/healthcheck_exporter.service")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "/usr/local/bin/healthcheck_exporter"); n != 1 {
		t.Errorf("the unit names the program %d times, want 1", n)
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^((?:Environment|EnvironmentFile|User|StateDirectory)=.*|    (?:--storage|--config|\$).*)$`).FindAllStringSubmatch(string(text), -1) {
		got = append(got, strings.TrimSpace(strings.TrimSuffix(m[1], `\`)))
	}
	want := []string{
		"User=healthcheck_exporter",
		"Environment=ARGS=--web.listen-address=127.0.0.1:10115", // as etc/default, should somebody remove that
		"EnvironmentFile=-/etc/default/healthcheck_exporter",
		"--config.file=/etc/healthcheck_exporter/healthcheck.yml",
		"--storage.path=/var/lib/healthcheck_exporter",
		"$ARGS",
		"StateDirectory=healthcheck_exporter",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the unit (-want +got):\n%s", diff)
	}
}
