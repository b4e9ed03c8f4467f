package importer

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A module was taken over.
type module struct {
	from      string // the file
	key, body *yaml.Node
}

// ownModules is the name of the embedded configuration.
const ownModules = "default.yml"

// DefaultModules takes the modules of the embedded configuration that targets have by default, or all of its modules if
// there are none yet. None gets the name of a module that was lost, because that would give its targets another
// meaning.
func (im *Importer) DefaultModules() error {
	root, err := parse(ownModules, config.DefaultYAML())
	if err != nil {
		return err
	}
	all := len(im.order) == 0
	for key, body := range pairs(value(root, "modules")) {
		_, known := im.modules[key.Value]
		if !known && !im.lost[key.Value] && (all || key.Value == config.DefaultModule || key.Value == config.DefaultWebSocketModule) {
			if err := im.module(ownModules, key, body); err != nil {
				return err
			}
		}
	}
	return nil
}

// Blackbox takes the modules of a configuration of blackbox_exporter. Those of probers that this exporter does not have
// are dropped.
func (im *Importer) Blackbox(name string, data []byte) error {
	root, err := parseWith(name, data, "modules")
	if err != nil {
		return err
	}
	modules := value(root, "modules")
	if modules == nil || modules.Kind != yaml.MappingNode {
		return fmt.Errorf("reading %q: it has no modules", name)
	}
	for key, body := range pairs(modules) {
		if err := im.module(name, key, body); err != nil {
			return err
		}
	}
	return nil
}

// module takes one module, if it loads.
func (im *Importer) module(from string, key, body *yaml.Node) error {
	name := key.Value
	notes := repair(body)
	if first, ok := im.modules[name]; ok {
		return im.again(from, name, first, body)
	}
	if im.lost[name] {
		im.drop("%s: module %q: another module of that name was dropped before", from, name)
		return nil
	}
	c, err := checkModule(from, key, body)
	if needsHTTP1(err) && speakHTTP1(body) {
		notes = append(notes, "enable_http2: false is added for its headers, which HTTP/2 does not send: over HTTP/2 blackbox_exporter fails")
		c, err = checkModule(from, key, body)
	}
	if problems, ok := errors.AsType[config.Errors](err); ok {
		im.lost[name] = true
		// If the prober is not known, everything else that is unknown follows from that.
		if i := slices.IndexFunc(problems, func(p config.Problem) bool { return strings.HasSuffix(p.Path, ".prober") }); i >= 0 {
			problems = problems[i : i+1]
		}
		for _, p := range problems {
			im.drop("%s: module %q: %s: %s", from, name, strings.TrimPrefix(p.Path, "modules."), p.Message)
		}
		return nil
	}
	if err != nil {
		return err
	}
	for _, note := range notes {
		im.change("%s: module %q: %s", from, name, note)
	}
	im.modules[name] = module{from, key, body}
	im.order = append(im.order, name)
	maps.Copy(im.reader.Modules, c.Modules)
	return nil
}

func checkModule(from string, key, body *yaml.Node) (*config.Config, error) {
	return check(from, mapping("modules", &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{key, body}}))
}

// again judges a second module with the same name. If the two differ, it is not clear which of them a target means.
func (im *Importer) again(from, name string, first module, body *yaml.Node) error {
	one, err := render(first.body)
	if err != nil {
		return err
	}
	two, err := render(body)
	if err != nil {
		return err
	}
	if bytes.Equal(one, two) {
		return nil
	}
	im.drop("%s: module %q: %s has a different module of that name: rename one of them", from, name, first.from)
	im.lost[name] = true
	im.remove(name)
	return nil
}

// remove takes a module back.
func (im *Importer) remove(name string) {
	delete(im.modules, name)
	delete(im.reader.Modules, name)
	im.order = slices.DeleteFunc(im.order, func(n string) bool { return n == name })
}
