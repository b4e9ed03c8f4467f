package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A TargetReader reads targets one by one. A target that is wrong does not affect the others. It fills in what a target
// leaves out.
type TargetReader struct {
	// File is the name of the file in messages.
	File string
	// Modules are the modules that a target may name.
	Modules map[string]Module
	// Foreign are the modules that were left out; see Config.Foreign.
	Foreign map[string]string
	// Module is the module of a target that does not name one. Empty: the one of DefaultModuleFor.
	Module string
	// Offset is the time that a scrape needs besides the probe; see Options.
	Offset time.Duration
}

// Read reads a target from a mapping with the keys of Target. A label with a problem is dropped, and the target is kept. Any
// other problem is among wrong, and then the target cannot be used. The paths of problems begin at the target.
func (r TargetReader) Read(n *yaml.Node) (t Target, wrong, dropped Errors) {
	d := &decoder{file: r.File, lines: map[string]int{}, active: map[*yaml.Node]bool{}, leftOutModules: r.Foreign}
	p := place{pattern: targetPattern, line: n.Line}
	d.duplicates(p, n)
	d.value(p, n, reflect.ValueOf(&t).Elem())
	c := &checker{d}
	t.Module = cmp.Or(t.Module, r.Module)
	if t.Name == "" {
		c.fail(c.sub(p, "name"), "missing, want the name of the target")
	}
	c.target(p, &t, r)
	d.problems.sort()
	for _, problem := range d.problems {
		if within(problem.Path, "labels") {
			dropped = append(dropped, problem)
		} else {
			wrong = append(wrong, problem)
		}
	}
	return t, wrong, dropped
}

// maxTargets is how many targets the configuration file may list.
const maxTargets = 50_000

// targets checks the list of targets in the configuration file, each and together.
func (c *checker) targets(p place, cfg *Config, r TargetReader) {
	names := map[string]string{}
	if len(cfg.Targets) > maxTargets {
		c.fail(p, "has %d targets, want %d at most", len(cfg.Targets), maxTargets)
		return
	}
	for i := range cfg.Targets {
		t, at := &cfg.Targets[i], c.at(p.item(i))
		c.unique(c.sub(at, "name"), names, t.Name, "target")
		c.target(at, t, r)
	}
	c.dependencies(p, cfg)
}

// dependencies checks depends_on of the targets in the configuration file. A target that is not in the file may still come
// from another source.
func (c *checker) dependencies(p place, cfg *Config) {
	index := map[string]int{}
	for i, t := range cfg.Targets {
		index[t.Name] = i
	}
	var order []string
	deps := map[string][]string{}
	for i, t := range cfg.Targets {
		order, deps[t.Name] = append(order, t.Name), t.DependsOn
		for j, name := range t.DependsOn {
			if _, ok := index[name]; !ok && !cfg.hasSources() {
				c.fail(c.at(p.item(i).field("depends_on").item(j)), "got %q, want the name of another target", name)
			}
		}
	}
	for _, cycle := range Cycles(order, deps) {
		from := index[cycle[len(cycle)-2]]
		c.fail(c.at(p.item(from).field("depends_on")), "is a cycle: %s", strings.Join(cycle, " → "))
	}
}

// Cycles finds the cycles of a graph. Each begins and ends with the same name. Its last step is the one to remove: without
// all of those steps the graph has no cycle.
func Cycles(order []string, deps map[string][]string) [][]string {
	var (
		cycles [][]string
		path   []string
		depth  = map[string]int{} // in path, counted from 1; -1: done
		visit  func(name string)
	)
	visit = func(name string) {
		path = append(path, name)
		depth[name] = len(path)
		for _, next := range deps[name] {
			switch d := depth[next]; {
			case d > 0:
				cycles = append(cycles, append(slices.Clone(path[d-1:]), next))
			case d == 0:
				visit(next)
			}
		}
		depth[name] = -1
		path = path[:len(path)-1]
	}
	for _, name := range order {
		if depth[name] == 0 {
			visit(name)
		}
	}
	return cycles
}

// target checks one target on its own and fills in what it leaves out.
func (c *checker) target(p place, t *Target, r TargetReader) {
	c.text(c.sub(p, "name"), t.Name)
	if t.Name == "." || t.Name == ".." { // no browser leads to its page
		c.fail(c.sub(p, "name"), "got %q, want a name that is not a step in a path", t.Name)
	}
	c.text(c.sub(p, "environment"), t.Environment)
	if t.Environment == "" {
		t.Environment = DefaultEnvironment
	}
	c.notification(c.sub(p, "notification"), t)
	m, ok := c.targetModule(p, t, r.Modules)
	c.times(p, t, m, r.Offset)
	c.maintenance(c.sub(p, "maintenance"), t.Maintenance)
	c.labels(c.sub(p, "labels"), t.Labels)
	c.length(c.sub(p, "runbook_url"), t.RunbookURL, longestURL)
	for i, name := range t.DependsOn {
		c.text(c.at(p.field("depends_on").item(i)), name)
	}
	c.prints(c.sub(p, "runbook_url"), t.RunbookURL)
	if u, err := url.Parse(t.RunbookURL); t.RunbookURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		c.fail(c.sub(p, "runbook_url"), "want an absolute URL with the scheme http or https%s", MeantURL(t.RunbookURL))
	}
	if ok {
		c.overlay(p, t, m)
		c.pair(p, t.Overlay(m), t.URL)
		c.overlayContradictions(p, t, m)
	}
}

