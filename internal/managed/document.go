package managed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// The limits of a document.
const (
	maxDocument         = 16 << 20 // bytes
	maxDocumentTargets  = 10_000
	maxDocumentChannels = 1000 // more than there may be, so that who has too many learns of all that is wrong
)

// Export returns all targets, sorted by name, and the revision of everything. It has no channels.
func (r *Registry) Export() (Document, uint64, error) {
	if err := r.Broken(); err != nil {
		return Document{}, 0, &StoreError{Err: err}
	}
	s := r.state()
	d := Document{Targets: make([]json.RawMessage, 0, len(s.targets))}
	for _, name := range s.names() {
		d.Targets = append(d.Targets, named(name, s.targets[name].Definition))
	}
	return d, s.changed(), nil
}

// ExportWith is Export with all channels.
func (r *Registry) ExportWith() (Document, uint64, error) {
	d, _, err := r.Export()
	s := r.state()
	d.Channels = make([]json.RawMessage, 0, len(s.channels.byName))
	for _, name := range slices.Sorted(maps.Keys(s.channels.byName)) {
		d.Channels = append(d.Channels, named(name, s.channels.byName[name].Definition))
	}
	return d, s.changed(), err
}

// named is a definition with its name before all else.
func named(name string, definition json.RawMessage) json.RawMessage {
	out := append([]byte(`{"name":`), Encode(name)...)
	if string(definition) != "{}" {
		out = append(out, ',')
	}
	return append(out, definition[1:]...)
}

// The keys of a document.
const (
	listTargets  = "targets"
	listChannels = "channels"
)

// A documentList is one of the lists of a document.
type documentList struct {
	key   string
	items []json.RawMessage
}

// lists are those that a document has.
func (d Document) lists() (all []documentList) {
	if d.Targets != nil || d.Channels == nil {
		all = append(all, documentList{listTargets, d.Targets})
	}
	if d.Channels != nil {
		all = append(all, documentList{listChannels, d.Channels})
	}
	return all
}

// JSON returns the document with a target or a channel on each line. ParseDocument reads it.
func (d Document) JSON() []byte {
	out := []byte("{")
	for i, list := range d.lists() {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, `"`+list.key+`":[`...)
		for i, text := range list.items {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(append(out, '\n'), text...)
		}
		out = append(out, "\n]"...)
	}
	return append(out, "}\n"...)
}

// YAML returns the document as YAML. ParseDocument reads it.
func (d Document) YAML() ([]byte, error) {
	whole := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, list := range d.lists() {
		whole.Content = append(whole.Content, config.ValueNode(list.key), yamlList(list.items))
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(whole), e.Close()); err != nil {
		return nil, fmt.Errorf("writing the document as YAML: %w", err)
	}
	return b.Bytes(), nil
}

// yamlList is a list of a document, each with its name first.
func yamlList(items []json.RawMessage) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, text := range items {
		fields := decodeObject(text)
		rest := without(fields, "name")
		n := config.ValueNode(rest)
		keepNumbers(n, rest)
		if name, ok := fields["name"]; ok {
			n.Content = append([]*yaml.Node{config.ValueNode("name"), config.ValueNode(name)}, n.Content...)
		}
		list.Content = append(list.Content, n)
	}
	return list
}

// keepNumbers writes the numbers of a value as they were written.
func keepNumbers(n *yaml.Node, v any) {
	switch v := v.(type) {
	case json.Number:
		n.Tag, n.Value = "", v.String()
	case []any:
		for i, item := range v {
			keepNumbers(n.Content[i], item)
		}
	case map[string]any:
		for i := 0; i+1 < len(n.Content); i += 2 {
			keepNumbers(n.Content[i+1], v[n.Content[i].Value])
		}
	}
}

// ParseDocument reads a document of JSON or, if isYAML is true, of YAML. An error is an InvalidError. What is wrong with a single
// target or channel an import says.
func ParseDocument(data []byte, isYAML bool) (Document, error) {
	var d Document
	var problems []Problem
	switch {
	case len(data) > maxDocument:
		problems = []Problem{{"", fmt.Sprintf("has %d bytes, want %d at most", len(data), maxDocument)}}
	case isYAML:
		d, problems = parseYAML(data)
	default:
		d, problems = parseJSON(data)
	}
	if err := Invalid("document", problems); err != nil {
		return Document{}, err
	}
	return d, nil
}

// The problems of a list that is not there, or not one.
const (
	errNoTargets = `missing, want a list of targets, or [] for none`
	errNoList    = `want a list, or [] for none`
)

// list returns where a document keeps the list of a key, and how many it may have. It is nil if there is no such key.
func (d *Document) list(key string) (list *[]json.RawMessage, most int) {
	switch key {
	case listTargets:
		return &d.Targets, maxDocumentTargets
	case listChannels:
		return &d.Channels, maxDocumentChannels
	}
	return nil, 0
}

// missing is what is wrong with a document without any list.
func (d *Document) missing() []Problem {
	if d.Targets == nil && d.Channels == nil {
		return []Problem{{"/" + listTargets, errNoTargets}}
	}
	return nil
}

// parseJSON splits a document. Its parts are read later, each by itself.
func parseJSON(data []byte) (d Document, problems []Problem) {
	if p := checkJSON(data); p != nil {
		return d, []Problem{*p}
	}
	members := json.NewDecoder(bytes.NewReader(data))
	if first, _ := members.Token(); first != json.Delim('{') {
		return d, []Problem{{"", `want a JSON object with the key "targets" or "channels"`}}
	}
	for members.More() && len(problems) <= maxProblems {
		key, _ := members.Token()
		name, _ := key.(string)
		var value json.RawMessage
		_ = members.Decode(&value) // it was checked as part of the whole
		list, most := d.list(name)
		switch {
		case list == nil:
			problems = append(problems, unknownKey(name))
		case *list != nil:
			problems = append(problems, Problem{"/" + name, "is there twice"})
		default:
			var p []Problem
			*list, p = splitList(name, value, most)
			problems = append(problems, p...)
		}
	}
	if len(problems) == 0 {
		problems = d.missing()
	}
	return d, problems
}

// splitList splits a list of a document.
func splitList(key string, value json.RawMessage, most int) (list []json.RawMessage, problems []Problem) {
	items := json.NewDecoder(bytes.NewReader(value))
	if first, _ := items.Token(); first != json.Delim('[') {
		return nil, []Problem{{"/" + key, noList(key)}}
	}
	list = []json.RawMessage{}
	for items.More() {
		if len(list) == most {
			return list, []Problem{{"/" + key, fmt.Sprintf("has more than %d %s", most, key)}}
		}
		var item json.RawMessage
		_ = items.Decode(&item)
		list = append(list, item)
	}
	return list, nil
}

func noList(key string) string {
	if key == listTargets {
		return errNoTargets
	}
	return errNoList
}

func unknownKey(name string) Problem {
	return Problem{printable.Text("/"+Escape(name), printable.MaxLog), `unknown key, want "targets" and "channels" alone`}
}
