package collector

import (
	"fmt"
	"net/url"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Target is a target of the inventory, ready to be probed.
type Target struct {
	// Name is that in the inventory.
	Name string
	// Module is the one of the target, with the target's own timeout and whatever else it changes.
	Module  Module
	Request prober.Request
	// Labels are those of its series where several targets share a scrape.
	Labels map[string]string
}

// named finds what /probe?name= asks for. Everything else comes from the inventory.
func (h *Handler) named(query url.Values) (*Module, prober.Request, error) {
	for _, key := range []string{"target", "module", "hostname"} {
		if query.Get(key) != "" {
			return nil, prober.Request{}, &rejectedError{RejectedConflict, fmt.Sprintf("name and %s exclude each other: a target of the inventory brings its own", key)}
		}
	}
	name := query.Get("name")
	if h.Target != nil {
		if t, ok := h.Target(name); ok {
			t.Module.target = t.Name
			return &t.Module, t.Request, nil
		}
	}
	return nil, prober.Request{}, &rejectedError{RejectedName, fmt.Sprintf("unknown name %q: the inventory has no such target; /sd lists all", name)}
}

// permit has m fail the probe of a request that is not permitted.
func (h *Handler) permit(m *Module, r prober.Request) {
	if h.Permit == nil {
		return
	}
	if err := h.Permit(r); err != nil {
		m.Prober = prober.Refuse(prober.ReasonTargetForbidden, err)
	}
}
