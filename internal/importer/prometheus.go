package importer

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
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
	Relabel     []relabel           `yaml:"relabel_configs"`
	Others      map[string]any      `yaml:",inline"`
}

type group struct {
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels"`
}

type fileSD struct {
	Files []string `yaml:"files"`
}

type relabel struct {
	SourceLabels []string       `yaml:"source_labels"`
	TargetLabel  string         `yaml:"target_label"`
	Others       map[string]any `yaml:",inline"`
}

// Prometheus takes the targets of scrape jobs that go through a blackbox_exporter.
func (im *Importer) Prometheus(name string, data []byte) error {
	root, err := parse(name, data)
	if err != nil {
		return err
	}
	var global struct {
		Interval string `yaml:"scrape_interval"`
	}
	if n := value(root, "global"); n != nil && n.Decode(&global) != nil {
		im.drop("%s: global: scrape_interval is not a text", name)
	}
	jobs := value(root, "scrape_configs")
	if jobs == nil || jobs.Kind != yaml.SequenceNode {
		return fmt.Errorf("reading %q: it has no scrape_configs", name)
	}
	for i, n := range jobs.Content {
		j := job{Interval: global.Interval}
		if err := n.Decode(&j); err != nil {
			im.drop("%s: job %d: it cannot be read", name, i)
			continue
		}
		im.job(fmt.Sprintf("%s: job %q", name, j.Name), &j)
	}
	return nil
}

// blackbox tells whether the job asks for /probe.
func (j *job) blackbox() bool {
	return strings.HasSuffix(j.MetricsPath, "/probe") ||
		slices.ContainsFunc(j.Relabel, func(r relabel) bool { return r.TargetLabel == "__param_target" })
}

func (im *Importer) job(where string, j *job) {
	if !j.blackbox() {
		im.drop("%s: does not go through /probe", where)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(j.Others)) {
		switch {
		case strings.HasSuffix(key, "_sd_configs"):
			im.drop("%s: %s: only static_configs and file_sd_configs are taken over", where, key)
		case slices.Contains([]string{"basic_auth", "authorization", "oauth2", "tls_config", "proxy_url", "metric_relabel_configs"}, key):
			im.drop("%s: %s: belongs into the job that asks for /sd", where, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(j.Params)) {
		if key != "module" && key != "target" {
			im.drop("%s: params: %s has no place in a target", where, key)
		}
	}
	interval, timeout := im.times(where, j)
	groups := j.Static
	if len(j.Params["target"]) > 0 {
		groups = []group{{Targets: j.Params["target"]}}
	}
	for _, g := range groups {
		for _, address := range g.Targets {
			im.add(where, im.fields(j, g, address, interval, timeout))
		}
	}
	for _, sd := range j.Files {
		for _, file := range sd.Files {
			if _, err := filepath.Match(file, ""); err != nil || file == "" || slices.Contains(im.files, file) {
				continue
			}
			im.files = append(im.files, file)
			im.drop("%s: file_sd_configs: %s is read by target_files now, with the default module, interval and timeout where its labels do not say", where, file)
		}
	}
}

// times are the interval and the timeout of the job; empty: the default.
func (im *Importer) times(where string, j *job) (interval, timeout string) {
	interval = j.Interval
	every := config.Duration(config.DefaultInterval)
	if interval != "" {
		d, err := config.ParseDuration(interval)
		switch {
		case err != nil:
			im.drop("%s: scrape_interval: %v", where, err)
			interval = ""
		case time.Duration(d) > config.MaxInterval:
			im.drop("%s: scrape_interval: got %s, taken as %s: a target without a sample for longer counts as gone", where, interval, config.Duration(config.MaxInterval))
			interval, every = config.Duration(config.MaxInterval).String(), config.Duration(config.MaxInterval)
		default:
			every = d
		}
	}
	if j.Timeout == "" {
		return interval, ""
	}
	d, err := config.ParseDuration(j.Timeout)
	if err != nil {
		im.drop("%s: scrape_timeout: %v", where, err)
		return interval, ""
	}
	d -= min(config.Duration(config.DefaultTimeoutOffset), d/10) // the rest of a scrape is not for the probe
	d = min(d, every-min(config.Duration(config.DefaultTimeoutOffset), every/10))
	return interval, config.Duration(time.Duration(d).Truncate(time.Millisecond)).String()
}

// fields are the keys of a target of the job.
func (im *Importer) fields(j *job, g group, address, interval, timeout string) map[string]any {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	fields := map[string]any{"url": address, "name": address}
	if u, err := url.Parse(address); err == nil {
		fields["name"] = im.mask(u)
	}
	labels := map[string]string{}
	module := ""
	if len(j.Params["module"]) > 0 {
		module = j.Params["module"][0]
	}
	byLabel := slices.ContainsFunc(j.Relabel, func(r relabel) bool {
		return r.TargetLabel == "__param_module" && slices.Equal(r.SourceLabels, []string{"module"})
	})
	for name, v := range g.Labels {
		switch {
		case name == "__param_module", name == "module" && byLabel:
			module = v
		case name == "environment":
			fields["environment"] = v
		case name == "target" && len(g.Targets) == 1:
			fields["name"] = v
		case strings.HasPrefix(name, "__"), name == "target", name == "job", name == "instance":
		default:
			labels[name] = v
		}
	}
	for key, v := range map[string]string{"module": module, "interval": interval, "timeout": timeout} {
		if v != "" {
			fields[key] = v
		}
	}
	if len(labels) > 0 {
		fields["labels"] = labels
	}
	return fields
}
