package prober

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A resolver chooses the one address of a host that a probe connects to. No other address is tried: a host that is half
// up must not look healthy.
type resolver struct {
	prefer   string // "ip4" or "ip6"
	fallback bool   // take the other family when the preferred one has no address
	lookup   func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

func newResolver(prefer string, fallback bool) resolver {
	if prefer == "" {
		prefer = "ip6"
	}
	return resolver{prefer: prefer, fallback: fallback, lookup: net.DefaultResolver.LookupNetIP}
}

// maxHost is how long a host may be in bytes: a name (RFC 1035 section 2.3.4), or an address with its zone.
const maxHost = 255

// resolve looks up host, which may already be an address.
func (r resolver) resolve(ctx context.Context, t *trace, host string) (netip.Addr, error) {
	from := t.now()
	addr, err := r.choose(ctx, host)
	t.phase(PhaseResolve, from)
	if err != nil {
		return netip.Addr{}, &failure{reason: resolveReason(err), phase: PhaseResolve, err: err}
	}
	t.event("Resolved target address", slog.String("host", kept(host)), slog.Any("ip", addr))
	return addr, nil
}

func (r resolver) choose(ctx context.Context, host string) (netip.Addr, error) {
	addrs, err := r.addresses(ctx, host)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range addrs {
		if family(a) == r.prefer {
			return a, nil
		}
	}
	if r.fallback && len(addrs) > 0 {
		return addrs[0], nil
	}
	return netip.Addr{}, &net.DNSError{Err: "no " + r.prefer + " address", Name: host, IsNotFound: true}
}

func (r resolver) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if len(host) > maxHost {
		return nil, fmt.Errorf("resolving %s: %w", quote(host), &resolverError{&net.DNSError{Err: "the name is too long", IsNotFound: true}})
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	if a, ok := config.ParseIPv4(host); ok { // some systems do this themselves, but not all
		return []netip.Addr{a}, nil
	}
	network := "ip"
	if !r.fallback {
		network = r.prefer
	}
	addrs, err := r.lookup(ctx, network, host)
	if err != nil {
		return nil, resolveError(host, err)
	}
	for i, a := range addrs {
		addrs[i] = a.Unmap()
	}
	return addrs, nil
}

func family(a netip.Addr) string {
	if a.Is4() {
		return "ip4"
	}
	return "ip6"
}

// resolveError says what the name server said, without the host and server that the resolver repeats.
func resolveError(host string, err error) error {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("resolving %q: %w", host, &resolverError{dns})
	}
	return fmt.Errorf("resolving %q: %w", host, err)
}

// A resolverError shortens the text of a net.DNSError.
type resolverError struct{ dns *net.DNSError }

func (e *resolverError) Error() string { return e.dns.Err }
func (e *resolverError) Unwrap() error { return e.dns }

func resolveReason(err error) Reason {
	var dns *net.DNSError
	var addr *net.AddrError // no address of the wanted family
	switch {
	case errors.As(err, &dns) && dns.IsNotFound, errors.As(err, &addr):
		return ReasonResolveNotFound
	case isLocal(err), dns != nil && strings.Contains(dns.Err, syscall.EMFILE.Error()): // it does not wrap its cause
		return ReasonLocalResource
	default:
		return ReasonResolveFailed
	}
}
