package config

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A HostPattern is an address, or a host name in which "*" stands for any number of characters. It may have a port. It does
// not matter how a host is written: in Unicode or in ASCII, or as an address in any of its spellings.
type HostPattern struct {
	text string     // as the user wrote it
	name string     // in ASCII; for an address, its usual spelling
	addr netip.Addr // invalid: it is a name
	port uint16     // 0: any
}

var errHostPattern = errors.New("want an address, or a host name in which * stands for any number of characters")

// ParseHostPattern reads a pattern such as *.example.com, api.example.com:8443, 192.0.2.1 or [2001:db8::1]:443.
func ParseHostPattern(s string) (HostPattern, error) {
	p := HostPattern{text: s}
	if strings.ContainsAny(s, "/@?#%") { // a URL, or a zone
		return HostPattern{}, fmt.Errorf("got %q, %w", s, errHostPattern)
	}
	host, err := s, error(nil)
	if addr, bare := netip.ParseAddr(s); bare != nil || addr.Is4() {
		host, p.port, err = cutPort(s)
	}
	if err != nil {
		return HostPattern{}, err
	}
	for label := range strings.FieldsFuncSeq(host, isDot) {
		if strings.Contains(label, "*") && strings.ContainsFunc(label, func(r rune) bool { return r >= 0x80 }) {
			return HostPattern{}, fmt.Errorf("got %q, which has * in a label that is not ASCII; want * for the whole label", s)
		}
	}
	p.name, p.addr, err = parseHost(host)
	switch {
	case err != nil && !strings.Contains(p.name, "*"):
		return HostPattern{}, fmt.Errorf("got %q: %w; %w", s, err, errHostPattern)
	case p.addr.IsValid():
	case strings.Trim(p.name, "abcdefghijklmnopqrstuvwxyz0123456789-_.*") != "" || p.name == "":
		return HostPattern{}, fmt.Errorf("got %q, %w", s, errHostPattern)
	}
	return p, nil
}

// isDot reports whether r separates the labels of a name (UTS #46 section 2.3).
func isDot(r rune) bool { return strings.ContainsRune(".\u3002\uff0e\uff61", r) }

// cutPort cuts the port off a host, and the brackets off an IPv6 address. 0: there is no port.
func cutPort(s string) (host string, port uint16, err error) {
	var digits string
	var ported bool
	if inner, ok := strings.CutPrefix(s, "["); ok {
		address, rest, closed := strings.Cut(inner, "]")
		if addr, err := netip.ParseAddr(address); err != nil || !addr.Is6() || !closed || rest != "" && rest[0] != ':' {
			return "", 0, fmt.Errorf("got %q, %w", s, errHostPattern)
		}
		host, digits, ported = address, strings.TrimPrefix(rest, ":"), rest != ""
	} else {
		host, digits, ported = strings.Cut(s, ":")
	}
	if !ported {
		return host, 0, nil
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("got %q, want a port from 1 to 65535 after the colon", s)
	}
	return host, uint16(n), nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (p *HostPattern) UnmarshalYAML(n *yaml.Node) error {
	s, err := scalar(n, "a host name")
	if err != nil || s == "" {
		return err
	}
	v, err := ParseHostPattern(s)
	if err != nil {
		return err
	}
	*p = v
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (p HostPattern) MarshalYAML() (any, error) { return p.text, nil }

// IsZero reports whether there is no pattern.
func (p HostPattern) IsZero() bool { return p == HostPattern{} }

// matches reports whether the pattern is for a host, given its name and its address as parseHost returns them or as resolved.
func (p *HostPattern) matches(name string, addr netip.Addr) bool {
	if p.addr.IsValid() {
		return p.addr == addr
	}
	ok, err := path.Match(p.name, name)
	return ok && err == nil
}
