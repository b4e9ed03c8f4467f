package config

import (
	"fmt"
	"net/netip"
	"slices"
)

// TargetRules say which targets may be probed at all. They hold for every module, at every redirect.
type TargetRules struct {
	// Allow are the targets that may be probed. Empty: all that are not denied.
	Allow []TargetRule `yaml:"allow,omitempty"`
	// Deny are targets that may not be probed, whatever Allow says.
	Deny []TargetRule `yaml:"deny,omitempty"`
	// InventoryOnly refuses every target that is not in the inventory with the module that would probe it. Allow and Deny
	// decide about redirects of a target in the inventory.
	InventoryOnly bool `yaml:"inventory_only,omitempty"`
}

// TargetRule matches a target if all of its fields match.
type TargetRule struct {
	// CIDR holds addresses, such as 10.0.0.0/8 or 192.0.2.1.
	CIDR *Prefix `yaml:"cidr,omitempty"`
	// Host is without a port.
	Host HostPattern `yaml:"host,omitempty"`
	// Ports are ports and ranges of ports.
	Ports []PortRange `yaml:"ports,omitempty"`
}

// A Destination is what a probe is about to connect to.
type Destination struct {
	// Host is the name or address of the URL.
	Host string
	// Addr is what is dialled. It is invalid if a proxy resolves the name.
	Addr netip.Addr
	Port uint16
	// ByName is true if a proxy gets Host and resolves it again.
	ByName bool
}

// Check returns why d may not be probed, or nil if it may.
func (p *TargetRules) Check(d Destination) error {
	d.Addr = d.Addr.WithZone("").Unmap()
	name, addr, err := parseHost(d.Host)
	byProxy := d.ByName || !d.Addr.IsValid()
	if err != nil && byProxy {
		return fmt.Errorf("the host %q is neither a name nor an address that a proxy can be trusted with: %w", d.Host, err)
	}
	if !d.Addr.IsValid() {
		d.Addr = addr
	}
	if addr.IsValid() {
		name = d.Addr.String()
	}
	d.Host = name
	readings := append([]reading{{name: name, addr: d.Addr, ends: true}}, embedded(name, d.Addr)...)
	denied := slices.ContainsFunc(readings, func(r reading) bool { return some(p.Deny, r, d.Port) })
	allowed := slices.ContainsFunc(readings, func(r reading) bool { return r.ends && some(p.Allow, r, d.Port) })
	switch {
	case denied:
		return fmt.Errorf("%s is denied by probe.deny", d)
	case byProxy && slices.Contains(metadataNames, name):
		return fmt.Errorf("%q is the name of a cloud metadata address, and no proxy may be asked for that", name)
	case slices.ContainsFunc(readings, func(r reading) bool { return !p.metadataAllowed(r, d.Port) }):
		return fmt.Errorf("%s is a cloud metadata or link-local address, which only a rule of probe.allow with a cidr for it allows", d)
	case len(p.Allow) > 0 && !allowed:
		return fmt.Errorf("%s is not among probe.allow", d)
	default:
		return nil
	}
}

// String returns the destination for messages.
func (d Destination) String() string {
	if !d.Addr.IsValid() {
		return d.Host
	}
	return netip.AddrPortFrom(d.Addr, d.Port).String()
}

func some(rules []TargetRule, r reading, port uint16) bool {
	return slices.ContainsFunc(rules, func(rule TargetRule) bool { return rule.matches(r, port) })
}

func (t *TargetRule) matches(r reading, port uint16) bool {
	switch {
	case t.CIDR != nil && (!r.addr.IsValid() || !t.CIDR.Contains(r.addr)):
		return false
	case !t.Host.IsZero() && !t.Host.matches(r.name, r.addr):
		return false
	default:
		return len(t.Ports) == 0 || slices.ContainsFunc(t.Ports, func(p PortRange) bool { return p.From <= port && port <= p.To })
	}
}
