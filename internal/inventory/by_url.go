package inventory

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A urlAndModule says what to probe without a name. The URL is in canonical form.
type urlAndModule struct{ url, module string }

// indexByURL finds the targets, and the checks of services that have no name, by what to probe without a name.
func (inv *Inventory) indexByURL() map[urlAndModule][]*Entry {
	index := make(map[urlAndModule][]*Entry, len(inv.entries))
	add := func(e *Entry, address string) {
		if u, err := config.ParseTargetURL(address); err == nil { // it was checked before
			q := urlAndModule{config.CanonicalURL(u), e.Module}
			index[q] = append(index[q], e)
		}
	}
	for _, e := range inv.entries {
		add(e, e.URL)
	}
	if r := inv.Config.Restart; r != nil {
		for _, s := range r.Services {
			for _, c := range s.Checks {
				add(&Entry{Target: config.Target{URL: c.URL, Module: c.Module}}, c.URL)
			}
		}
	}
	return index
}

// ByURL finds the target with this URL and module, or the check of a service, which has no name. A target may change its
// module. If there are several targets, it is the one that changes nothing: the caller cannot say which of the others it means.
func (inv *Inventory) ByURL(u *url.URL, module string) (*Entry, error) {
	entries := inv.byURL()[urlAndModule{config.CanonicalURL(u), module}]
	if len(entries) == 0 {
		return nil, fmt.Errorf("the inventory has no target with this URL and the module %q", module)
	}
	if i := slices.IndexFunc(entries, func(e *Entry) bool { return !e.Overlaid() }); i >= 0 {
		return entries[i], nil
	}
	if len(entries) == 1 {
		return entries[0], nil
	}
	return nil, errors.New("several targets of the inventory have this URL and module, each with settings of its own: use " + choices(entries))
}

// maxChoices bounds how many names an error has.
const maxChoices = 5

// choices returns the queries for entries, sorted.
func choices(entries []*Entry) string {
	var all []string
	for _, e := range entries {
		all = append(all, "name="+url.QueryEscape(e.Name))
	}
	slices.Sort(all)
	if more := len(all) - maxChoices; more > 0 {
		all = append(all[:maxChoices], fmt.Sprintf("%d more", more))
	}
	return strings.Join(all, " or ")
}
