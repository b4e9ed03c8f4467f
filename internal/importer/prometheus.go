package importer

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A job is a scrape job of Prometheus.
type job struct {
	Name        string              `yaml:"job_name"`
	MetricsPath string              `yaml:"metrics_path"`
	Interval    string              `yaml:"scrape_interval"`
	Timeout     string              `yaml:"scrape_timeout"`
	Params      map[string][]string `yaml:"params"`
	Static      []group             `yaml:"static_configs"`
	Files       []fileSD            `yaml:"file_sd_configs"`
	Relabel     []rule              `yaml:"relabel_configs"`
	Others      map[string]any      `yaml:",inline"`

	file string // where it stands
}

type group struct {
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels"`
}

type fileSD struct {
	Files []string `yaml:"files"`
}

// times are how often and how long Prometheus scrapes if a job does not say.
type times struct {
	Interval string `yaml:"scrape_interval"`
	Timeout  string `yaml:"scrape_timeout"`
}

// Prometheus takes the targets of scrape jobs that go through a blackbox_exporter, as they are after relabelling.
func (im *Importer) Prometheus(name string, data []byte) error {
	root, err := parseWith(name, data, "scrape_configs")
	if err != nil {
		return err
	}
	var global times
	if n := value(root, "global"); n != nil && n.Decode(&global) != nil {
		im.drop("%s: global: scrape_interval or scrape_timeout is not a text", name)
	}
	global.Interval = cmp.Or(global.Interval, "1m")
	if value(root, "scrape_config_files") != nil {
		im.drop("%s: scrape_config_files: the files are not read; give each of them by --prometheus", name)
	}
	jobs := value(root, "scrape_configs")
	if jobs == nil || jobs.Kind != yaml.SequenceNode {
		return fmt.Errorf("reading %q: it has no scrape_configs", name)
	}
	before := len(im.targets)
	for i, n := range jobs.Content {
		j := job{file: name, Interval: global.Interval, Timeout: global.Timeout, MetricsPath: "/metrics"}
		if err := n.Decode(&j); err != nil {
			why := "its keys do not have the form that they have in Prometheus"
			if rule, ok := errors.AsType[ruleError](err); ok { // others may repeat a secret
				why = rule.Error()
			}
			im.drop("%s: job %d%s: it cannot be read: %s", name, i, quoted(n, "job_name"), why)
			continue
		}
		im.job(fmt.Sprintf("%s: job %q", name, j.Name), &j)
	}
	if len(im.targets) > before {
		im.drop("%s: the names of jobs: all targets now belong to the job that asks for /sd", name)
	}
	return nil
}

// quoted is what a mapping has for a key, as part of a message.
func quoted(n *yaml.Node, key string) string {
	if n.Kind == yaml.MappingNode {
		if v := value(n, key); v != nil && v.Kind == yaml.ScalarNode {
			return fmt.Sprintf(" (%q)", v.Value)
		}
	}
	return ""
}

func (im *Importer) job(where string, j *job) {
	if !j.blackbox() {
		im.drop("%s: does not go through /probe", where)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(j.Others)) {
		if strings.HasSuffix(key, "_sd_configs") {
			im.drop("%s: %s: only static_configs and file_sd_configs are taken over", where, key)
		} else {
			im.drop("%s: %s: belongs in the job that asks for /sd", where, key)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(j.Params)) {
		im.param(where, name)
	}
	im.groups(where, j, j.Static)
	for _, sd := range j.Files {
		for _, pattern := range sd.Files {
			im.list(fmt.Sprintf("%s: file_sd_configs: %q", where, pattern), j, pattern)
		}
	}
}

// blackbox reports whether the job, or one of its rules, asks for /probe.
func (j *job) blackbox() bool {
	return probePath(j.MetricsPath) ||
		slices.ContainsFunc(j.Relabel, func(r rule) bool { return r.TargetLabel == "__metrics_path__" && probePath(r.Replacement) })
}

func probePath(path string) bool { return strings.HasSuffix(path, "/probe") }

// param reports a parameter that has no key.
func (im *Importer) param(where, name string) {
	if name != "module" && name != "target" && name != "hostname" {
		im.drop("%s: params: a target cannot have %s", where, name)
	}
}

// sets reports whether a rule sets a label.
func (j *job) sets(label string) bool {
	return slices.ContainsFunc(j.Relabel, func(r rule) bool { return r.TargetLabel == label })
}

// labels are the labels of a target before relabelling.
func (j *job) labels(g group, address string) map[string]string {
	all := map[string]string{"job": j.Name, "__metrics_path__": j.MetricsPath, "__scrape_interval__": j.Interval, "__address__": address}
	set(all, "__scrape_timeout__", j.Timeout)
	for name, values := range j.Params {
		if len(values) > 0 {
			set(all, "__param_"+name, values[0])
		}
	}
	maps.Copy(all, g.Labels)
	return all
}

// groups takes the targets of a job. What keeps out several of them is reported once.
func (im *Importer) groups(where string, j *job, groups []group) {
	var out leftOut
	for _, g := range groups {
		for _, address := range g.Targets {
			if why := im.scraped(where, j, g, address); why != "" {
				out.add(why, im.shown(address))
			}
		}
	}
	for _, why := range out.reasons {
		im.drop("%s: %s: %s", where, targets(out.targets[why]), why)
	}
}

// scraped takes a target of a job, or says why it cannot be taken over.
func (im *Importer) scraped(where string, j *job, g group, address string) (why string) {
	labels := j.labels(g, address)
	kept := relabel(j.Relabel, labels)
	if !j.sets("__param_target") && labels["__param_target"] == "" {
		labels["__param_target"] = address // this is what is meant, although blackbox_exporter would get no target
	}
	switch {
	case !kept:
		return "dropped by relabel_configs"
	case !probePath(labels["__metrics_path__"]):
		return "not probed through /probe"
	case labels["__param_target"] == "":
		return "relabel_configs leave the parameter target empty"
	}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if param, ok := strings.CutPrefix(name, "__param_"); ok {
			im.param(where, param)
		}
	}
	fields := map[string]any{"url": withScheme(labels["__param_target"])}
	name := im.name(where, g, labels)
	module := cmp.Or(labels["__param_module"], config.DefaultModuleFor(labels["__param_target"]))
	if why := im.missing(module); why != "" {
		return why
	}
	if host := labels["__param_hostname"]; host != "" {
		fields["headers"] = map[string]string{"Host": host} // it is the name for TLS as well, as in blackbox_exporter
	}
	interval, timeout := im.times(where, labels, module)
	own := map[string]string{}
	for name, v := range labels {
		if !strings.HasPrefix(name, "__") && !slices.Contains([]string{"job", "instance", "target", "environment"}, name) {
			own[name] = v
		}
	}
	for key, v := range map[string]string{"name": name, "module": module, "environment": labels["environment"], "interval": interval, "timeout": timeout} {
		if v != "" {
			fields[key] = v
		}
	}
	if len(own) > 0 {
		fields["labels"] = own
	}
	im.add(where, fields, fmt.Sprintf("%s (%s)", name, labels["job"]))
	return ""
}

