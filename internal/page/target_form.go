package page

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A targetField is a key of a target's definition that the form has.
type targetField struct {
	key  string
	kind string // of the control in html/form.html
	// show is what was written as people edit it.
	show func(raw json.RawMessage) string
	// read is the opposite of show for a text that is not empty. Before is what was written before; nil: nothing.
	read func(text string, before json.RawMessage) (any, error)
}

// targetFields are those of the form, in its order. What it does not have survives an edit.
var targetFields = []targetField{
	{"url", "url", showText, readText},
	{"environment", "environment", showText, readText},
	{"module", "module", showText, readText},
	{"interval", "text", showText, readText},
	{"timeout", "text", showText, readText},
	{"labels", "area", showLabels, readLabels},
	{"depends_on", "area", showLines, readLines},
	{"notification", "notification", showText, readText},
	{"runbook_url", "url", showText, readText},
}

// targetKeys are the names of the fields that the form has.
func targetKeys() (all []string) {
	for _, f := range targetFields {
		all = append(all, f.key)
	}
	return all
}

func showText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw) // such as a number
	}
	return s
}

func readText(text string, _ json.RawMessage) (any, error) { return text, nil }

func showLines(raw json.RawMessage) string {
	var all []string
	if json.Unmarshal(raw, &all) != nil {
		return string(raw)
	}
	return strings.Join(all, "\n")
}

func readLines(text string, _ json.RawMessage) (any, error) {
	all := []string{}
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all, nil
}

func showLabels(raw json.RawMessage) string {
	var all map[string]string
	if json.Unmarshal(raw, &all) != nil {
		return string(raw)
	}
	var lines []string
	for _, name := range sortedKeys(all) {
		lines = append(lines, name+"="+all[name])
	}
	return strings.Join(lines, "\n")
}

// readLabels has null for each label that is gone, as a merge patch wants it.
func readLabels(text string, before json.RawMessage) (any, error) {
	labels := map[string]any{}
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" {
			return nil, fmt.Errorf("got %q, want name=value, one on each line", printable.Text(line, printable.MaxLog))
		}
		if _, twice := labels[name]; twice {
			return nil, fmt.Errorf("%q is there twice", printable.Text(name, printable.MaxLog))
		}
		labels[name] = value
	}
	var had map[string]json.RawMessage
	_ = json.Unmarshal(before, &had) // nothing was there
	for name := range had {
		if _, kept := labels[name]; !kept {
			labels[name] = nil
		}
	}
	return labels, nil
}

// A definition is what somebody has written of a target, by key.
type definition map[string]json.RawMessage

func definitionOf(raw json.RawMessage) definition {
	d := definition{}
	_ = json.Unmarshal(raw, &d) // it is an object
	return d
}

// shown are the values of the fields that the form has.
func (d definition) shown() map[string]string {
	all := map[string]string{}
	for _, f := range targetFields {
		if raw, ok := d[f.key]; ok {
			all[f.key] = f.show(raw)
		}
	}
	return all
}

// patch is the merge patch (RFC 7396) that makes d what was typed: of what is different alone, so that all else stays. The
// mistakes are those of texts that cannot be read.
func (d definition) patch(c *catalogue, typed map[string]string) (patch map[string]any, mistakes []mistake) {
	patch = map[string]any{}
	shown := d.shown()
	for _, f := range targetFields {
		text := typed[f.key]
		switch {
		case f.same(shown[f.key], text):
		case text == "":
			patch[f.key] = nil
		default:
			v, err := f.read(text, d[f.key])
			if err != nil {
				mistakes = append(mistakes, mistake{Field: f.key, Label: c.say("form." + f.key), Text: err.Error()})
			}
			patch[f.key] = v
		}
	}
	return patch, mistakes
}

// same reports whether two texts of a field mean the same.
func (f *targetField) same(shown, typed string) bool {
	if shown = tidy(shown); shown == typed {
		return true
	}
	if f.key == "notification" && shown == "" { // nobody has written it
		return typed == "on"
	}
	v, err := f.read(typed, nil)
	if err != nil || typed == "" || shown == "" {
		return false
	}
	raw, err := json.Marshal(v)
	return err == nil && f.show(raw) == shown
}

// tidy is a text of a form without what browsers do to it.
func tidy(text string) string { return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) }

// maxName is how many characters a proposed name has.
const maxName = 100

// nameFor proposes a name for a URL: its host and path. A slash would be one that proxies trip over.
func nameFor(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return ""
	}
	parts := []string{u.Host}
	for part := range strings.SplitSeq(u.Path, "/") {
		if part = strings.TrimSpace(printable.Clean(part)); part != "" {
			parts = append(parts, part)
		}
	}
	name := strings.Join(parts, "-")
	if utf8.RuneCountInString(name) > maxName {
		name = strings.TrimSpace(string([]rune(name)[:maxName]))
	}
	return name
}

// A control is a field as the form shows it.
type control struct {
	Key, Kind, Label, Help, Value string
	Wrong                         string // what is wrong with it; empty: nothing is
	Ours                          bool   // see mistake
	Required                      bool
	Remove                        bool // offer to remove the secret that is there
	Options                       []choice
}

// A choice is one of those to choose from.
type choice struct {
	Value, Text string
	Chosen      bool
}

// A targetForm is the form of a target, to add or to edit it.
type targetForm struct {
	*catalogue

	Name     string // of the one that is edited; empty: one is added
	Shown    string // that name for people
	Action   string // where the form goes
	Back     string // where the page leads
	Revision uint64 // on which the change depends; 0: on none
	Controls []control
	Mistakes []mistake
	Conflict *conflict
	Note     string // what there is to know; empty: nothing
	Delete   *deleteForm
}

// Anchor is what the id of each field begins with.
func (f *targetForm) Anchor() string { return "f-" }

// A conflict is what somebody else has changed meanwhile.
type conflict struct {
	Text        string
	Differences []difference
}

// A difference is a field with what is there now, and what was typed.
type difference struct{ Label, Now, Typed string }

// controls are the fields with what was typed, and what is wrong with that.
func (p *Pages) controls(c *catalogue, keys []string, typed map[string]string, mistakes []mistake) (all []control) {
	for _, key := range keys {
		one := control{Key: key, Kind: "text", Label: c.say("form." + key), Help: c.say("form.help." + key), Value: typed[key], Required: key == "url"}
		for _, f := range targetFields {
			if f.key == key {
				one.Kind = f.kind
			}
		}
		for _, m := range mistakes {
			if m.Field == key && one.Wrong == "" {
				one.Wrong, one.Ours = m.Text, m.Ours
			}
		}
		one.Options = p.options(c, key, one.Value)
		all = append(all, one)
	}
	return all
}

// options are what a field may be chosen from. What was typed is one of them in any case.
func (p *Pages) options(c *catalogue, key, typed string) (all []choice) {
	var words []string
	switch key {
	case "module":
		all = append(all, choice{"", c.say("form.module_default"), typed == ""})
		words = p.Editing.Modules()
		if typed != "" && !slices.Contains(words, typed) {
			words = append([]string{typed}, words...)
		}
	case "environment":
		words = p.factsOf(p.Board.Inventory()).Environments
	case "notification":
		return []choice{{"on", c.say("form.notification_on"), typed != "off"}, {"off", c.say("form.notification_off"), typed == "off"}}
	}
	for _, w := range words {
		all = append(all, choice{w, printable.Text(w, printable.MaxLog), w == typed})
	}
	return all
}
