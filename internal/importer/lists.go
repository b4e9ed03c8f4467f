package importer

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// list takes a list of targets of a job. It stays a list if the job probes its targets as they are. Otherwise its
// targets are written down as the job makes them now, if the list can be read.
func (im *Importer) list(where string, j *job, pattern string) {
	if !isPattern(pattern) {
		im.drop("%s is not the pattern of a file", where)
		return
	}
	module, asIs := j.asIs()
	if asIs {
		if why := im.missing(cmp.Or(module, config.DefaultModule)); why != "" {
			im.drop("%s: %s", where, why)
			return
		}
	}
	file := config.TargetFile{Path: pattern, Module: module}
	at := slices.IndexFunc(im.files, func(f config.TargetFile) bool { return f.Path == pattern })
	switch {
	case asIs && at < 0:
		im.files = append(im.files, file)
		im.drop("%s: interval, timeout and labels of the job: target_files does not have them, but the list may", where)
		if !filepath.IsAbs(pattern) {
			im.change("%s is relative to the working directory of this exporter, and to the directory of %s in Prometheus: make it absolute", where, j.file)
		}
	case asIs && im.files[at].Module == file.Module:
	default:
		im.writeOut(where, j, pattern)
	}
}

// writeOut takes the targets that a list has now.
func (im *Importer) writeOut(where string, j *job, pattern string) {
	lists, err := im.read(j.file, pattern)
	if err != nil {
		im.drop("%s: the job changes its targets, which target_files cannot do, and it cannot be read: %v", where, err)
		return
	}
	before := len(im.targets)
	for _, data := range lists {
		var groups []group
		if yaml.Unmarshal(data, &groups) != nil { // the error may repeat a secret
			im.drop("%s: it is not a list of targets for file_sd", where)
			continue
		}
		im.groups(where, j, groups)
	}
	im.change("%s: its %d targets are written down as they are now: target_files cannot relabel them", where, len(im.targets)-before)
}

func (im *Importer) read(from, pattern string) ([][]byte, error) {
	if im.options.Read == nil {
		return nil, fmt.Errorf("opening %q: not possible here", pattern)
	}
	return im.options.Read(from, pattern)
}

// isPattern reports whether target_files can have it.
func isPattern(file string) bool {
	var n yaml.Node
	err := n.Encode(map[string]any{"modules": map[string]any{"m": map[string]any{"prober": "http"}}, "target_files": []string{file}})
	if err == nil {
		_, err = check("target_files", &n)
	}
	return err == nil
}

// asIs reports whether the job probes each address in a list as it is, whatever its labels, and with which module. An
// empty module is the default of blackbox_exporter.
func (j *job) asIs() (module string, ok bool) {
	if len(j.Params["hostname"]) > 0 || slices.ContainsFunc(j.Relabel, chooses) {
		return "", false
	}
	for i, address := range []string{"a.example.com:8080", "https://b.example.com/c?d=e"} {
		labels := j.labels(group{}, address)
		kept := relabel(j.Relabel, labels)
		if !j.sets("__param_target") && labels["__param_target"] == "" {
			labels["__param_target"] = address // as in scraped
		}
		same := i == 0 || module == labels["__param_module"]
		module = labels["__param_module"]
		if !kept || !same || labels["__param_target"] != address || !probePath(labels["__metrics_path__"]) || labels["__param_hostname"] != "" {
			return "", false
		}
	}
	return module, true
}

// chooses reports whether a rule makes it depend on the labels of a target whether, where or how it is probed.
func chooses(r rule) bool {
	decides := func(label string) bool {
		return strings.HasPrefix(label, "__param_") || label == "__metrics_path__" || strings.Contains(label, "$")
	}
	switch r.Action {
	case "keep", "drop", "keepequal", "dropequal", "labelkeep", "labeldrop":
		return r.Action != "labeldrop" || slices.ContainsFunc([]string{"__address__", "__param_target", "__param_module", "__metrics_path__"}, r.form.MatchString)
	case "labelmap":
		return decides(r.Replacement) && r.Replacement != "$1" && r.Replacement != "${1}"
	default:
		return decides(r.TargetLabel) && slices.ContainsFunc(r.SourceLabels, func(l string) bool { return l != "__address__" && l != "__param_target" })
	}
}
