package config

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
)

// ShortestToken is how many characters the token of a user has at least: it can be tried without end.
const ShortestToken = 32

// longestUser is how long the name of a user may be, in bytes. It is kept with every order.
const longestUser = 128

// access checks the access section. Anything doubtful is an error: this section gives rights.
func (c *checker) access(p place, cfg *Config) {
	a := cfg.Access
	switch a.Anonymous {
	case "", AnonymousNone, AnonymousRead:
	case RoleOperate, RoleEdit, RoleSync:
		c.fail(c.sub(p, "anonymous"), "got %q, want %q or %q: nobody changes anything without a name", a.Anonymous, AnonymousNone, AnonymousRead)
	default:
		c.fail(c.sub(p, "anonymous"), "got %q, want %q or %q", a.Anonymous, AnonymousNone, AnonymousRead)
	}
	if a.Anonymous == AnonymousNone && cfg.Restart != nil && cfg.Restart.Receiver.Insecure {
		c.fail(c.sub(p, "anonymous"), "contradicts insecure: true of restart.receiver, which lets anybody order restarts")
	}
	c.referenced(p, reflect.ValueOf(*a))
	c.userHeader(c.sub(p, "proxy"), &a.Proxy)
	c.users(c.sub(p, "users"), cfg)
}

func (c *checker) users(p place, cfg *Config) {
	names, tokens := map[string]string{}, map[string]string{}
	if r := cfg.Restart; r != nil {
		if token := receiverToken(&r.Receiver); token != "" {
			tokens[token] = "restart.receiver"
		}
	}
	for i := range cfg.Access.Users {
		u, at := &cfg.Access.Users[i], c.at(p.item(i))
		c.unique(c.sub(at, "name"), names, u.Name, "user")
		c.userName(c.sub(at, "name"), u.Name)
		c.role(at, u)
		c.token(at, u, tokens)
	}
}

// userName checks that a name can arrive in every way that names do.
func (c *checker) userName(p place, name string) {
	c.prints(p, name)
	c.length(p, name, longestUser)
	switch {
	case strings.TrimSpace(name) != name:
		c.fail(p, "got %q, want no space at the ends", name)
	case strings.ContainsAny(name, ":,"):
		c.fail(p, "got %q, want no colon (basic authentication ends the name there) and no comma (it stands between two names of a proxy)", name)
	case strings.EqualFold(name, "anonymous"):
		c.fail(p, "got %q, which is how those without a name are called; access.anonymous says what they may do", name)
	}
}

func (c *checker) role(p place, u *User) {
	roles := []string{RoleRead, RoleOperate, RoleEdit, RoleSync}
	role := c.sub(p, "role")
	switch {
	case u.Role == "":
		c.fail(role, "missing, want one of %s", strings.Join(roles, ", "))
	case !slices.Contains(roles, u.Role):
		c.fail(role, "got %q, want one of %s", u.Role, strings.Join(roles, ", "))
	}
	environments := c.sub(p, "environments")
	switch {
	case len(u.Environments) > 0 && (u.Role == RoleRead || u.Role == RoleSync):
		c.fail(environments, "limits nothing with role %s: environments limit what a user may operate and edit", u.Role)
	case len(u.Environments) == 0 && c.lines[environments.path] != 0:
		c.fail(environments, "got no environment, want at least one, or leave out the key to allow all")
	}
	seen := map[string]string{}
	for i, environment := range u.Environments {
		at := c.at(environments.item(i))
		c.unique(at, seen, environment, "environment")
		c.text(at, environment)
	}
}

// token checks the token of a user. No message has any part of it.
func (c *checker) token(p place, u *User, tokens map[string]string) {
	if u.BearerToken != "" && u.BearerTokenFile != "" {
		c.fail(c.sub(p, "bearer_token_file"), "at most one of bearer_token and bearer_token_file must be configured")
		return
	}
	at := c.sub(p, "bearer_token")
	if u.BearerTokenFile != "" {
		at = c.sub(p, "bearer_token_file")
	}
	if !u.HasToken() {
		if c.lines[at.path] != 0 {
			c.fail(at, "got an empty token, want one of at least %d characters, or leave out the key", ShortestToken)
		}
		return
	}
	if u.BearerTokenFile != "" && readable(u.BearerTokenFile) != nil {
		return // referenced has said so
	}
	token, err := u.Token()
	if err != nil {
		return
	}
	if err := CheckToken(token); err != nil {
		c.fail(at, "%v", err)
		return
	}
	if first, ok := tokens[token]; ok {
		c.fail(at, "is the same token as that of %s: a token has to say who somebody is", first)
		return
	}
	tokens[token] = fmt.Sprintf("%q", u.Name)
}

