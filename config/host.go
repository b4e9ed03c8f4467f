package config

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// lookup maps names as browsers do before they look them up (UTS #46, not transitional). It is lenient about the characters
// of a name, as resolvers and proxies are.
var lookup = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false), idna.CheckHyphens(false))

// ASCIIHost returns the canonical spelling of a host: in ASCII (RFC 5891), in lower case and without a final dot. A host that
// has no such spelling keeps its other characters.
func ASCIIHost(host string) string {
	if ascii, err := lookup.ToASCII(host); err == nil {
		host = ascii
	}
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' { // others in upper case are not the same to the DNS
			return r + 'a' - 'A'
		}
		return r
	}, strings.TrimRight(host, "."))
}

// Why a host is neither a name, nor an address that every program reads in the same way.
var (
	errNumber  = errors.New("it ends in a number like an IPv4 address, and is not one")
	errOctal   = errors.New("some programs read its leading zeros as octal numbers, and others as decimal ones")
	errNoASCII = errors.New("it cannot be written in ASCII")
)

// parseHost reads the host of a URL as the URL standard does (https://url.spec.whatwg.org/#host-parsing). For a name, addr is
// invalid. For an address, name is its usual spelling.
func parseHost(host string) (name string, addr netip.Addr, err error) {
	name = ASCIIHost(host)
	if addr, err := netip.ParseAddr(name); err == nil {
		addr = addr.WithZone("").Unmap()
		return addr.String(), addr, nil
	}
	addr, octal, ok := numericIPv4(name)
	switch {
	case ok && octal:
		return addr.String(), addr, errOctal
	case ok:
		return addr.String(), addr, nil
	case isNumber(name[strings.LastIndexByte(name, '.')+1:]):
		return name, netip.Addr{}, errNumber
	case strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 }):
		return name, netip.Addr{}, errNoASCII
	default:
		return name, netip.Addr{}, nil
	}
}

// ParseIPv4 reads the old ways to write an IPv4 address (2852039166, 0xa9fea9fe, 0251.0376.43518), as inet_aton of POSIX and
// the URL standard do (https://url.spec.whatwg.org/#concept-ipv4-parser).
func ParseIPv4(host string) (netip.Addr, bool) {
	addr, _, ok := numericIPv4(strings.TrimSuffix(host, "."))
	return addr, ok
}

// numericIPv4 also reports whether a program that does not know octal numbers would read another address.
func numericIPv4(host string) (addr netip.Addr, octal, ok bool) {
	const parts = 4
	numbers := strings.Split(host, ".")
	if len(numbers) > parts {
		return netip.Addr{}, false, false
	}
	var address uint32
	for i, text := range numbers {
		bits := 8
		if i == len(numbers)-1 {
			bits = 8 * (parts - i) // the last number fills what is left
		}
		digits, base := numberOf(text)
		n, err := strconv.ParseUint(digits, base, bits)
		if err != nil {
			return netip.Addr{}, false, false
		}
		octal = octal || base == 8 && n >= 8
		address = address<<bits | uint32(n)
	}
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, address))), octal, true
}

// numberOf cuts off the prefix that gives the base of a number.
func numberOf(text string) (digits string, base int) {
	switch {
	case strings.HasPrefix(text, "0x"), strings.HasPrefix(text, "0X"):
		return "0" + text[2:], 16 // "0x" alone is 0
	case len(text) > 1 && text[0] == '0':
		return text, 8
	default:
		return text, 10
	}
}

// isNumber reports whether a label is a number of any size. A name never ends in one.
func isNumber(label string) bool {
	digits, base := numberOf(label)
	if base == 16 {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return digits != "" && strings.Trim(digits, "0123456789") == "" // 08 is a number, but not a valid one
}
