package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A decoder reads a document that lists targets.
type decoder struct {
	reader config.TargetReader // its File names the document
	mask   func(*url.URL) string

	targets  []config.Target
	problems []error // of single targets, as many as are kept
	wrong    int     // how many problems there are

	// The following count what is limited.
	read, values, kept int
}

// document returns what was read from data.
func (d *decoder) document(data []byte) *document {
	targets := make([]*config.Target, len(d.targets))
	for i := range d.targets {
		targets[i] = &d.targets[i]
	}
	return &document{data: data, targets: targets, problems: d.problems, wrong: d.wrong}
}

// file reads a file of target_files: a list of targets, the same below the key "targets", or the groups that Prometheus'
// file_sd has, which may be mixed with targets. An error means that it is something else.
func (d *decoder) file(ctx context.Context, data []byte) error {
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && (trimmed[0] == '[' || trimmed[0] == '{') {
		if body, err := parseJSON(data); err == nil {
			return d.records(ctx, body)
		}
	}
	root, err := parseYAML(data)
	if err != nil {
		return err
	}
	return d.list(ctx, root)
}

// json reads JSON in a format of config.TargetAPI.
func (d *decoder) json(ctx context.Context, format string, data []byte) error {
	body, err := parseJSON(data)
	if err != nil {
		return err
	}
	if _, list := body.Items(); format == config.FormatHTTPSD && !list {
		return errors.New("not a list, want a list of groups with the key targets")
	}
	return d.records(ctx, body)
}

// mapped reads any JSON with the expressions of a map.
func (d *decoder) mapped(ctx context.Context, m *config.TargetMap, data []byte) error {
	body, err := parseJSON(data)
	if err != nil {
		return err
	}
	if err := d.size(body); err != nil {
		return err
	}
	items, err := m.Split(ctx, body)
	if err != nil {
		return err
	}
	if err := limit("targets", items.Len(), maxTargets); err != nil {
		return err
	}
	for i := range items.Len() {
		fields, err := m.Fields(ctx, body, items.At(i))
		if ctx.Err() != nil {
			return fmt.Errorf("mapping item %d of %d: %w", i, items.Len(), ctx.Err())
		}
		if err != nil {
			d.problem(fmt.Sprintf("item %d%s", i, named(fields["name"])), err)
			continue
		}
		if _, err := d.target(ctx, i, config.ValueNode(fields)); err != nil {
			return err
		}
	}
	return nil
}

// size counts the values of a JSON document.
func (d *decoder) size(body *config.Document) error {
	values, _ := body.Size()
	return d.count(values)
}

func named(name any) string {
	if s, ok := name.(string); ok {
		return fmt.Sprintf(" (%q)", s)
	}
	return ""
}

// records reads a list of targets and groups in JSON, one by one.
func (d *decoder) records(ctx context.Context, body *config.Document) error {
	if err := d.size(body); err != nil {
		return err
	}
	items, list := body.Items()
	if !list {
		found := body.Member("targets")
		if found == nil && body.Text()[0] == '{' {
			return errNoTargets
		}
		if found != nil {
			items, list = found.Items()
		}
	}
	if !list {
		return errNoList
	}
	i := 0
	for item := range items {
		values, depth := item.Size()
		if err := (extent{values, depth}).within(maxItem); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
		v, err := decodeJSON(item.Text())
		if err != nil {
			return err
		}
		if err := d.item(ctx, i, config.ValueNode(v)); err != nil {
			return err
		}
		i++
	}
	return nil
}

// Documents that are not a list of targets.
var (
	errNoList    = errors.New("not a list, want a list of targets")
	errNoTargets = errors.New(`got a mapping without the key "targets", want a list of targets`)
)

// list reads a list of targets and groups in YAML.
func (d *decoder) list(ctx context.Context, root *yaml.Node) error {
	root = resolve(root)
	if root.Kind == yaml.MappingNode {
		if root = value(root, "targets"); root == nil {
			return errNoTargets
		}
		root = resolve(root)
	}
	if root.Kind != yaml.SequenceNode {
		return errNoList
	}
	sizes := extents{}
	for i, n := range root.Content {
		size := sizes.of(n)
		if err := errors.Join(size.within(maxItem), d.count(size.values)); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	for i, n := range root.Content {
		if err := d.item(ctx, i, resolve(n)); err != nil {
			return err
		}
	}
	return nil
}

// item reads a target or a group. An error is about the document as a whole.
func (d *decoder) item(ctx context.Context, i int, n *yaml.Node) error {
	if n.Kind == yaml.MappingNode && value(n, "targets") != nil {
		return d.group(ctx, i, n)
	}
	_, err := d.target(ctx, i, n)
	return err
}

// target reads one target and notes what is wrong with it. It reports whether the target was kept.
func (d *decoder) target(ctx context.Context, i int, n *yaml.Node) (kept bool, err error) {
	if err := d.begin(ctx, n); err != nil {
		return false, err
	}
	t, wrong, dropped := d.reader.Read(n)
	where := fmt.Sprintf("target %d", i)
	if t.Name != "" {
		where = fmt.Sprintf("target %q", printable.Cut(t.Name, printable.MaxLog))
	}
	for _, p := range wrong {
		d.problem(where, complaint(p))
	}
	if len(wrong) > 0 {
		return false, nil
	}
	for _, p := range dropped {
		d.problem(where, fmt.Errorf("a label is left out: %w", complaint(p)))
	}
	return true, d.keep(t)
}

// complaint is a problem without the file, which the text before it names.
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
