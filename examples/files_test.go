package examples

import (
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func TestPrometheus(t *testing.T) {
	for _, file := range append(glob(t, "prometheus/*.yml"), glob(t, "*/prometheus.yml")...) {
		run(t, filepath.Dir(file), "promtool", "check", "config", filepath.Base(file))
	}
}

func TestAlertmanager(t *testing.T) {
	for _, file := range glob(t, "*/alertmanager*.yml") {
		run(t, filepath.Dir(file), "amtool", "check-config", filepath.Base(file))
	}
}

// TestRestartsByHost: a request for a restart goes to the exporter that probes the target, or to no exporter.
func TestRestartsByHost(t *testing.T) {
	for labels, want := range map[string]string{
		"alertname=HealthcheckTargetRestart severity=none exporter=web1":  "restart-web1",
		"alertname=HealthcheckTargetRestart severity=none exporter=web2":  "restart-web2",
		"alertname=HealthcheckTargetRestart severity=none exporter=web3":  "null",
		"alertname=HealthcheckTargetMuted severity=none exporter=web1":    "null",
		"alertname=HealthcheckTargetDown severity=critical exporter=web1": "slack",
	} {
		argv := []string{"amtool", "config", "routes", "test", "--config.file=alertmanager.yml", "--verify.receivers=" + want}
		run(t, "per-host", append(argv, strings.Fields(labels)...)...)
	}
}

// TestConfigurations loads every configuration of the exporter, on a machine that has the files it names.
func TestConfigurations(t *testing.T) {
	for _, file := range glob(t, "*/healthcheck.yml") {
		if filepath.Dir(file) == "ci" { // a workflow
			continue
		}
		t.Run(file, func(t *testing.T) {
			dir := t.TempDir()
			text := regexp.MustCompile(`/usr/(local/)?bin/[a-z0-9-]+`).ReplaceAllString(read(t, file), "/bin/true")
			text = strings.NewReplacer("/home/deploy/.pm2", dir, "/etc/healthcheck_exporter", dir).Replace(text)
			put(t, filepath.Join(dir, "healthcheck.yml"), text)
			for _, m := range regexp.MustCompile(`/etc/healthcheck_exporter/(\S+)`).FindAllStringSubmatch(read(t, file), -1) {
				put(t, filepath.Join(dir, m[1]), "not-a-real-token")
			}
			options := config.Options{TimeoutOffset: config.DefaultTimeoutOffset}
			if _, err := options.Load(filepath.Join(dir, "healthcheck.yml")); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestEnvironments: every environment is spelled as in the routes. Others go to slack-unknown and are not critical.
func TestEnvironments(t *testing.T) {
	environment := regexp.MustCompile(`(?m)^ +environment: (\S+)`)
	for _, file := range append(glob(t, "*/*.y*ml"), "../config/reference.yml") {
		for _, m := range environment.FindAllStringSubmatch(read(t, file), -1) {
			if !slices.Contains([]string{"LIVE", "STAGE", "DEV"}, m[1]) && !strings.HasPrefix(m[1], "item.") {
				t.Errorf("%s has the environment %s, want one of the routes", file, m[1])
			}
		}
	}
}

// exposure matches the rating of a unit by systemd, from 0, the safest, to 10, without any restriction.
var exposure = regexp.MustCompile(`exposure level for \S+: ([0-9.]+)`)

func TestSystemd(t *testing.T) {
	const unit = "healthcheck_exporter.service"
	plain, withPM2 := t.TempDir(), t.TempDir()
	for _, dir := range []string{plain, withPM2} {
		text := strings.Replace(read(t, "systemd/"+unit), "/usr/local/bin/healthcheck_exporter", "/bin/true", 1)
		put(t, filepath.Join(dir, unit), text)
	}
	put(t, filepath.Join(withPM2, unit+".d", "pm2.conf"), read(t, "systemd/pm2.conf"))
	for _, dir := range []string{plain, withPM2} {
		out := run(t, dir, "systemd-analyze", "verify", "--man=no", "./"+unit)
		for line := range strings.Lines(out) {
			if strings.Contains(line, unit) { // errors in other units of this machine do not matter
				t.Errorf("systemd-analyze verify: %s", line)
			}
		}
	}
	out := run(t, plain, "systemd-analyze", "security", "--offline=true", "--no-pager", "./"+unit)
	m := exposure.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("systemd-analyze security said: %s", out)
	}
	if level, err := strconv.ParseFloat(m[1], 64); err != nil || level > 1.5 {
		t.Errorf("the exposure level is %s (%v), want at most 1.5\n%s", m[1], err, out)
	}
}

// TestSystemdChannels: systemd takes the unit of alertmanager-sync, and the exporter's with a directory for Alertmanager.
func TestSystemdChannels(t *testing.T) {
	const exporter, sync = "healthcheck_exporter.service", "healthcheck_alertmanager_sync.service"
	dir := t.TempDir()
	for _, unit := range []string{exporter, sync} {
		put(t, filepath.Join(dir, unit), strings.Replace(read(t, "systemd/"+unit), "/usr/local/bin/healthcheck_exporter", "/bin/true", 1))
	}
	put(t, filepath.Join(dir, exporter+".d", "channels.conf"), read(t, "systemd/channels.conf"))
	for _, unit := range []string{exporter, sync} {
		for line := range strings.Lines(run(t, dir, "systemd-analyze", "verify", "--man=no", "./"+unit)) {
			if strings.Contains(line, unit) {
				t.Errorf("systemd-analyze verify: %s", line)
			}
		}
		out := run(t, dir, "systemd-analyze", "security", "--offline=true", "--no-pager", "./"+unit)
		m := exposure.FindStringSubmatch(out)
		if m == nil {
			t.Fatalf("systemd-analyze security said: %s", out)
		}
		if level, err := strconv.ParseFloat(m[1], 64); err != nil || level > 1.5 {
			t.Errorf("the exposure level of %s is %s (%v), want at most 1.5\n%s", unit, m[1], err, out)
		}
	}
}

// TestSystemdLimits: the unit bounds what a stranger can make the exporter do. Whatever the configuration says, the exporter cannot
// reach the metadata services of clouds, which have credentials.
func TestSystemdLimits(t *testing.T) {
	text := read(t, "systemd/healthcheck_exporter.service")
	for _, key := range []string{"MemoryMax", "TasksMax", "LimitNOFILE"} {
		if !regexp.MustCompile(`(?m)^` + key + `=[0-9]+[MG]?$`).MatchString(text) {
			t.Errorf("the unit has no %s", key)
		}
	}
	var denied []netip.Prefix
	for _, m := range regexp.MustCompile(`(?m)^IPAddressDeny=(.*)$`).FindAllStringSubmatch(text, -1) {
		for word := range strings.FieldsSeq(m[1]) {
			if addr, err := netip.ParseAddr(word); err == nil {
				denied = append(denied, netip.PrefixFrom(addr, addr.BitLen()))
			} else {
				denied = append(denied, netip.MustParsePrefix(word))
			}
		}
	}
	for _, addr := range []string{
		"169.254.169.254", "169.254.170.2", "169.254.0.1", "168.63.129.16", "192.0.0.192", "fe80::a9fe:a9fe", "fd00:ec2::254", "fd00:42::42",
	} {
		if !slices.ContainsFunc(denied, func(p netip.Prefix) bool { return p.Contains(netip.MustParseAddr(addr)) }) {
			t.Errorf("IPAddressDeny is %v, want %s in it", denied, addr)
		}
	}
	for _, addr := range []string{"127.0.0.1", "192.0.2.1", "10.0.0.1", "2001:db8::1"} {
		if slices.ContainsFunc(denied, func(p netip.Prefix) bool { return p.Contains(netip.MustParseAddr(addr)) }) {
			t.Errorf("IPAddressDeny is %v, want %s not in it", denied, addr)
		}
	}
}

// TestDockerfile: the image of the build is named once, with its version, and can be replaced by one with a digest.
func TestDockerfile(t *testing.T) {
	text := read(t, "../Dockerfile")
	if !regexp.MustCompile(`(?m)^ARG GOLANG=golang:[0-9]+\.[0-9]+\.[0-9]+-[a-z]+(@sha256:[0-9a-f]{64})?$`).MatchString(text) {
		t.Error("the Dockerfile has no ARG GOLANG with a version")
	}
	for _, m := range regexp.MustCompile(`(?m)^FROM (?:--\S+ )?(\S+)`).FindAllStringSubmatch(text, -1) {
		if m[1] != "$GOLANG" && m[1] != "scratch" {
			t.Errorf("the Dockerfile begins with %s, want $GOLANG or scratch", m[1])
		}
	}
}

func TestNode(t *testing.T) {
	for _, file := range glob(t, "pm2/*.js") {
		run(t, ".", "node", "--check", file)
	}
	out := run(t, "pm2", "node", "-e", "console.log(JSON.stringify(require('./ecosystem.config.js')))")
	if !strings.HasPrefix(out, `{"apps":[{"name":"shop",`) {
		t.Errorf("ecosystem.config.js is %s, want an object with the app shop", out)
	}
}

func TestShell(t *testing.T) {
	run(t, ".", "bash", "-n", "ci/probe.sh")
	run(t, ".", "bash", "-n", "ci/deploy.sh")
}

// TestSolo: systemd takes the unit for the user of PM2.
func TestSolo(t *testing.T) {
	const unit = "healthcheck_exporter.service"
	dir := t.TempDir()
	put(t, filepath.Join(dir, unit), strings.Replace(read(t, "solo/"+unit), "/usr/local/bin/healthcheck_exporter", "/bin/true", 1))
	for line := range strings.Lines(run(t, dir, "systemd-analyze", "verify", "--man=no", "./"+unit)) {
		if strings.Contains(line, unit) {
			t.Errorf("systemd-analyze verify: %s", line)
		}
	}
}
