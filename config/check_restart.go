package config

import (
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// restart checks the restart section. Anything doubtful is an error: this section gives the right to act.
func (c *checker) restart(p place, cfg *Config) {
	r := cfg.Restart
	c.mode(c.sub(p, "mode"), r.Mode, true)
	c.referenced(p, reflect.ValueOf(*r))
	c.receiver(c.sub(p, "receiver"), r)
	c.election(c.sub(p, "leader_election"), r.LeaderElection)
	c.limits(c.sub(p, "defaults"), &r.Defaults)
	c.brake(c.sub(p, "brake"), r)
	services := c.sub(p, "services")
	if len(r.Services) == 0 {
		c.fail(services, "got no service, want at least one")
	}
	names, targets, units := map[string]string{}, map[string]string{}, map[string]string{}
	for i := range r.Services {
		s, at := &r.Services[i], c.at(services.item(i))
		c.unique(c.sub(at, "name"), names, s.Name, "service")
		c.text(c.sub(at, "name"), s.Name)
		c.text(c.sub(at, "environment"), s.Environment)
		c.text(c.sub(at, "group"), s.Group)
		c.mode(c.sub(at, "mode"), s.Mode, false)
		c.limits(at, &s.Limits)
		c.serviceChecks(c.sub(at, "checks"), s, cfg, targets)
		c.backend(at, s, units)
		limits := r.LimitsOf(s)
		c.effective(at, limits)
		c.elected(at, r.LeaderElection, limits)
		c.selectors(at, s)
	}
	c.serviceDependencies(services, r.Services)
	c.sentinels(c.sub(p, "sentinels"), cfg)
}

func (c *checker) mode(p place, mode string, required bool) {
	switch {
	case mode == "off", mode == "observe", mode == "enforce", mode == "" && !required:
	case mode == "":
		c.fail(p, `missing, want "off", "observe" or "enforce"`)
	default:
		c.fail(p, `got %q, want "off", "observe" or "enforce"`, mode)
	}
}

func (c *checker) receiver(p place, restart *Restart) {
	r, ways := &restart.Receiver, 0
	for _, set := range []bool{r.BearerToken != "", r.BearerTokenFile != "", r.BasicAuth != nil, r.Insecure} {
		if set {
			ways++
		}
	}
	if ways != 1 && (ways > 0 || !restart.withoutAlert()) {
		c.fail(p, "want exactly one of bearer_token, bearer_token_file, basic_auth and insecure: true, got %d", ways)
	}
	if b := r.BasicAuth; b != nil && (b.Username == "" && b.UsernameFile == "" || b.Password == "" && b.PasswordFile == "") {
		c.fail(c.sub(p, "basic_auth"), "want a username and a password, each here or in a file")
	}
}

// limits checks that no number turns a guard off by accident.
func (c *checker) limits(p place, l *Limits) {
	const percent = "outage_percent"
	for key, n := range counts(*l) {
		switch {
		case key == percent && (n < 0 || n > 100):
			c.fail(c.sub(p, key), "got %d, want 1 to 100", n)
		case key != percent && n < 0:
			c.fail(c.sub(p, key), "got %d, want 1 or more", n)
		}
	}
	c.failures(p.field("restart_on"), l.RestartOn)
	c.failures(p.field("never_restart_on"), l.NeverRestartOn)
}

// failures checks that each is a status code or a reason of a failed probe.
func (c *checker) failures(p place, all Failures) {
	for i, f := range all {
		code, isCode := f.code()
		switch {
		case isCode && (code < minStatus || code > maxStatus):
			c.fail(c.at(p.item(i)), "got status code %d, want %d to %d", code, minStatus, maxStatus)
		case !isCode && !slices.Contains(FailureReasons, string(f)):
			c.fail(c.at(p.item(i)), "got %q, want a status code or one of %s", string(f), strings.Join(FailureReasons, ", "))
		}
	}
}

// shortest is the least time between two rounds of checks.
const shortest = Duration(100 * time.Millisecond)

// effective checks that the limits of a service go together, wherever each of them comes from.
func (c *checker) effective(p place, l Limits) {
	const day = Duration(24 * time.Hour) // attempts are remembered for as long
	alone := l.AsksWithoutAlert()
	for _, rule := range []struct {
		ok     bool
		key    string
		reason string
	}{
		{l.CheckInterval >= shortest, "check_interval", "is less than 100ms"},
		{l.ConfirmInterval >= shortest, "confirm_interval", "is less than 100ms"},
		{l.Cooldown <= l.CooldownMax, "cooldown_max", "is less than cooldown"},
		{l.CooldownMax <= day, "cooldown_max", "is more than 24h"},
		{l.FleetWindow <= day, "fleet_window", "is more than 24h"},
		{l.VerifyTimeout > l.ConfirmInterval*Duration(l.VerifyProbes), "verify_timeout", "is too short for verify_probes, confirm_interval apart: no restart could be verified"},
		{l.SuspectTime > l.ConfirmInterval*Duration(l.ConfirmProbes), "suspect_time", "is too short for confirm_probes, confirm_interval apart: no failure could be confirmed"},
		{alone == 0 || alone >= l.ConfirmInterval*Duration(l.ConfirmProbes), "without_alert_after", "is less than confirm_probes, confirm_interval apart"},
		{alone == 0 || alone >= l.CheckInterval, "without_alert_after", "is less than check_interval: nothing is seen in between"},
	} {
		if !rule.ok {
			c.fail(c.sub(p, rule.key), "%s, together with the defaults", rule.reason)
		}
	}
}

// brake checks the numbers of the mass brake.
func (c *checker) brake(p place, r *Restart) {
	for key, n := range counts(r.Brake) {
		if n < 0 {
			c.fail(c.sub(p, key), "got %d, want 1 or more", n)
		}
	}
	all := r.BrakeOf()
	if all.Percent > 100 {
		c.fail(c.sub(p, "percent"), "got %d, want at most 100", all.Percent)
	}
	if all.ReleasePercent > all.Percent {
		c.fail(c.sub(p, "release_percent"), "got %d, want at most percent: a brake that is put on must not be released by that", all.ReleasePercent)
	}
}

// selectors checks the labels that select a service.
func (c *checker) selectors(p place, s *Service) {
	for _, label := range slices.Sorted(maps.Keys(s.Match)) {
		if label == "" || s.Match[label] == "" {
			c.fail(c.sub(p, "match"), "got an empty label or value, want a label that the alert has")
		}
		c.text(c.at(p.field("match").entry(label)), label)
		c.text(c.at(p.field("match").entry(label)), s.Match[label])
	}
}

// serviceDependencies checks that services depend on services that exist, and that there is no cycle.
func (c *checker) serviceDependencies(services place, all []Service) {
	index, on, order := map[string]int{}, map[string][]string{}, make([]string, len(all))
	for i := range all {
		index[all[i].Name], on[all[i].Name], order[i] = i, all[i].DependsOn, all[i].Name
	}
	for i := range all {
		for k, name := range all[i].DependsOn {
			if _, ok := on[name]; !ok {
				c.fail(c.at(services.item(i).field("depends_on").item(k)), "got unknown service %q, want one of %q", name, slices.Sorted(maps.Keys(on)))
			}
		}
	}
	for _, cycle := range Cycles(order, on) {
		p := c.at(services.item(index[cycle[len(cycle)-2]]).field("depends_on"))
		c.fail(p, "is a cycle: %s: none of them would ever be restarted", strings.Join(cycle, " → "))
	}
}

func (c *checker) serviceChecks(p place, s *Service, cfg *Config, targets map[string]string) {
	modules := cfg.Modules
	if len(s.Checks) == 0 {
		c.fail(p, "got no check, want at least one")
	}
	for i := range s.Checks {
		check, at := &s.Checks[i], c.at(p.item(i))
		if check.Target != "" {
			c.checkedTarget(at, check, cfg)
			c.unique(c.sub(at, "target"), targets, "target "+check.Target, "check")
			continue
		}
		if check.Module == "" {
			check.Module = DefaultModuleFor(check.URL)
		}
		m, ok := modules[check.Module]
		if !ok {
			c.fail(c.sub(at, "module"), "%s", c.unknownModule(check.Module, modules))
		}
		schemes := []string{"http", "https"}
		if m.Prober == "websocket" {
			schemes = []string{"ws", "wss", "http", "https"}
		}
		u, err := url.Parse(check.URL)
		if err != nil || !slices.Contains(schemes, u.Scheme) || u.Hostname() == "" || !validPort(u) {
			c.fail(c.sub(at, "url"), "want an absolute URL with the scheme %s%s", orList(schemes), MeantURL(check.URL))
			continue
		}
		c.pair(at, m, check.URL)
		u.Host, u.Fragment = strings.ToLower(u.Host), ""
		if u.Path == "" {
			u.Path = "/"
		}
		c.unique(c.sub(at, "url"), targets, u.String(), "check")
	}
}

// checkedTarget checks a check that names a target, which was checked before.
func (c *checker) checkedTarget(p place, check *ServiceCheck, cfg *Config) {
	if check.URL != "" || check.Module != "" {
		c.fail(p, "want either target, or url with or without module")
	}
	if cfg.Target(check.Target) == nil && len(cfg.TargetFiles) == 0 && !cfg.Managed.Targets {
		c.fail(c.sub(p, "target"), "got %q, want the name of one of targets, or of one in target_files or of a managed one: what may be restarted does not depend on target_apis", check.Target)
	}
}

// orList joins words by commas, the last two by "or", and andList by "and".
func orList(words []string) string { return listed(words, "or") }

func andList(words []string) string { return listed(words, "and") }

func listed(words []string, last string) string {
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}

func validPort(u *url.URL) bool {
	port := u.Port()
	if port == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// unique reports a name that is missing, or that two things have: alerts could not tell them apart.
func (c *checker) unique(p place, seen map[string]string, name, what string) {
	switch first, ok := seen[name]; {
	case name == "":
		c.fail(p, "missing, want the name of the %s", what)
	case ok:
		c.fail(p, "is the same %s as %s", what, first)
	default:
		seen[name] = p.path
	}
}
