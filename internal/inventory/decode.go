package inventory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A decoder reads documents that list targets.
type decoder struct {
	reader config.TargetReader // its File names the document
	mask   func(*url.URL) string

	targets  []config.Target
	problems []error // of single targets
}

// file reads a file of target_files: a list of targets, the same below the key "targets", or the groups that Prometheus'
// file_sd has, which may stand beside targets. An error means that it is none of that.
func (d *decoder) file(data []byte) error {
	root, err := parseYAML(data)
	if err != nil {
		return err
	}
	return d.list(root)
}

// json reads JSON in a format of config.TargetAPI.
func (d *decoder) json(format string, data []byte) error {
	body, err := parseJSON(data)
	if err != nil {
		return err
	}
	root := toNode(body)
	if format == config.FormatHTTPSD && root.Kind != yaml.SequenceNode {
		return errors.New("got no list, want a list of groups with the key targets")
	}
	return d.list(root)
}

// mapped reads any JSON by a map.
func (d *decoder) mapped(ctx context.Context, m *config.TargetMap, data []byte) error {
	body, err := parseJSON(data)
	if err != nil {
		return err
	}
	items, err := m.Split(ctx, body)
	if err != nil {
		return err
	}
	for i, item := range items {
		fields, err := m.Fields(ctx, body, item)
		if ctx.Err() != nil {
			return fmt.Errorf("mapping item %d of %d: %w", i, len(items), ctx.Err())
		}
		if err != nil {
			d.problem(fmt.Sprintf("item %d%s", i, named(fields["name"])), err)
			continue
		}
		d.target(i, toNode(fields))
	}
	return nil
}

func named(name any) string {
	if s, ok := name.(string); ok {
		return fmt.Sprintf(" (%q)", s)
	}
	return ""
}

func (d *decoder) problem(where string, err error) {
	d.problems = append(d.problems, fmt.Errorf("%s: %s: %w", d.reader.File, where, err))
}

// list reads a list of targets and groups.
func (d *decoder) list(root *yaml.Node) error {
	root = resolve(root)
	if root.Kind == yaml.MappingNode {
		root = value(root, "targets")
		if root == nil {
			return errors.New(`got a mapping without the key "targets", want a list of targets`)
		}
		root = resolve(root)
	}
	if root.Kind != yaml.SequenceNode {
		return errors.New("got no list, want a list of targets")
	}
	for i, n := range root.Content {
		if n = resolve(n); n.Kind == yaml.MappingNode && value(n, "targets") != nil {
			d.group(i, n)
			continue
		}
		d.target(i, n)
	}
	return nil
}

// target reads one target and notes what is wrong with it.
func (d *decoder) target(i int, n *yaml.Node) {
	t, wrong, dropped := d.reader.Read(n)
	where := fmt.Sprintf("target %d", i)
	if t.Name != "" {
		where = fmt.Sprintf("target %q", t.Name)
	}
	for _, p := range wrong {
		d.problem(where, complaint(p))
	}
	if len(wrong) > 0 {
		return
	}
	for _, p := range dropped {
		d.problem(where, fmt.Errorf("it goes without a label: %w", complaint(p)))
	}
	d.targets = append(d.targets, t)
}

// complaint is a problem without the file, which stands before it already.
func complaint(p config.Problem) error {
	text := p.Message
	if p.Path != "" {
		text = p.Path + ": " + text
	}
	if p.Line > 0 {
		text = fmt.Sprintf("line %d: %s", p.Line, text)
	}
	return errors.New(text)
}

// A group is what file_sd and http_sd of Prometheus have.
type group struct {
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels"`
}

