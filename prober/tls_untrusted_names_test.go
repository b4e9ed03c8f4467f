package prober

import (
	"crypto/x509"
	"fmt"
	"net"
	"testing"
)

func TestNames(t *testing.T) {
	many := make([]string, 15_000)
	for i := range many {
		many[i] = fmt.Sprintf("n%d", i)
	}
	ips := []net.IP{net.IPv4(192, 0, 2, 1), net.IPv4(192, 0, 2, 2)}
	for _, tc := range []struct {
		name string
		cert x509.Certificate
		want string
	}{
		{"none", x509.Certificate{}, "no host name"},
		{"one", x509.Certificate{DNSNames: many[:1]}, `"n0"`},
		{"only addresses", x509.Certificate{IPAddresses: ips}, "192.0.2.1, 192.0.2.2"},
		{"five", x509.Certificate{DNSNames: many[:4], IPAddresses: ips[:1]}, `"n0", "n1", "n2", "n3", 192.0.2.1`},
		{"six", x509.Certificate{DNSNames: many[:4], IPAddresses: ips}, `"n0", "n1", "n2", "n3", 192.0.2.1 and 1 more`},
		{"many", x509.Certificate{DNSNames: many, IPAddresses: ips}, `"n0", "n1", "n2", "n3", "n4" and 14997 more`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := names(&tc.cert); got != tc.want {
				t.Errorf("names are %s, want %s", got, tc.want)
			}
			const most = 50 // however many names there are
			if n := testing.AllocsPerRun(10, func() { names(&tc.cert) }); n > most {
				t.Errorf("%g allocations, want at most %d", n, most)
			}
		})
	}
}
