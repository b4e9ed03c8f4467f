package config

import (
	"maps"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"time"
)

func (c *checker) targetFiles(p place, files []TargetFile, modules map[string]Module) {
	seen := map[string]string{}
	for i, f := range files {
		at := c.at(p.item(i))
		c.unique(at, seen, f.Path, "file")
		c.text(at, f.Path)
		if _, err := filepath.Match(f.Path, ""); err != nil {
			c.fail(at, "got %q, want the path of a file; * stands for any number of characters", f.Path)
		}
		if _, ok := modules[f.Module]; f.Module != "" && !ok {
			c.fail(c.sub(at, "module"), "%s", c.unknownModule(f.Module, modules))
		}
	}
}

func (c *checker) targetAPIs(p place, apis []TargetAPI) {
	names := map[string]string{}
	for i := range apis {
		a, at := &apis[i], c.at(p.item(i))
		c.unique(c.sub(at, "name"), names, a.Name, "API")
		c.text(c.sub(at, "name"), a.Name)
		if u, err := url.Parse(a.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !validPort(u) {
			c.fail(c.sub(at, "url"), "want an absolute URL with the scheme http or https%s", MeantURL(a.URL))
		}
		c.apiTimes(at, a)
		switch {
		case a.Format == "" && a.Map == nil:
			c.fail(at, "does not say what the answer looks like, want format or map")
		case a.Format != "" && a.Map != nil:
			c.fail(c.sub(at, "map"), "cannot be combined with format, want one of them")
		case a.Format != "" && a.Format != FormatHTTPSD && a.Format != FormatTargets:
			c.fail(c.sub(at, "format"), "got %q, want %q or %q", a.Format, FormatHTTPSD, FormatTargets)
		}
		if a.Map != nil {
			c.targetMap(c.sub(at, "map"), a.Map)
		}
		c.referenced(at, reflect.ValueOf(*a))
		c.client(at, &a.Client)
	}
}

// Limits of how often an API is asked.
const (
	minAPIInterval = time.Second
	maxAPIInterval = 24 * time.Hour
)

func (c *checker) apiTimes(p place, a *TargetAPI) {
	if a.Interval == 0 {
		a.Interval = Duration(DefaultAPIInterval)
	}
	if i := time.Duration(a.Interval); i < minAPIInterval || i > maxAPIInterval {
		c.fail(c.sub(p, "interval"), "got %s, want %s to %s", a.Interval, Duration(minAPIInterval), Duration(maxAPIInterval))
	}
	if a.Timeout == 0 {
		a.Timeout = min(Duration(DefaultAPITimeout), a.Interval)
	}
	if a.Timeout > a.Interval {
		c.fail(c.sub(p, "timeout"), "got %s, want the interval of %s at most", a.Timeout, a.Interval)
	}
}

func (c *checker) targetMap(p place, m *TargetMap) {
	if m.Items != nil && m.Items.usesItem {
		c.fail(c.sub(p, "items"), "must not use item: it is what finds the items in body")
	}
	if m.Name == nil {
		c.fail(c.sub(p, "name"), "missing, want a CEL expression for the name of a target")
	}
	if m.URL == nil {
		c.fail(c.sub(p, "url"), "missing, want a CEL expression for the URL of a target")
	}
	labels := c.sub(p, "labels")
	for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
		at := c.at(labels.entry(name))
		if err := CheckLabel(name); err != nil {
			c.fail(at, "%v", err)
		}
		if m.Labels[name] == nil {
			c.fail(at, "missing, want a CEL expression")
		}
	}
}
