package managed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// The limits of a document.
const (
	maxDocument        = 16 << 20 // bytes
	maxDocumentTargets = 10_000
)

// Export returns all targets, sorted by name, and the revision of everything.
func (r *Registry) Export() (Document, uint64, error) {
	if err := r.Broken(); err != nil {
		return Document{}, 0, &StoreError{Err: err}
	}
	s := r.state()
	d := Document{Targets: make([]json.RawMessage, 0, len(s.targets))}
	for _, name := range s.names() {
		d.Targets = append(d.Targets, named(name, s.targets[name].Definition))
	}
	return d, s.Targets, nil
}

// named is a definition with its name before all else.
func named(name string, definition json.RawMessage) json.RawMessage {
	out := append([]byte(`{"name":`), encode(name)...)
	if string(definition) != "{}" {
		out = append(out, ',')
	}
	return append(out, definition[1:]...)
}

// JSON returns the document with a target on each line. ParseDocument reads it.
func (d Document) JSON() []byte {
	out := []byte(`{"targets":[`)
	for i, text := range d.Targets {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, '\n'), text...)
	}
	return append(out, "\n]}\n"...)
}

// YAML returns the document as YAML. ParseDocument reads it.
func (d Document) YAML() ([]byte, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, text := range d.Targets {
		fields := decodeObject(text)
		rest := without(fields, "name")
		n := config.ValueNode(rest)
		keepNumbers(n, rest)
		if name, ok := fields["name"]; ok {
			n.Content = append([]*yaml.Node{config.ValueNode("name"), config.ValueNode(name)}, n.Content...)
		}
		list.Content = append(list.Content, n)
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := e.Encode(&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{config.ValueNode("targets"), list}})
	if err := errors.Join(err, e.Close()); err != nil {
		return nil, fmt.Errorf("writing the targets as YAML: %w", err)
	}
	return b.Bytes(), nil
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
// target Import says.
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
	if err := invalid("document", problems); err != nil {
		return Document{}, err
	}
	return d, nil
}

// errNoTargets is what a document without targets is told.
const errNoTargets = `missing, want a list of targets, or [] for none`

// parseJSON splits a document. Its parts are read later, each by itself.
func parseJSON(data []byte) (d Document, problems []Problem) {
	if p := checkJSON(data); p != nil {
		return d, []Problem{*p}
	}
	members := json.NewDecoder(bytes.NewReader(data))
	if first, _ := members.Token(); first != json.Delim('{') {
		return d, []Problem{{"", `want a JSON object with the key "targets"`}}
	}
	var list json.RawMessage
	for members.More() {
		key, _ := members.Token()
		name, _ := key.(string)
		var value json.RawMessage
		_ = members.Decode(&value) // it was checked as part of the whole
		switch {
		case name != "targets":
			problems = append(problems, unknownKey(name))
		case list != nil:
			problems = append(problems, Problem{"/targets", "is there twice"})
		default:
			list = value
		}
		if len(problems) > maxProblems {
			break
		}
	}
	items := json.NewDecoder(bytes.NewReader(list))
	if first, _ := items.Token(); first != json.Delim('[') {
		return d, append(problems, Problem{"/targets", errNoTargets})
	}
	for items.More() {
		if len(d.Targets) == maxDocumentTargets {
			return d, append(problems, Problem{"/targets", fmt.Sprintf("has more than %d targets", maxDocumentTargets)})
		}
		var item json.RawMessage
		_ = items.Decode(&item)
		d.Targets = append(d.Targets, item)
	}
	return d, problems
}

func unknownKey(name string) Problem {
	return Problem{printable.Text("/"+escape(name), printable.MaxLog), `unknown key, want "targets" alone`}
}
