package config_test

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// The single addresses of metadata services.
var metadataIPv4 = []string{"169.254.169.254", "169.254.170.2", "169.254.1.1", "168.63.129.16", "192.0.0.192", "100.100.100.200"}

// FuzzMetadataSpelling writes a metadata address in a way that the input chooses. No spelling passes, whoever resolves it.
func FuzzMetadataSpelling(f *testing.F) {
	f.Add(uint8(0), uint8(4), uint16(0), uint8(0), uint8(0))
	f.Add(uint8(0), uint8(1), uint16(0x5555), uint8(1), uint8(2))
	f.Add(uint8(3), uint8(2), uint16(0xffff), uint8(3), uint8(1))
	f.Fuzz(func(t *testing.T, which, parts uint8, bases uint16, letters, dots uint8) {
		addr := netip.MustParseAddr(metadataIPv4[int(which)%len(metadataIPv4)]).As4()
		host := spell(addr, int(parts)%4+1, bases)
		switch letters % 3 {
		case 1:
			host = strings.ToUpper(host)
		case 2:
			host = strings.Map(func(r rune) rune { // fullwidth
				if r == '.' {
					return r
				}
				return r - '!' + '！'
			}, host)
		}
		host = strings.ReplaceAll(host, ".", []string{".", "。", "．", "｡"}[dots%4]) + strings.Repeat(".", int(dots/4)%3)
		for _, text := range []string{"", "allow: [{host: '*'}, {cidr: 0.0.0.0/0}, {host: " + netip.AddrFrom4(addr).String() + "}]"} {
			p := rules(t, text)
			if err := p.Check(config.Destination{Host: host, Port: 80}); err == nil {
				t.Errorf("%q passes under %q", host, text)
			}
		}
	})
}

// spell writes addr as so many numbers. Two bits choose the base of each.
func spell(addr [4]byte, parts int, bases uint16) string {
	numbers := make([]string, parts)
	for i := range numbers {
		n := uint64(addr[i])
		if i == parts-1 {
			n = uint64(binary.BigEndian.Uint32(addr[:]) & (1<<(8*(4-i)) - 1))
		}
		numbers[i] = fmt.Sprintf([]string{"%d", "0%o", "0x%x", "000%o"}[bases>>(2*i)&3], n)
	}
	return strings.Join(numbers, ".")
}

// FuzzHost asks a lenient reader for the addresses that a host may stand for: a proxy is never asked for metadata. Two spellings
// of one host are the same, and a rule made of a host matches that host.
func FuzzHost(f *testing.F) {
	for _, host := range []string{
		"example.com", "bücher.example", "BÜCHER.Example.", "xn--bcher-kva.example", "169.254.169.254", "0xa9.0376.43518", "010.1.1.1", "7147006462",
		"425.510.425.510", "08", "1.2.3.4.5", "a.0x", "::1", "64:ff9b::1", "fe80::1%eth0", "", ".", "*.example.com", "[::1]", "h:80", "\u200d", "xn--", "ß.de",
	} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		p := config.TargetRules{}
		err := p.Check(config.Destination{Host: host, Port: 80})
		for _, addr := range lenient(host) {
			if dialled := p.Check(config.Destination{Host: "h", Addr: addr, Port: 80}); dialled != nil && err == nil {
				t.Errorf("a proxy is asked for %q, which may be %s", host, addr)
			}
		}
		once := config.ASCIIHost(host)
		if again := config.ASCIIHost(once); again != once {
			t.Errorf("%q becomes %q, and that becomes %q", host, once, again)
		}
		pattern, err := config.ParseHostPattern(host)
		if err != nil || pattern.IsZero() {
			return
		}
		name := strings.Trim(host, "[]")
		p.Deny = []config.TargetRule{{Host: pattern}}
		if _, bare := netip.ParseAddr(name); bare != nil && strings.Contains(host, ":") {
			return // it has a port
		}
		if err := p.Check(config.Destination{Host: name, Port: 80}); err == nil {
			t.Errorf("%q is not denied by a rule of the same text", host)
		}
	})
}

// lenient returns the addresses that some program may read in a host: with each number in any base, and large numbers cut.
func lenient(host string) []netip.Addr {
	numbers := strings.Split(strings.TrimRight(strings.ToLower(host), "."), ".")
	if len(numbers) > 4 {
		return nil
	}
	addrs := []uint32{0}
	for i, text := range numbers {
		bits := 8
		if i == len(numbers)-1 {
			bits = 8 * (4 - i)
		}
		var next []uint32
		for _, n := range values(text) {
			part := uint32(new(big.Int).And(n, big.NewInt(1<<bits-1)).Uint64())
			for _, before := range addrs {
				next = append(next, before<<bits|part)
			}
		}
		addrs = next
	}
	var found []netip.Addr
	for _, a := range addrs {
		found = append(found, netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, a))))
	}
	return found
}

// values returns the values of an unsigned number in the bases of C.
func values(text string) []*big.Int {
	var all []*big.Int
	for base, digits := range map[int]string{8: text, 10: text, 16: strings.TrimPrefix(text, "0x")} {
		if base == 16 && digits == text || strings.ContainsAny(digits, "+-_") {
			continue
		}
		if n, ok := new(big.Int).SetString(digits, base); ok {
			all = append(all, n)
		}
	}
	return all
}
