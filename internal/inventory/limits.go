package inventory

import (
	"context"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sync/semaphore"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// The limits of a source. Whoever writes a list decides how much it costs to read it. So a source that exceeds a limit keeps
// its last answer. The limits of a target are MaxLabels and the lengths of texts in package config.
const (
	// The bytes of one file, or of one answer of an API after decompression.
	maxDocument = 16 << 20
	// The bytes of all files of a pattern together, and of the texts of the targets that a source lists.
	maxSource = 64 << 20
	// How many files a pattern may find.
	maxFiles = 1000
	// How many targets a source may list, right or wrong.
	maxTargets = 50_000
	// How many values a document may have, with aliases expanded, and with the labels of a group for each of its targets.
	maxValues = 1_000_000
	// How many values one item of a list may have: a group of as many targets as there may be.
	maxItem = maxTargets + 1000
	// How deep lists and mappings may be nested. Those of a target are at most 7 deep.
	maxDepth = 20
	// How many headers of its own a target may have.
	maxHeaders = 64
	// How many problems with targets are kept as texts.
	maxProblems = 100
)

// decoding lets one document at a time be decoded, of all sources.
var decoding = semaphore.NewWeighted(1)

// limit returns an error if there is more of something than there may be.
func limit(what string, got, most int) error {
	if got <= most {
		return nil
	}
	return fmt.Errorf("it has %d %s, want %d at most", got, what, most)
}

// problem keeps what is wrong with a target, or at least counts it.
func (d *decoder) problem(where string, err error) {
	d.wrong++
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, errors.New(printable.Text(fmt.Sprintf("%s: %s: %v", d.reader.File, where, err), printable.MaxError)))
	}
}

// count counts values that the document has only after aliases and groups were expanded.
func (d *decoder) count(values int) error {
	d.values = min(d.values+values, 2*maxValues)
	return limit("values with aliases and labels of groups expanded", d.values, maxValues)
}

// begin is called for every target before it is read.
func (d *decoder) begin(ctx context.Context, n *yaml.Node) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("reading target %d: %w", d.read, err)
	}
	d.read++
	if err := limit("targets", d.read, maxTargets); err != nil || n.Kind != yaml.MappingNode {
		return err
	}
	for key, most := range map[string]int{"labels": config.MaxLabels, "headers": maxHeaders} {
		if v := value(n, key); v != nil && resolve(v).Kind == yaml.MappingNode {
			if err := limit(key+" for one target", len(resolve(v).Content)/2, most); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep keeps a target.
func (d *decoder) keep(t config.Target) error {
	if err := limit("labels for one target", len(t.Labels), config.MaxLabels); err != nil {
		return err
	}
	d.kept += len(t.Name) + len(t.URL) + len(t.Environment) + len(t.RunbookURL) + len(t.Method)
	for _, texts := range []map[string]string{t.Labels, t.Headers} {
		for name, value := range texts {
			d.kept += len(name) + len(value)
		}
	}
	for _, name := range t.DependsOn {
		d.kept += len(name)
	}
	d.targets = append(d.targets, t)
	return limit("bytes in the texts of its targets", d.kept, maxSource)
}

// An extent is how many values a node of YAML has, including itself but not its keys, with aliases expanded, and how deep they
// are nested.
type extent struct{ values, depth int }

// within checks the extent of a part of a document.
func (e extent) within(values int) error {
	return errors.Join(limit("values in one item of a list", e.values, values), limit("levels of lists and mappings", e.depth, maxDepth))
}

// extents are those of the nodes with an anchor, so that a node is not measured again for each of its aliases.
type extents map[*yaml.Node]extent

func (x extents) of(n *yaml.Node) extent {
	n = resolve(n)
	if known, ok := x[n]; ok {
		return known
	}
	if n.Anchor != "" {
		x[n] = extent{} // while it is measured; the reader finds one that contains itself
	}
	e := extent{values: 1}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue // a key
		}
		c := x.of(child)
		e.values = min(e.values+c.values, 2*maxValues)
		e.depth = max(e.depth, c.depth)
	}
	if n.Kind != yaml.ScalarNode {
		e.depth++
	}
	if n.Anchor != "" {
		x[n] = e
	}
	return e
}
