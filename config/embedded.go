package config

import (
	"bytes"
	"net/netip"
)

// An embedding is a range of IPv6 addresses that have an IPv4 address in them, by which they lead to IPv4.
type embedding struct {
	prefix netip.Prefix
	at     [4]int // the places of its bytes
	mask   byte   // is on each of them
	// ends is true where what is sent there ends at that IPv4 address. Elsewhere it is the end of a tunnel with something
	// behind it, or one of several readings.
	ends bool
}

var embeddings = []embedding{
	{prefix: netip.MustParsePrefix("64:ff9b::/96"), at: [4]int{12, 13, 14, 15}, ends: true},    // NAT64, RFC 6052 section 2.1
	{prefix: netip.MustParsePrefix("::ffff:0:0:0/96"), at: [4]int{12, 13, 14, 15}, ends: true}, // SIIT, RFC 2765 section 2.1
	// Local NAT64 (RFC 8215): the network chooses the length of the prefix, and with it the place (RFC 6052 section 2.2).
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), at: [4]int{6, 7, 9, 10}},
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), at: [4]int{7, 9, 10, 11}},
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), at: [4]int{9, 10, 11, 12}},
	{prefix: netip.MustParsePrefix("64:ff9b:1::/48"), at: [4]int{12, 13, 14, 15}},
	{prefix: netip.MustParsePrefix("2002::/16"), at: [4]int{2, 3, 4, 5}},                 // 6to4, RFC 3056 section 2
	{prefix: netip.MustParsePrefix("2001::/32"), at: [4]int{4, 5, 6, 7}},                 // Teredo's server, RFC 4380 section 4
	{prefix: netip.MustParsePrefix("2001::/32"), at: [4]int{12, 13, 14, 15}, mask: 0xff}, // and its client
	{prefix: netip.MustParsePrefix("::/96"), at: [4]int{12, 13, 14, 15}},                 // IPv4-compatible, RFC 4291 section 2.5.5.1
}

// isatap are the two interface identifiers of ISATAP (RFC 5214 section 6.1), which has addresses in any prefix.
var isatap = [][]byte{{0x00, 0x00, 0x5e, 0xfe}, {0x02, 0x00, 0x5e, 0xfe}}

// A reading is one way to understand a destination.
type reading struct {
	name string     // of the host
	addr netip.Addr // invalid: only a proxy knows
	// ends is true where a connection to the destination ends there, so that it is enough if this is allowed. What is denied
	// is denied in any reading.
	ends bool
}

// embedded are the readings of an address beside itself: the IPv4 addresses in it, and what "this host" means.
func embedded(name string, addr netip.Addr) []reading {
	var found []reading
	switch addr {
	case netip.IPv4Unspecified(): // to which the system connects as to itself
		return []reading{{name: name, addr: netip.AddrFrom4([4]byte{127, 0, 0, 1})}}
	case netip.IPv6Unspecified():
		return []reading{{name: name, addr: netip.IPv6Loopback()}, {name: name, addr: netip.AddrFrom4([4]byte{127, 0, 0, 1})}}
	case netip.IPv6Loopback():
		return nil
	}
	if !addr.Is6() {
		return nil
	}
	long := addr.As16()
	for _, e := range embeddings {
		if !e.prefix.Contains(addr) {
			continue
		}
		var short [4]byte
		for i, at := range e.at {
			short[i] = long[at] ^ e.mask
		}
		found = append(found, reading{name: name, addr: netip.AddrFrom4(short), ends: e.ends})
	}
	for _, id := range isatap {
		if bytes.Equal(long[8:12], id) {
			found = append(found, reading{name: name, addr: netip.AddrFrom4([4]byte(long[12:]))})
		}
	}
	return found
}