// missing says why no target can have the module, or is empty if the module was taken over. It reports a module of this
// exporter, because that of the blackbox_exporter with this name is not known.
func (im *Importer) missing(name string) string {
	m, ok := im.modules[name]
	switch {
	case im.lost[name]:
		return fmt.Sprintf("the module %q was dropped", name)
	case !ok:
		return fmt.Sprintf("the module %q is in none of the files given, want it in one given by --blackbox", name)
	case m.from == ownModules:
		im.change("module %q: it is in no file given by --blackbox, so the one of this exporter is used", name)
	}
	return ""
}

func withScheme(address string) string {
	if strings.Contains(address, "://") {
		return address
	}
	return "http://" + address
}

// noURL is shown for an address that is not a URL.
const noURL = "not a URL"

// shown is an address as people may see it.
func (im *Importer) shown(address string) string {
	u, err := url.Parse(withScheme(address))
	switch {
	case err != nil:
		return noURL
	case !strings.Contains(address, "://"):
		return strings.TrimPrefix(im.options.Mask(u), "http://")
	default:
		return im.options.Mask(u)
	}
}

// name is the name of a target: the label target or instance if only this target has it, or else its URL.
func (im *Importer) name(where string, g group, labels map[string]string) string {
	for _, label := range []string{"target", "instance"} {
		v := labels[label]
		switch {
		case v == "", v == labels["__param_target"]:
		case v == g.Labels[label] && len(g.Targets) > 1:
			im.drop("%s: several targets have the label %s: %q, so it cannot name them", where, label, im.shown(v))
		case !strings.ContainsAny(v, "/@?"): // where a secret could be
			return v
		case im.shown(v) != noURL:
			return im.shown(v)
		}
	}
	return im.shown(withScheme(labels["__param_target"]))
}

// times are the interval and the timeout of a target. An empty one is the default.
func (im *Importer) times(where string, labels map[string]string, module string) (interval, timeout string) {
	interval = labels["__scrape_interval__"]
	every, err := config.ParseDuration(interval)
	switch longest := config.Duration(config.MaxInterval); {
	case err != nil:
		im.drop("%s: scrape_interval: %v", where, err)
		interval, every = "", config.Duration(config.DefaultInterval)
	case every > longest:
		im.drop("%s: scrape_interval: got %s, taken as %s: a target without a sample for longer counts as gone", where, interval, longest)
		interval, every = longest.String(), longest
	}
	if labels["__scrape_timeout__"] == "" {
		return interval, ""
	}
	d, err := config.ParseDuration(labels["__scrape_timeout__"])
	if err != nil {
		im.drop("%s: scrape_timeout: %v", where, err)
		return interval, ""
	}
	d = min(probing(d), probing(every))
	if own := im.reader.Modules[module].Timeout; own > 0 && own <= d {
		return interval, "" // the module ends the probe before
	}
	return interval, config.Duration(time.Duration(d).Truncate(time.Millisecond)).String()
}

// probing is how much of the time of a scrape is for the probe.
func probing(scrape config.Duration) config.Duration {
	return scrape - min(config.Duration(config.DefaultTimeoutOffset), scrape/10)
}
