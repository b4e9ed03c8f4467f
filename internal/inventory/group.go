package inventory

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A group is an element of Prometheus' file_sd and http_sd.
type group struct {
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels"`
}

// group reads the targets of a group. Labels that mean something to a scrape keep their meaning: target, environment,
// __param_module, __scrape_interval__, __scrape_timeout__ and __scheme__. Others that begin with two underscores are dropped,
// as Prometheus does, and so are job and instance.
func (d *decoder) group(ctx context.Context, i int, n *yaml.Node) error {
	var g group
	if n.Decode(&g) != nil {
		d.problem(fmt.Sprintf("group %d", i), errors.New("want targets as a list of texts and labels as a mapping of texts"))
		return nil //nolint:nilerr // the error may repeat a secret, and costs this group alone
	}
	if g.Labels["__param_name"] != "" {
		d.problem(fmt.Sprintf("group %d", i), errors.New("it comes from the /sd of an exporter, which lists scrapes of that exporter instead of URLs; use the sources of that exporter"))
		return nil
	}
	labels := g.own()
	if err := errors.Join(limit("targets", d.read+len(g.Targets), maxTargets), limit("labels for one target", len(labels), config.MaxLabels), d.count(len(g.Targets)*(1+len(labels)))); err != nil {
		return fmt.Errorf("group %d: %w", i, err)
	}
	var shared map[string]string // by all targets of the group, once one of them was read with them
	for _, address := range g.Targets {
		t := g.target(address, d.mask)
		if shared == nil && len(labels) > 0 {
			t["labels"] = labels
		}
		node := config.ValueNode(t)
		setLine(node, n.Line)
		kept, err := d.target(ctx, i, node)
		if err != nil {
			return err
		}
		if last := len(d.targets) - 1; kept && shared == nil {
			shared = d.targets[last].Labels
		} else if kept {
			d.targets[last].Labels = shared
		}
	}
	return nil
}

// own returns the labels that a target of the group gets.
func (g *group) own() map[string]any {
	labels := map[string]any{}
	for name, v := range g.Labels {
		switch {
		case strings.HasPrefix(name, "__"), name == "environment", name == "target", name == "job", name == "instance":
		default:
			labels[name] = v
		}
	}
	return labels
}

// target returns the fields of one of the group's targets, without its labels.
func (g *group) target(address string, mask func(*url.URL) string) map[string]any {
	text := groupURL(address, g.Labels["__scheme__"])
	t := map[string]any{"url": text, "name": text}
	if u, err := url.Parse(text); err == nil {
		t["name"] = mask(u)
	}
	if name := g.Labels["target"]; name != "" && len(g.Targets) == 1 {
		t["name"] = name
	}
	for key, label := range map[string]string{
		"environment": "environment", "module": "__param_module", "interval": "__scrape_interval__", "timeout": "__scrape_timeout__",
	} {
		if v := g.Labels[label]; v != "" {
			t[key] = v
		}
	}
	return t
}

// groupURL returns the URL of a target of a group, which may lack the scheme.
func groupURL(address, scheme string) string {
	if strings.Contains(address, "://") || address == "" {
		return address
	}
	if scheme == "" {
		scheme = "http"
	}
	return scheme + "://" + address
}