func (c *checker) notification(p place, t *Target) {
	switch strings.ToLower(t.Notification) {
	case "", notificationOn, "true":
		t.Notification = ""
	case notificationOff, "false":
		t.Notification = notificationOff
	default:
		c.fail(p, `got %q, want "on" or "off"`, t.Notification)
	}
}

// targetModule checks the URL and the module that belongs to it.
func (c *checker) targetModule(p place, t *Target, modules map[string]Module) (m Module, ok bool) {
	at := c.sub(p, "url")
	if !c.length(at, t.URL, longestURL) {
		return m, false
	}
	u, err := ParseTargetURL(t.URL)
	if err != nil {
		c.fail(at, "%v", err)
		return m, false
	}
	name := cmp.Or(t.Module, DefaultModuleFor(t.URL))
	if t.Module != "" {
		at = c.sub(p, "module")
	}
	m, ok = modules[name]
	switch {
	case !ok && t.Module == "" && c.leftOutModules[name] == "":
		c.fail(at, "needs the module %q, as every %s URL does, and the configuration does not have it; add it, or name another under module", name, u.Scheme)
	case !ok:
		c.fail(at, "%s", c.unknownModule(name, modules))
	case webSocketScheme(u.Scheme) && m.Prober == "http":
		c.fail(at, "the module %q probes over HTTP, and the URL has the scheme %q", name, u.Scheme)
	}
	t.Module = name
	return m, ok
}

// times checks interval and timeout, and that they fit together.
func (c *checker) times(p place, t *Target, m Module, offset time.Duration) {
	interval, timeout := c.sub(p, "interval"), c.sub(p, "timeout")
	if t.Interval == 0 {
		t.Interval = Duration(DefaultInterval)
	}
	if !c.read(interval) || !c.read(timeout) {
		return
	}
	switch {
	case t.Interval < shortest || time.Duration(t.Interval) > MaxInterval:
		c.fail(interval, "got %s, want %s to %s", t.Interval, shortest, Duration(MaxInterval))
		return
	case time.Duration(t.Interval)%time.Millisecond != 0:
		c.fail(interval, "got %s, want whole milliseconds", t.Interval)
		return
	}
	offset = scrapeOffset(time.Duration(t.Interval), offset)
	longest := t.Interval - Duration(offset)
	switch {
	case t.Timeout == 0:
		t.timeoutByDefault = m.Timeout == 0
		t.Timeout = Duration(min(m.TimeoutOr(DefaultTargetTimeout), time.Duration(longest)).Truncate(time.Millisecond))
	case time.Duration(t.Timeout)%time.Millisecond != 0:
		c.fail(timeout, "got %s, want whole milliseconds", t.Timeout)
	case t.Timeout > longest:
		c.fail(timeout, "got %s, want %s at most: an answer takes up to %s more (--timeout-offset), and the interval is %s",
			t.Timeout, longest, Duration(offset), t.Interval)
	}
	if pauses := m.RetryDelay * Duration(max(m.Attempts-1, 0)); pauses >= t.Timeout {
		c.fail(timeout, "is %s, and the pauses between the %d attempts of the module take all of it", t.Timeout, m.Attempts)
	}
}

// scrapeOffset is how much of a scrape is not available to the probe: the offset, but at most a tenth of the scrape.
func scrapeOffset(scrape, offset time.Duration) time.Duration { return min(max(offset, 0), scrape/10) }

func (c *checker) maintenance(p place, intervals []TimeInterval) {
	for i := range intervals {
		at := c.at(p.item(i))
		if reflect.ValueOf(intervals[i]).IsZero() {
			c.fail(at, "the interval is empty, want times, weekdays, days_of_month, months or years")
		}
		for j, r := range intervals[i].Times {
			times := c.at(at.field("times").item(j))
			switch {
			case r.Start == 0:
				c.fail(c.sub(times, "start_time"), "missing, want a time such as 09:00")
			case r.End == 0:
				c.fail(c.sub(times, "end_time"), "missing, want a time such as 17:00")
			case r.Start >= r.End:
				c.fail(times, "ends before it begins; a range over midnight is written as two, one to 24:00 and one from 00:00")
			}
		}
	}
}

var labelForm = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// reservedLabels are the labels that Prometheus, the inventory or a metric of a probe sets itself.
var reservedLabels = set("job", "instance", "target", "environment",
	"reason", "phase", "subprotocol", "version", "cipher", "fingerprint_sha256", "subject", "issuer", "subjectalternative", "serialnumber")

// CheckLabel returns why a target cannot have a label of this name, or nil if it can.
func CheckLabel(name string) error {
	switch {
	case len(name) > longestText:
		return fmt.Errorf("the name of a label has %d bytes, want %d at most", len(name), longestText)
	case !labelForm.MatchString(name):
		return fmt.Errorf("%q is not a label name, want letters, digits and underscores, not beginning with a digit", name)
	case strings.HasPrefix(name, "__"):
		return fmt.Errorf("%q is reserved: labels that begin with two underscores are for Prometheus itself", name)
	case reservedLabels[name]:
		return fmt.Errorf("%q is reserved: the series of a target already have a label of that name", name)
	default:
		return nil
	}
}

// labels checks the names and values of labels, and removes those that are not valid.
func (c *checker) labels(p place, labels map[string]string) {
	if len(labels) > MaxLabels {
		c.fail(p, "has %d labels, want %d at most", len(labels), MaxLabels)
	}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		at, before := c.at(p.entry(name)), len(c.problems)
		if err := CheckLabel(name); err != nil {
			c.fail(at, "%v", err)
		}
		c.text(at, labels[name])
		if len(c.problems) > before || !c.read(at) {
			delete(labels, name)
		}
	}
}
