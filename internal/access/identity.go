package access

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A Role is what somebody may do. The zero Role may do nothing.
type Role int

// The roles. Read, Operate and Edit include those before them; Sync stands alone.
const (
	None Role = iota
	Read
	Operate
	Edit
	Sync
)

var roleNames = map[Role]string{None: "none", Read: config.RoleRead, Operate: config.RoleOperate, Edit: config.RoleEdit, Sync: config.RoleSync}

// Roles are all roles that somebody can have.
func Roles() []Role { return []Role{None, Read, Operate, Edit, Sync} }

// String is the name of the role in the configuration.
func (r Role) String() string { return roleNames[r] }

// roleOf is the role of a name. An unknown one is None.
func roleOf(name string) Role {
	for role, text := range roleNames {
		if text == name {
			return role
		}
	}
	return None
}

// included are the roles that a role includes. What nobody has is in none of them.
var included = map[Role][]Role{Read: {Read}, Operate: {Read, Operate}, Edit: {Read, Operate, Edit}, Sync: {Sync}}

// Includes reports whether who has role r may do what needs role other. Nobody may do what needs None: it is the zero
// value, and stands for a need that was forgotten.
func (r Role) Includes(other Role) bool { return slices.Contains(included[r], other) }

// An Identity is who a request is from. The zero Identity may do nothing.
type Identity struct {
	// Name is that of a user, of a password in --web.config.file, or what the proxy sent. Empty: nobody has a name who has no
	// credentials.
	Name string
	Role Role
	// Environments are where the user may operate and edit. Empty: everywhere.
	Environments []string
	// Listed is whether the configuration lists the user. Others may read what those without a name may read elsewhere.
	Listed bool
}

// Limited reports whether there are environments in which the user may only read.
func (id *Identity) Limited() bool { return len(id.Environments) > 0 }

// String says who it is, as in "alice (edit)".
func (id *Identity) String() string {
	if id.Name == "" {
		return "anonymous"
	}
	return fmt.Sprintf("%s (%s)", id.Name, id.Role)
}

// May reports whether id may do what needs a role, to something in all of these environments. Reading is the same
// everywhere. Who is limited to environments may change nothing that is in none, or in one without a name.
func May(id Identity, role Role, environments ...string) bool {
	switch {
	case !id.Role.Includes(role):
		return false
	case !id.Limited() || role == Read || role == Sync:
		return true
	default:
		return len(environments) > 0 && !slices.ContainsFunc(environments, func(e string) bool {
			return e == "" || !slices.Contains(id.Environments, e)
		})
	}
}

// A DeniedError is why a request is not carried out. It has no secret and nothing that the request sent, but the name of the one
// who has proved it.
type DeniedError struct {
	// Unauthenticated is true for one without a name: credentials may help.
	Unauthenticated bool
	Text            string
}

// Error implements error.
func (r *DeniedError) Error() string { return r.Text }

// Judge returns nil if id may do what needs a role somewhere, and otherwise a DeniedError.
func Judge(id Identity, role Role) error {
	switch {
	case id.Role.Includes(role):
		return nil
	case role == None:
		return &DeniedError{Text: "nobody may do this"}
	case id.Name == "":
		return &DeniedError{Unauthenticated: true, Text: "this needs credentials of role " + role.String()}
	default:
		return &DeniedError{Text: fmt.Sprintf("%s has role %s, and this needs credentials of role %s", id.Name, id.Role, role)}
	}
}

// JudgeAt is Judge for something with a name that is in these environments; none: it is in no environment that is known, or
// in all.
func JudgeAt(id Identity, role Role, name string, environments ...string) error {
	err := Judge(id, role)
	if err != nil || May(id, role, environments...) {
		return err
	}
	where := "in no environment alone"
	var others []string
	for _, e := range environments {
		if e != "" && !slices.Contains(id.Environments, e) {
			others = append(others, e)
		}
	}
	if len(others) > 0 {
		where = "in " + and(others)
	} else if slices.Contains(environments, "") {
		where = "in no environment"
	}
	return &DeniedError{Text: fmt.Sprintf("%s may %s targets of %s; %s is %s", id.Name, role, and(id.Environments), name, where)}
}

// and joins words by commas, the last two by "and".
func and(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

type identityKey struct{}

// With returns a context of a request that is from id.
func With(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// From returns who a request is from. Where nobody has found out, the Identity may do nothing.
func From(ctx context.Context) Identity {
	id, _ := ctx.Value(identityKey{}).(Identity)
	return id
}
