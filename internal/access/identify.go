package access

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// ErrCredentials is returned for credentials that nobody has. It is the same for every mistake in them.
var ErrCredentials = errors.New("the credentials are missing or wrong")

// longestName is how long a name may be that a proxy sends, in bytes.
const longestName = 128

// Identifier finds out who requests are from. Its fields do not change. The zero Identifier knows nobody, and lets
// nobody do anything.
type Identifier struct {
	// Access is the configuration. nil: anybody may read, whatever credentials are sent.
	Access *config.Access
	// Receiver are credentials that open doors of their own. Here they are as good as none.
	Receiver Authenticator
	// Passwords are checked, where --web.config.file has any. nil: there are none.
	Passwords *Passwords
	// Log gets what is wrong with requests, so it has to be bounded.
	Log *slog.Logger
}

// Identify returns who a request is from, by what the first of these says: a trusted proxy, a token, a password. Who sends
// none of them is anonymous. ErrCredentials is returned for those that are wrong, which never make somebody anonymous;
// another error says why it is not known whether they are.
func (i *Identifier) Identify(r *http.Request) (Identity, error) {
	if i.Access == nil {
		return Identity{Role: Read}, nil
	}
	name, err := i.byProxy(r)
	switch {
	case err != nil:
		return Identity{}, err
	case name != "":
		return i.named(name), nil
	}
	if len(r.Header.Values("Authorization")) == 0 {
		return i.anonymous(), nil
	}
	if len(r.Header.Values("Authorization")) > 1 { // which of them was meant?
		return Identity{}, ErrCredentials
	}
	id, known, broken := i.byToken(r)
	if known {
		return id, nil
	}
	switch name, ok, err := i.Passwords.check(r); {
	case err != nil:
		return Identity{}, err
	case ok:
		return i.named(name), nil
	}
	if ok, err := i.Receiver.Authenticate(r); err == nil && ok && !i.Receiver.Anybody {
		return i.anonymous(), nil
	}
	return Identity{}, cmp.Or(broken, ErrCredentials)
}

func (i *Identifier) anonymous() Identity {
	if i.Access.Anonymous == config.AnonymousNone {
		return Identity{}
	}
	return Identity{Role: Read}
}

// named is who has proved a name. Those that the configuration does not list may read. A user with a token is known by
// that alone.
func (i *Identifier) named(name string) Identity {
	for k := range i.Access.Users {
		if u := &i.Access.Users[k]; u.Name == name && !u.HasToken() {
			return listed(u)
		}
	}
	return Identity{Name: name, Role: Read}
}

func listed(u *config.User) Identity {
	return Identity{Name: u.Name, Role: roleOf(u.Role), Environments: u.Environments, Listed: true}
}

// byToken returns who has the token of the request. It compares with every token and in constant time, so that the time says
// nothing of which one is near. A token that is not good enough any more, as its file says, is nobody's. An error says why it
// is not known whose the token is.
func (i *Identifier) byToken(r *http.Request) (id Identity, known bool, broken error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Identity{}, false, nil
	}
	matches := 0
	for k := range i.Access.Users {
		u := &i.Access.Users[k]
		if !u.HasToken() {
			continue
		}
		want, err := u.Token()
		if err == nil {
			err = config.CheckToken(want)
		}
		if err != nil {
			broken = fmt.Errorf("access.users[%d]: %w", k, err)
			continue
		}
		if equal(token, want) {
			id, matches = listed(u), matches+1
		}
	}
	if matches > 1 { // two files have come to hold the same
		return Identity{}, false, errors.New("access.users: two of them have the same token")
	}
	return id, matches == 1, broken
}

// byProxy returns the name that a trusted proxy sent. Empty: it sent none.
func (i *Identifier) byProxy(r *http.Request) (string, error) {
	header := i.Access.Proxy.UserHeader
	if header == "" {
		return "", nil
	}
	values := r.Header.Values(header)
	if len(values) == 0 {
		return "", nil
	}
	if !i.trusts(r.RemoteAddr) {
		i.Log.Warn("Ignored the user header of an address that is not trusted", "addr", r.RemoteAddr)
		return "", nil
	}
	name := values[0]
	switch {
	case len(values) > 1 || strings.Contains(name, ","): // one may be from outside
		i.Log.Warn("Refused the user header of the proxy: it has more than one name", "addr", r.RemoteAddr)
		return "", ErrCredentials
	case len(name) > longestName || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		i.Log.Warn("Refused the user header of the proxy: its name is too long, or does not print", "addr", r.RemoteAddr)
		return "", ErrCredentials
	default:
		return strings.TrimSpace(name), nil
	}
}

// trusts reports whether a connection is from the proxy. One by a link-local address with a zone never is.
func (i *Identifier) trusts(remote string) bool {
	from, err := netip.ParseAddrPort(remote)
	if err != nil { // such as a socket without addresses
		return false
	}
	for _, trusted := range i.Access.Proxy.Trusted {
		if trusted.Contains(from.Addr().Unmap()) {
			return true
		}
	}
	return false
}

// Challenge is the value of WWW-Authenticate (RFC 9110 section 11.6.1) for one who has to prove a name.
func (i *Identifier) Challenge() string {
	if i.Passwords.any() {
		return basicChallenge
	}
	return bearerChallenge
}
