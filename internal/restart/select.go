package restart

import (
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A selection finds the watchers of services by name, and by the labels of an alert.
type selection struct {
	services map[string]*watcher // by name
	targets  map[string]*watcher // by the name of a target that is a check
	urls     map[string]*watcher // by every URL that an alert may use for a check
	matchers []matcher           // those that are selected by other labels, in the order of the configuration
}

// A matcher selects a service by labels.
type matcher struct {
	labels  map[string]string
	watcher *watcher
}

func (m *matcher) selects(labels map[string]string) bool {
	for name, value := range m.labels {
		if labels[name] != value {
			return false
		}
	}
	return true
}

// newSelection makes a selection of services, each with its watcher.
func newSelection(services []Service, watchers []*watcher) *selection {
	all := &selection{services: map[string]*watcher{}, targets: map[string]*watcher{}, urls: map[string]*watcher{}}
	masked := map[string][]*watcher{} // by the URL as Prometheus discovers it
	for i := range services {
		s, w := &services[i], watchers[i]
		all.services[s.Name] = w
		if len(s.Match) > 0 {
			all.matchers = append(all.matchers, matcher{s.Match, w})
			continue
		}
		for _, check := range s.Checks {
			all.urls[key(check.Target)] = w
			masked[key(check.Name)] = append(masked[key(check.Name)], w)
			if check.Inventory != "" {
				all.targets[check.Inventory] = w
			}
		}
	}
	for url, same := range masked {
		if all.urls[url] == nil && len(same) == 1 { // two services may look the same without their secrets
			all.urls[url] = same[0]
		}
	}
	delete(all.urls, "")
	return all
}

// find finds the services whose Match the labels have, or else the one whose check the label target names, or else the label
// instance.
func (s *selection) find(labels map[string]string) []*watcher {
	var found []*watcher
	for _, m := range s.matchers {
		if m.selects(labels) {
			found = append(found, m.watcher)
		}
	}
	if len(found) > 0 {
		return found
	}
	if w := s.targets[labels["target"]]; w != nil {
		return []*watcher{w}
	}
	for _, name := range []string{labels["target"], labels["instance"]} {
		if w := s.urls[key(name)]; w != nil {
			return []*watcher{w}
		}
	}
	return nil
}

// choose makes a selection the one that counts.
func (c *Controller) choose(s *selection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.selected = s
}

// selection is the one that counts.
func (c *Controller) selection() *selection {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.selected == nil {
		return &selection{}
	}
	return c.selected
}

func (c *Controller) find(labels map[string]string) []*watcher { return c.selection().find(labels) }

func (c *Controller) watcher(service string) *watcher { return c.selection().services[service] }

// key is the one way to write a target.
func key(target string) string {
	if target == "" {
		return ""
	}
	u, err := prober.ParseTarget(target, "http")
	if err != nil {
		u, err = prober.ParseTarget(target, "websocket")
	}
	if err != nil {
		return target
	}
	u.Host = strings.ToLower(u.Host)
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String()
}
