package probetest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// A SOCKS5Server is a running SOCKS5 proxy. Its URL has the scheme socks5.
type SOCKS5Server struct {
	*Server

	mu       sync.Mutex // protects the following
	requests []SOCKS5Request
	reply    byte
}

// A SOCKS5Request is what a client asked a SOCKS5 proxy for.
type SOCKS5Request struct {
	// Target is the host and port to connect to. A name is not resolved.
	Target string
	// Username and Password are empty if the client did not offer to authenticate.
	Username, Password string
}

// The parts of RFC 1928 and RFC 1929 that [SOCKS5] speaks.
const (
	socksVersion     = 5
	socksNoAuth      = 0
	socksPassword    = 2
	socksPasswordV1  = 1
	socksConnect     = 1
	socksIPv4        = 1
	socksName        = 3
	socksIPv6        = 4
	socksUnreachable = 4
)

var errSOCKS = errors.New("not the SOCKS5 that this server speaks")

// SOCKS5 starts a SOCKS5 proxy that serves CONNECT. A client that offers a name and a password is asked for them, and
// any are accepted.
func SOCKS5(t testing.TB) *SOCKS5Server {
	t.Helper()
	s := &SOCKS5Server{}
	s.Server = serveTCP(t, "socks5", s.handle)
	return s
}

// Requests returns what the proxy was asked for so far.
func (s *SOCKS5Server) Requests() []SOCKS5Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Answer makes the proxy refuse every request with this reply of RFC 1928, section 6, such as 5 for a refused
// connection. 0 ends that.
func (s *SOCKS5Server) Answer(reply byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = reply
}

func (s *SOCKS5Server) handle(ctx context.Context, c net.Conn) {
	var r SOCKS5Request
	if r.authenticate(c) != nil || r.readTarget(c) != nil {
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, r)
	reply := s.reply
	s.mu.Unlock()

	var target net.Conn
	if reply == 0 {
		var err error
		if target, err = new(net.Dialer).DialContext(ctx, "tcp", r.Target); err != nil {
			reply = socksUnreachable
		}
	}
	// A client that connects does not need the address in the reply.
	_, err := c.Write([]byte{socksVersion, reply, 0, socksIPv4, 0, 0, 0, 0, 0, 0})
	switch {
	case target == nil:
	case err != nil:
		_ = target.Close()
	default:
		tunnel(ctx, c, target, c)
	}
}

// authenticate reads the methods that the client offers and, if it offers them, its name and password.
func (r *SOCKS5Request) authenticate(c io.ReadWriter) error {
	var head [2]byte // version, number of methods
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return err
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(c, methods); err != nil {
		return err
	}
	switch {
	case head[0] != socksVersion:
		return errSOCKS
	case !slices.Contains(methods, socksPassword):
		_, err := c.Write([]byte{socksVersion, socksNoAuth})
		return err
	}
	if _, err := c.Write([]byte{socksVersion, socksPassword}); err != nil {
		return err
	}
	var version [1]byte
	if _, err := io.ReadFull(c, version[:]); err != nil {
		return err
	}
	var err error
	if r.Username, err = readString(c); err != nil {
		return err
	}
	if r.Password, err = readString(c); err != nil {
		return err
	}
	_, err = c.Write([]byte{socksPasswordV1, 0})
	return err
}

// readTarget reads the request.
func (r *SOCKS5Request) readTarget(c io.Reader) error {
	var head [4]byte // version, command, 0, type of address
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return err
	}
	if head[0] != socksVersion || head[1] != socksConnect {
		return errSOCKS
	}
	var host string
	switch head[3] {
	case socksName:
		var err error
		if host, err = readString(c); err != nil {
			return err
		}
	case socksIPv4, socksIPv6:
		ip := make([]byte, 4)
		if head[3] == socksIPv6 {
			ip = make([]byte, 16)
		}
		if _, err := io.ReadFull(c, ip); err != nil {
			return err
		}
		addr, _ := netip.AddrFromSlice(ip)
		host = addr.String()
	default:
		return errSOCKS
	}
	var port [2]byte
	if _, err := io.ReadFull(c, port[:]); err != nil {
		return err
	}
	r.Target = net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port[:]))))
	return nil
}

// readString reads a string that follows a byte with its length.
func readString(c io.Reader) (string, error) {
	var n [1]byte
	if _, err := io.ReadFull(c, n[:]); err != nil {
		return "", err
	}
	b := make([]byte, n[0])
	_, err := io.ReadFull(c, b)
	return string(b), err
}
