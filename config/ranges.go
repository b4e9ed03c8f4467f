package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

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
		return fmt.Errorf("got %q, want an IPv4 CIDR", s)
	case prefix != prefix.Masked():
		return fmt.Errorf("got %q, which has bits set beyond its length, want %s", s, prefix.Masked())
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
