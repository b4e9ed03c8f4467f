package config

import (
	"fmt"
	"os"
	"strings"

	commonconfig "github.com/prometheus/common/config"
)

// Access says who may read and who may change something.
type Access struct {
	// Anonymous is what somebody without credentials may do: AnonymousNone or AnonymousRead. Empty: AnonymousRead.
	Anonymous string `yaml:"anonymous,omitempty"`
	// Users are those who may do more than read.
	Users []User `yaml:"users,omitempty"`
	// Proxy is one that has found out who somebody is.
	Proxy AccessProxy `yaml:"proxy,omitempty"`
}

// What somebody without credentials may do.
const (
	AnonymousNone = "none"
	AnonymousRead = "read"
)

// User is a person or a program with a name. Without a token it is known by the password that --web.config.file has for the
// name, or by the proxy.
type User struct {
	Name string `yaml:"name"`
	// Role is RoleRead, RoleOperate, RoleEdit or RoleSync. Required.
	Role string `yaml:"role"`
	// Environments are where the user may operate and edit. Empty: everywhere.
	Environments []string `yaml:"environments,omitempty"`
	// BearerToken is a token that only this user has. At most one of it and BearerTokenFile is set.
	BearerToken     commonconfig.Secret `yaml:"bearer_token,omitempty"`
	BearerTokenFile string              `yaml:"bearer_token_file,omitempty"`
}

// The roles of users. Each of the first three includes those before it.
const (
	RoleRead    = "read"
	RoleOperate = "operate"
	RoleEdit    = "edit"
	RoleSync    = "sync"
)

// AccessProxy is a proxy in front of the exporter that authenticates people and sends their names.
type AccessProxy struct {
	// UserHeader is the header that has the name. Empty: there is no proxy.
	UserHeader string `yaml:"user_header,omitempty"`
	// Trusted are the addresses of the proxy. From others the header counts for nothing.
	Trusted []Prefix `yaml:"trusted,omitempty"`
}

// Syncs are the names of the users of RoleSync, each of whom stands for an Alertmanager elsewhere.
func (c *Config) Syncs() []string {
	if c.Access == nil {
		return nil
	}
	var names []string
	for i := range c.Access.Users {
		if u := &c.Access.Users[i]; u.Role == RoleSync {
			names = append(names, u.Name)
		}
	}
	return names
}

// HasToken reports whether the user is known by a token.
func (u *User) HasToken() bool { return u.BearerToken != "" || u.BearerTokenFile != "" }

// Token returns the token of the user. A file is read anew each time.
func (u *User) Token() (string, error) { return bearerToken(u.BearerToken, u.BearerTokenFile) }

func bearerToken(inline commonconfig.Secret, file string) (string, error) {
	if file == "" {
		return string(inline), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading a token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// StrandedUsers returns a line for each user who can never log in: it has no token, and neither is there a proxy nor a password
// for its name. Where that leaves nobody who may read, there is a line for everybody. The passwords are those of
// --web.config.file, by name.
func (a *Access) StrandedUsers(passwords map[string]string) []string {
	if a == nil || a.Proxy.UserHeader != "" {
		return nil
	}
	var all []string
	if a.Anonymous == AnonymousNone && len(a.Users) == 0 && len(passwords) == 0 {
		all = append(all, `access.anonymous: "none", and nobody can ever log in: want users, passwords under basic_auth_users in --web.config.file, or access.proxy`)
	}
	for i := range a.Users {
		u := &a.Users[i]
		if _, ok := passwords[u.Name]; !ok && !u.HasToken() {
			all = append(all, fmt.Sprintf("access.users[%d]: %q can never log in: want a bearer_token_file, a password under basic_auth_users in --web.config.file, or access.proxy", i, u.Name))
		}
	}
	return all
}