// group reads the targets of a group. Labels with a meaning for a scrape keep it: target, environment, __param_module,
// __scrape_interval__, __scrape_timeout__ and __scheme__. Others that begin with two underscores are dropped, as
// Prometheus does, and so are job and instance.
func (d *decoder) group(i int, n *yaml.Node) {
	var g group
	if err := n.Decode(&g); err != nil {
		d.problem(fmt.Sprintf("group %d", i), errors.New("want targets as a list of texts and labels as a mapping of texts"))
		return
	}
	if g.Labels["__param_name"] != "" {
		d.problem(fmt.Sprintf("group %d", i), errors.New("it is of /sd, which lists what an exporter probes and not their URLs; give this exporter the sources of that one"))
		return
	}
	fields := map[string]string{
		"environment": g.Labels["environment"],
		"module":      g.Labels["__param_module"],
		"interval":    g.Labels["__scrape_interval__"],
		"timeout":     g.Labels["__scrape_timeout__"],
	}
	labels := map[string]any{}
	for name, v := range g.Labels {
		switch {
		case strings.HasPrefix(name, "__"), name == "environment", name == "target", name == "job", name == "instance":
		default:
			labels[name] = v
		}
	}
	for _, address := range g.Targets {
		t := map[string]any{"url": groupURL(address, g.Labels["__scheme__"])}
		t["name"] = t["url"]
		if u, err := url.Parse(groupURL(address, g.Labels["__scheme__"])); err == nil {
			t["name"] = d.mask(u)
		}
		if name := g.Labels["target"]; name != "" && len(g.Targets) == 1 {
			t["name"] = name
		}
		for key, v := range fields {
			if v != "" {
				t[key] = v
			}
		}
		if len(labels) > 0 {
			t["labels"] = labels
		}
		node := toNode(t)
		setLine(node, n.Line)
		d.target(i, node)
	}
}

// groupURL is the URL of a target of a group, where it may lack the scheme.
func groupURL(address, scheme string) string {
	if strings.Contains(address, "://") || address == "" {
		return address
	}
	if scheme == "" {
		scheme = "http"
	}
	return scheme + "://" + address
}

func setLine(n *yaml.Node, line int) {
	n.Line = line
	for _, c := range n.Content {
		setLine(c, line)
	}
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// value is what a mapping has for a key; nil: it has no such key.
func value(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// parseYAML reads one document of YAML or JSON. An empty one is an error: it is more likely to be half written than meant.
func parseYAML(data []byte) (*yaml.Node, error) {
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && (trimmed[0] == '[' || trimmed[0] == '{') {
		if body, err := parseJSON(data); err == nil {
			return toNode(body), nil
		}
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("it is empty, want a list of targets; [] is the empty list")
	case err != nil:
		return nil, errors.New("not valid YAML or JSON: " + syntax(err))
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has more than one document, want one")
	}
	return doc.Content[0], nil
}

// syntax is an error of the parser, of which some repeat what they have read, and so perhaps a secret.
func syntax(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if before, _, quotes := strings.Cut(text, "'"); quotes {
		return strings.TrimSpace(before)
	}
	return text
}

// parseJSON reads one document of JSON. Numbers become int64, or else float64.
func parseJSON(data []byte) (any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("not valid JSON: something follows after its end")
	}
	return numbers(v), nil
}

func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = numbers(v[key])
		}
	}
	return v
}

// toNode is a value of JSON, or of an expression, as YAML has it, without writing it down and reading it as yaml.Node.Encode does.
func toNode(v any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch v := v.(type) {
	case nil:
		n.Tag, n.Value = "!!null", "null"
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v)
	case int64:
		n.Tag, n.Value = "!!int", strconv.FormatInt(v, 10)
	case uint64:
		n.Tag, n.Value = "!!int", strconv.FormatUint(v, 10)
	case float64:
		n.Tag, n.Value = "!!float", strconv.FormatFloat(v, 'g', -1, 64)
	case []any:
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		for _, item := range v {
			n.Content = append(n.Content, toNode(item))
		}
	case map[string]any:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		for _, key := range slices.Sorted(maps.Keys(v)) {
			n.Content = append(n.Content, toNode(key), toNode(v[key]))
		}
	default:
		n.Tag, n.Value = "!!str", fmt.Sprint(v) // a text: there is nothing else
	}
	return n
}