// CheckToken returns why a token is not good enough for a user, or nil if it is. The error has no part of the token.
func CheckToken(token string) error {
	switch {
	case len(token) < ShortestToken:
		return fmt.Errorf("the token has %d characters, want at least %d, such as from: openssl rand -hex 32", len(token), ShortestToken)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("the token has a space, or a character that is not ASCII: no header carries it as it is")
	default:
		return nil
	}
}

// receiverToken returns the token of a receiver. Empty: it has none, or it cannot be read, which is reported elsewhere.
func receiverToken(r *Receiver) string {
	if r.BearerTokenFile != "" && readable(r.BearerTokenFile) != nil {
		return ""
	}
	token, _ := bearerToken(r.BearerToken, r.BearerTokenFile)
	return token
}

// standardHeaders are headers with a meaning of their own. What begins with one of standardPrefixes is one, too.
var (
	standardHeaders = set("authorization", "cache-control", "connection", "cookie", "cookie2", "date", "dnt", "expect", "forwarded", "from", "host",
		"keep-alive", "last-event-id", "link", "max-forwards", "origin", "pragma", "prefer", "priority", "range", "referer", "set-cookie", "te", "trailer",
		"transfer-encoding", "upgrade", "upgrade-insecure-requests", "user-agent", "via", "warning", "www-authenticate", "x-forwarded-for", "x-forwarded-host",
		"x-forwarded-port", "x-forwarded-proto", "x-prometheus-scrape-timeout-seconds", "x-real-ip", "x-requested-with")
	standardPrefixes = []string{"accept", "access-control-", "content-", "if-", "proxy-", "sec-"}
)

func (c *checker) userHeader(p place, proxy *AccessProxy) {
	header, trusted := c.sub(p, "user_header"), c.sub(p, "trusted")
	name := strings.ToLower(proxy.UserHeader)
	switch {
	case name == "" && (len(proxy.Trusted) > 0 || c.lines[header.path] != 0):
		c.fail(header, "missing, want the header that has the user's name, such as X-Forwarded-User")
	case name == "":
		if c.lines[p.path] != 0 {
			c.fail(p, "is empty, want user_header and trusted")
		}
		return
	case !token(name):
		c.fail(header, "%q is not a header name", proxy.UserHeader)
	case standardHeaders[name] || slices.ContainsFunc(standardPrefixes, func(s string) bool { return strings.HasPrefix(name, s) }):
		c.fail(header, "got %q, which has another meaning in HTTP; want a header that only the proxy sets, such as X-Forwarded-User", proxy.UserHeader)
	}
	if name != "" && len(proxy.Trusted) == 0 {
		c.fail(trusted, "got no address, want that of the proxy: anybody could send the header")
	}
	for i, prefix := range proxy.Trusted {
		c.trusted(c.at(trusted.item(i)), prefix)
	}
}

// narrowest is how many bits the prefix of a trusted network has at least: nobody has a proxy in all of a wider one.
var narrowest = map[bool]int{true: 8, false: 16} // by whether it is IPv4

var linkLocal = netip.MustParsePrefix("fe80::/10")

func (c *checker) trusted(p place, prefix Prefix) {
	want := narrowest[prefix.Addr().Is4()]
	switch {
	case !prefix.IsValid():
		c.fail(p, "missing, want an address or a CIDR such as 10.0.0.0/8")
	case prefix.Bits() < want:
		c.fail(p, "got %s, want a prefix of %d bits or more: whoever has one of these addresses is believed", prefix, want)
	case linkLocal.Overlaps(prefix.Prefix):
		c.fail(p, "got %s, want another: a link-local address can be had on any link, so it says nothing of who it is", prefix)
	}
}
