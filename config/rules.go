package config

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Probe says which targets may be probed at all. It holds for every module, at every redirect.
type Probe struct {
	// Allow are the targets that may be probed. Empty: all that are not denied.
	Allow []TargetRule `yaml:"allow,omitempty"`
	// Deny are targets that may not be probed, whatever Allow says.
	Deny []TargetRule `yaml:"deny,omitempty"`
	// InventoryOnly refuses every target that is not in the inventory. Where a target of the inventory redirects to is for
	// Allow and Deny to say.
	InventoryOnly bool `yaml:"inventory_only,omitempty"`
}

// TargetRule matches a target when everything matches that the rule has.
type TargetRule struct {
	// CIDR holds addresses, such as 10.0.0.0/8 or 192.0.2.1.
	CIDR *Prefix `yaml:"cidr,omitempty"`
	// Host is a host name, in which "*" stands for any number of characters.
	Host string `yaml:"host,omitempty"`
	// Ports are ports and ranges of ports.
	Ports []PortRange `yaml:"ports,omitempty"`
}

// A Prefix is a range of addresses.
type Prefix struct{ netip.Prefix }

// UnmarshalYAML implements yaml.Unmarshaler.
func (p *Prefix) UnmarshalYAML(n *yaml.Node) error {
	const want = "an address or a CIDR such as 10.0.0.0/8"
	s, err := scalar(n, want)
	if err != nil {
		return err
	}
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		p.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	prefix, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return fmt.Errorf("got %q, want %s", s, want)
	case prefix.Addr().Is4In6():
		return fmt.Errorf("got %q, want it as an IPv4 CIDR", s)
	case prefix != prefix.Masked():
		return fmt.Errorf("got %q, which has bits outside of its length, want %s", s, prefix.Masked())
	}
	p.Prefix = prefix
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (p Prefix) MarshalYAML() (any, error) { return p.String(), nil }

// A PortRange is a range of ports, both ends included.
type PortRange struct{ From, To uint16 }

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *PortRange) UnmarshalYAML(n *yaml.Node) error {
	const want = "a port (443) or a range of ports (8000-8999)"
	s, err := scalar(n, want)
	if err != nil {
		return err
	}
	first, last, ranged := strings.Cut(s, "-")
	if !ranged {
		last = first
	}
	from, err1 := strconv.ParseUint(first, 10, 16)
	to, err2 := strconv.ParseUint(last, 10, 16)
	if err1 != nil || err2 != nil || from == 0 || from > to {
		return fmt.Errorf("got %q, want %s", s, want)
	}
	r.From, r.To = uint16(from), uint16(to)
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (r PortRange) MarshalYAML() (any, error) {
	if r.From == r.To {
		return r.From, nil
	}
	return fmt.Sprintf("%d-%d", r.From, r.To), nil
}

// metadata are the addresses and names by which clouds hand out credentials to whoever asks from the inside. A prober
// that anybody can point at them would hand them on.
var metadata = struct {
	addrs []netip.Addr
	hosts []string
}{
	addrs: []netip.Addr{
		netip.MustParseAddr("169.254.169.254"), // most of them
		netip.MustParseAddr("169.254.170.2"),   // ECS tasks
		netip.MustParseAddr("169.254.170.23"),  // EKS pods
		netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
		netip.MustParseAddr("fd00:ec2::254"),   // EC2 by IPv6
		netip.MustParseAddr("fd00:ec2::23"),    // EKS by IPv6
		netip.MustParseAddr("fd20:ce::254"),    // Google Cloud by IPv6
	},
	hosts: []string{"metadata.google.internal", "metadata", "instance-data"},
}

// A Destination is what a probe is about to connect to.
type Destination struct {
	// Host is the name or address of the URL.
	Host string
	// Addr is what is dialled; invalid where a proxy resolves the name.
	Addr netip.Addr
	Port uint16
}

// Check tells why d may not be probed; nil: it may.
func (p *Probe) Check(d Destination) error {
	d.Host = strings.ToLower(strings.TrimSuffix(d.Host, "."))
	d.Addr = d.Addr.Unmap().WithZone("")
	if !d.Addr.IsValid() {
		d.Addr, _ = netip.ParseAddr(d.Host) // a proxy gets the address as it stands in the URL
		d.Addr = d.Addr.Unmap().WithZone("")
	}
	same := d.translations()
	some := func(rules []TargetRule, ok func(*TargetRule, Destination) bool) bool {
		return slices.ContainsFunc(rules, func(r TargetRule) bool {
			return slices.ContainsFunc(same, func(d Destination) bool { return ok(&r, d) })
		})
	}
	denied, allowed := some(p.Deny, (*TargetRule).matches), some(p.Allow, (*TargetRule).matches)
	named := some(p.Allow, func(r *TargetRule, d Destination) bool { return r.names(d) && r.matches(d) })
	switch {
	case denied:
		return fmt.Errorf("%s is denied by probe.deny", d)
	case slices.ContainsFunc(same, Destination.isMetadata) && !named:
		return fmt.Errorf("%s is a cloud metadata address, which only a rule of probe.allow for that very address allows", d)
	case len(p.Allow) > 0 && !allowed:
		return fmt.Errorf("%s is not among probe.allow", d)
	default:
		return nil
	}
}

// nat64 is the prefix by which hosts without IPv4 reach IPv4 addresses (RFC 6052 section 2.1).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// translations are d and, for an address that a NAT64 translates, what it leads to.
func (d Destination) translations() []Destination {
	if !nat64.Contains(d.Addr) {
		return []Destination{d}
	}
	v4 := d
	long := d.Addr.As16()
	v4.Addr = netip.AddrFrom4([4]byte(long[12:]))
	return []Destination{d, v4}
}

// String is the destination in a message.
func (d Destination) String() string {
	if !d.Addr.IsValid() {
		return d.Host
	}
	return netip.AddrPortFrom(d.Addr, d.Port).String()
}

func (d Destination) isMetadata() bool {
	return slices.Contains(metadata.addrs, d.Addr) || slices.Contains(metadata.hosts, d.Host)
}

// names tells whether the rule is about this very address or name, and not about a range that happens to hold it.
func (r *TargetRule) names(d Destination) bool {
	return r.CIDR != nil && r.CIDR.IsSingleIP() && r.CIDR.Addr() == d.Addr || r.Host != "" && strings.EqualFold(r.Host, d.Host)
}

func (r *TargetRule) matches(d Destination) bool {
	switch {
	case r.CIDR != nil && (!d.Addr.IsValid() || !r.CIDR.Contains(d.Addr)):
		return false
	case r.Host != "" && !match(r.Host, d.Host):
		return false
	default:
		return len(r.Ports) == 0 || slices.ContainsFunc(r.Ports, func(p PortRange) bool { return p.From <= d.Port && d.Port <= p.To })
	}
}

// match tells whether host is pattern; a pattern that is not valid was refused at load.
func match(pattern, host string) bool {
	ok, err := path.Match(strings.ToLower(pattern), host)
	return ok && err == nil
}
