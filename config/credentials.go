package config

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

// CredentialHosts are the hosts that may get a module's credentials. Empty: all.
type CredentialHosts []HostPattern

// Has reports whether the host of u may get the credentials.
func (h CredentialHosts) Has(u *url.URL) bool { return h.has(u.Hostname(), portOf(u)) }

// has is Has for a host and a port. 0: one of its ports is enough.
func (h CredentialHosts) has(host string, port uint16) bool {
	if len(h) == 0 {
		return true
	}
	name, addr, err := parseHost(host)
	return err == nil && slices.ContainsFunc(h, func(p HostPattern) bool {
		return (p.port == 0 || port == 0 || p.port == port) && p.matches(name, addr)
	})
}

// CheckCredentials returns why the module must not probe u, or nil if it may. A module sends everything that it has, and any
// of it may be secret, so it only probes the hosts that its credentials are for. The Host header of the request must be one
// of them, too: behind an address that many share, it decides who gets the request. It is hostname, or else the module's.
func (m *Module) CheckCredentials(u *url.URL, hostname string) error {
	if !m.CredentialsFor.Has(u) {
		return fmt.Errorf("the credentials of the module are for other hosts than %q (credentials_for)", u.Host)
	}
	if hostname == "" {
		hostname = m.Host()
	}
	header := &url.URL{Scheme: u.Scheme, Host: hostname}
	if header.Port() == "" {
		header.Host = hostname + ":" + strconv.Itoa(int(portOf(u)))
	}
	if hostname != "" && !m.CredentialsFor.Has(header) {
		return fmt.Errorf("the credentials of the module are for other hosts than the Host header %q (credentials_for)", hostname)
	}
	return nil
}

// portOf returns the port of u, or the default port of its scheme.
func portOf(u *url.URL) uint16 {
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return uint16(n)
	}
	return map[string]uint16{"http": 80, "ws": 80, "https": 443, "wss": 443}[u.Scheme]
}

// credentialHosts checks credentials_for. An empty list does not stand for all hosts: somebody meant to name some.
func (c *checker) credentialHosts(p place, m *Module) {
	if len(m.CredentialsFor) == 0 && c.lines[p.path] != 0 {
		c.fail(p, "got no host, want at least one, or leave out the key to allow all")
	}
	for i := range m.CredentialsFor {
		if m.CredentialsFor[i].IsZero() {
			c.fail(c.at(p.item(i)), "%v", errHostPattern)
		}
	}
	if host := m.Host(); host != "" && c.read(p) && !m.CredentialsFor.has((&url.URL{Host: host}).Hostname(), 0) {
		c.fail(p, "contradicts the Host header %q of the module, which is not among them: every probe would be refused", host)
	}
}
