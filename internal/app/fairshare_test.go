package app

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Whatever others hold, a network gets its share, and in a network each address. It keeps it against all that they try.
func TestFairShare(t *testing.T) {
	const attackers, handled = "10.0.1.%d 10.0.2.%d 10.0.3.%d", 1
	for _, tc := range []struct {
		name     string
		holders  string // addresses of those who want all
		handling int    // requests of each of their connections
		from     string
		want     int
	}{
		{"one network that waits", "10.0.1.%d", 0, "192.0.2.1", 16},
		{"one network with requests", "10.0.1.%d", handled, "192.0.2.1", 16},
		{"three networks that wait", attackers, 0, "192.0.2.1", 8},
		{"three networks with requests", attackers, handled, "192.0.2.1", 8},
		{"two neighbours with requests", "192.0.2.2 192.0.2.3", handled, "192.0.2.1", 10},
		{"two networks of IPv6 with requests", "2001:db8:1::%d 2001:db8:2::%d", handled, "2001:db8:3::1", 10},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := few()
			hold := func() {
				for h := range strings.FieldsSeq(tc.holders) {
					crowd(t, a, 2*a.whole, tc.handling, func(i int) string { return strings.ReplaceAll(h, "%d", strconv.Itoa(i%8+1)) })
				}
			}
			ours := func() (n int) {
				for c := range a.conns {
					if c.RemoteAddr().(*net.TCPAddr).IP.String() == tc.from {
						n++
					}
				}
				return n
			}
			hold()
			crowd(t, a, 2*a.whole, handled, func(int) string { return tc.from })
			if n := ours(); n < tc.want {
				t.Errorf("it gets %d connections, want %d", n, tc.want)
			}
			hold()
			if n := ours(); n < tc.want {
				t.Errorf("it keeps %d connections, want %d", n, tc.want)
			}
		})
	}
}

// The request that is given up for another network is the one that has begun last, and never one of those with no more.
func TestRequestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := few()
		all := crowd(t, a, a.whole, 1, func(i int) string { time.Sleep(time.Second); return fmt.Sprintf("10.0.%d.%d", i%2, i) })
		crowd(t, a, 1, 1, func(int) string { return "192.0.2.1" })
		for i, c := range all {
			if c.closed != (i == len(all)-1) {
				t.Errorf("connection %d is closed: %t", i, c.closed)
			}
		}
	})
}

// Of all that wait, one of the network that has the most makes room, and in it one of the address that has the most, although
// others have waited for longer.
func TestMostMakeRoom(t *testing.T) {
	for name, crowds := range map[string][]struct {
		from string
		n    int
		want int // how many of them make room
	}{
		"networks":  {{"10.0.1.%d", 12, 0}, {"10.0.2.%d", 20, 1}},
		"addresses": {{"10.0.1.1", 4, 0}, {"10.0.1.2", 12, 0}, {"10.0.1.3", 16, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := few()
				var all [][]*fakeConn
				for _, c := range crowds {
					from := func(i int) string { return strings.ReplaceAll(c.from, "%d", strconv.Itoa(i+1)) }
					all = append(all, crowd(t, a, c.n, 0, from))
					time.Sleep(time.Second)
				}
				if a.admit(&fakeConn{from: "192.0.2.1"}) == nil {
					t.Fatal("not admitted")
				}
				for i, c := range crowds {
					closed := 0
					for _, conn := range all[i] {
						if conn.closed {
							closed++
						}
					}
					if closed != c.want {
						t.Errorf("of %d from %s %d make room, want %d", c.n, c.from, closed, c.want)
					}
				}
			})
		})
	}
}
