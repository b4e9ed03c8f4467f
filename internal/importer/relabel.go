package importer

import (
	"crypto/md5" //nolint:gosec // it is what Prometheus counts with
	"encoding/binary"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A rule is an entry of relabel_configs
// (https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config).
type rule struct {
	SourceLabels []string `yaml:"source_labels"`
	Separator    string   `yaml:"separator"`
	Regex        string   `yaml:"regex"`
	Modulus      uint64   `yaml:"modulus"`
	TargetLabel  string   `yaml:"target_label"`
	Replacement  string   `yaml:"replacement"`
	Action       string   `yaml:"action"`

	form *regexp.Regexp
}

// A ruleError says what is wrong with a rule. It repeats no value of a label.
type ruleError string

func (e ruleError) Error() string { return "relabel_configs: " + string(e) }

// UnmarshalYAML implements yaml.Unmarshaler. The error is a ruleError.
func (r *rule) UnmarshalYAML(n *yaml.Node) error {
	type plain rule
	*r = rule{Separator: ";", Regex: "(.*)", Replacement: "$1", Action: "replace"}
	if n.Decode((*plain)(r)) != nil {
		return ruleError("want a mapping with the keys of Prometheus")
	}
	r.Action = strings.ToLower(r.Action)
	if relabelings[r.Action] == nil || r.Action == "hashmod" && r.Modulus == 0 {
		return ruleError(fmt.Sprintf("the action %q is not known, or lacks something", r.Action))
	}
	var err error
	if r.form, err = regexp.Compile("^(?s:" + r.Regex + ")$"); err != nil {
		return ruleError("regex is not a regular expression")
	}
	return nil
}

// relabel applies rules to labels, which it changes. It returns false if one of them drops the target.
func relabel(rules []rule, labels map[string]string) bool {
	for i := range rules {
		r := &rules[i]
		values := make([]string, len(r.SourceLabels))
		for j, name := range r.SourceLabels {
			values[j] = labels[name]
		}
		if !relabelings[r.Action](r, labels, strings.Join(values, r.Separator)) {
			return false
		}
	}
	return true
}

// relabelings are the actions. They get the values of the source labels, and return false to drop the target.
var relabelings = map[string]func(r *rule, labels map[string]string, v string) bool{
	"replace":   (*rule).replace,
	"keep":      func(r *rule, _ map[string]string, v string) bool { return r.form.MatchString(v) },
	"drop":      func(r *rule, _ map[string]string, v string) bool { return !r.form.MatchString(v) },
	"keepequal": func(r *rule, labels map[string]string, v string) bool { return labels[r.TargetLabel] == v },
	"dropequal": func(r *rule, labels map[string]string, v string) bool { return labels[r.TargetLabel] != v },
	"lowercase": func(r *rule, labels map[string]string, v string) bool {
		set(labels, r.TargetLabel, strings.ToLower(v))
		return true
	},
	"uppercase": func(r *rule, labels map[string]string, v string) bool {
		set(labels, r.TargetLabel, strings.ToUpper(v))
		return true
	},
	"hashmod": func(r *rule, labels map[string]string, v string) bool {
		sum := md5.Sum([]byte(v)) //nolint:gosec // as above
		set(labels, r.TargetLabel, strconv.FormatUint(binary.BigEndian.Uint64(sum[8:])%r.Modulus, 10))
		return true
	},
	"labelmap": func(r *rule, labels map[string]string, _ string) bool {
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			if r.form.MatchString(name) {
				set(labels, r.form.ReplaceAllString(name, r.Replacement), labels[name])
			}
		}
		return true
	},
	"labeldrop": func(r *rule, labels map[string]string, _ string) bool {
		maps.DeleteFunc(labels, func(name, _ string) bool { return r.form.MatchString(name) })
		return true
	},
	"labelkeep": func(r *rule, labels map[string]string, _ string) bool {
		maps.DeleteFunc(labels, func(name, _ string) bool { return !r.form.MatchString(name) })
		return true
	},
}

func (r *rule) replace(labels map[string]string, v string) bool {
	if at := r.form.FindStringSubmatchIndex(v); at != nil {
		name := string(r.form.ExpandString(nil, r.TargetLabel, v, at))
		set(labels, name, string(r.form.ExpandString(nil, r.Replacement, v, at)))
	}
	return true
}

// set sets a label. An empty value deletes it.
func set(labels map[string]string, name, v string) {
	if v == "" {
		delete(labels, name)
		return
	}
	labels[name] = v
}
