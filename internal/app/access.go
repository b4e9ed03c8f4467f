package app

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A need is what it takes to be served by a route. The zero need is one that nobody has.
type need struct {
	role access.Role
	// before is what was enough as long as the configuration lists no users. None: role.
	before access.Role
	door   door
	// lasts is set where an answer goes on for as long as the client likes: it ends when a load takes away what it needs.
	lasts bool
}

// A door is where a request is judged.
type door int

const (
	front    door = iota // by its role, before the handler gets it
	open                 // nowhere: everybody is served
	receiver             // in the handler, which also takes the credentials of restart.receiver
)

// The needs of the routes.
var (
	// Whoever looks whether the exporter lives has no credentials, as a rule.
	nothing = need{door: open}
	reading = need{role: access.Read}
	// What goes on for as long as somebody looks at it.
	following = need{role: access.Read, lasts: true}
	// What changes nothing of what people have decided, but does more than to show something.
	maintaining = need{role: access.Operate, before: access.Read}

	// What people tell for a time.
	operating = need{role: access.Operate}
	// What people write.
	editing = need{role: access.Edit}

	// What has the secrets of channels, for Alertmanagers elsewhere.
	syncing = need{role: access.Sync}

	delivering = need{door: receiver}
	asking     = need{role: access.Read, door: receiver}
	ordering   = need{role: access.Operate, door: receiver}
)

// of returns the role that it takes.
func (n need) of(c *config.Access) access.Role {
	if c == nil || len(c.Users) == 0 {
		return cmp.Or(n.before, n.role)
	}
	return n.role
}

// admit lets those in who have what it needs. The handler gets to know who it is by access.From.
func (a *App) admit(n need, h http.Handler) http.Handler {
	if n.door != front {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := a.current.Load()
		id, err := s.who.Identify(r)
		if err == nil {
			err = access.Judge(id, n.of(s.Config.Access))
		}
		if err != nil {
			a.refuseAccess(w, r, a.refusal(w, err))
			return
		}
		ctx := access.With(r.Context(), id)
		if n.lasts {
			s := stay{need: n, request: r, id: id}
			var leave func()
			ctx, leave = a.stays.enter(ctx, s)
			defer leave()
			if !s.may(a.current.Load()) { // a load has come in between
				leave()
			}
		}
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// refusal is the answer to one who is not let in, and sets its header.
func (a *App) refusal(w http.ResponseWriter, err error) *api.StatusError {
	refused, judged := errors.AsType[*access.DeniedError](err)
	switch {
	case errors.Is(err, access.ErrCredentials), judged && refused.Unauthenticated:
		w.Header().Set("WWW-Authenticate", a.current.Load().who.Challenge())
		return &api.StatusError{Status: http.StatusUnauthorized, Err: err}
	case judged:
		return &api.StatusError{Status: http.StatusForbidden, Err: err}
	default:
		a.limits.log.Error("Reading credentials failed", "err", err)
		return &api.StatusError{Status: http.StatusServiceUnavailable, Err: errors.New("the credentials cannot be read, see the log")}
	}
}

func (a *App) refuseAccess(w http.ResponseWriter, r *http.Request, p *api.StatusError) {
	a.noteRefusal(r, p.Status, p.Err)
	if strings.HasPrefix(r.URL.Path, "/api/") {
		api.Fail(w, p)
		return
	}
	if strings.Contains(r.Header.Get("Accept"), "text/html") { // a person looks at it
		a.pages.Refuse(w, r, p.Status, p.Err)
		return
	}
	http.Error(w, p.Error(), p.Status)
}

// noteRefusal counts and logs that somebody may not do what he asks for.
func (a *App) noteRefusal(r *http.Request, status int, err error) {
	a.metrics.refuse(refusedAccess)
	a.limits.log.Warn("Refused access",
		"addr", r.RemoteAddr, "path", printable.Text(r.URL.Path, printable.MaxLog), "status_code", status, "err", err)
}

// identifier finds out who requests are from, as a configuration says.
func (a *App) identifier(c *config.Config) *access.Identifier {
	i := &access.Identifier{Access: c.Access, Passwords: a.passwords, Log: a.limits.log}
	if c.Restart != nil {
		i.Receiver = access.OfReceiver(&c.Restart.Receiver)
	}
	return i
}

// admitOperator is the api.Admission to questions and orders about restarts. A user whom the configuration lists needs the
// role. Whoever has the credentials of restart.receiver may do everything, as before there were users. Reading does not
// suffice without a name: what is held back tells an attacker what to break.
func (a *App) admitOperator(w http.ResponseWriter, r *http.Request, role access.Role) (api.Caller, error) {
	s := a.current.Load()
	auth, status, closed := a.doorOf(s)
	if closed != nil && status != http.StatusForbidden {
		return api.Caller{}, &api.StatusError{Status: status, Err: closed}
	}
	id, err := s.who.Identify(r)
	if err == nil && id.Listed {
		if err = s.judgeOrder(id, role, r.PathValue("service")); err == nil {
			return api.Caller{Name: id.Name, Proved: true}, nil
		}
	}
	if closed == nil {
		switch ok, unread := auth.Authenticate(r); {
		case ok:
			return api.Caller{Name: auth.User(r)}, nil
		case unread != nil && (err == nil || errors.Is(err, access.ErrCredentials)):
			err = unread
		}
	}
	switch {
	case s.Config.Access == nil || len(s.Config.Access.Users) == 0:
		return api.Caller{}, a.closedTo(w, r, auth, closed)
	case err == nil && id.Name == "":
		err = access.Judge(access.Identity{}, role)
	case err == nil:
		err = &access.DeniedError{Text: id.Name + " is not among access.users, and this needs credentials of role " + role.String() + " of one who is"}
	}
	refused := a.refusal(w, err)
	if refused.Status == http.StatusUnauthorized && closed == nil && auth.Challenge() != w.Header().Get("WWW-Authenticate") {
		w.Header().Add("WWW-Authenticate", auth.Challenge())
	}
	return api.Caller{}, refused
}

// closedTo refuses one whom only the receiver's door could let in.
func (a *App) closedTo(w http.ResponseWriter, r *http.Request, auth access.Authenticator, closed error) error {
	if closed != nil {
		return &api.StatusError{Status: http.StatusForbidden, Err: closed}
	}
	status, err := auth.Admit(w, r, a.limits.log)
	return &api.StatusError{Status: status, Err: err}
}

// judgeOrder returns nil if id may ask or order what needs a role about a service, or about the brake if it has no name.
func (c *current) judgeOrder(id access.Identity, role access.Role, service string) error {
	if service == "" {
		return access.JudgeAt(id, role, "the brake")
	}
	services := c.Config.Restart.Services
	i := slices.IndexFunc(services, func(s config.Service) bool { return s.Name == service })
	if i < 0 { // the answer will be that nobody knows it
		return access.Judge(id, role)
	}
	return access.JudgeAt(id, role, printable.Text(service, printable.MaxLog), c.environments(&services[i])...)
}

// environments are those that a restart of a service touches: its own, and those of the targets that its checks name. It is nil
// if a check is of something that is not in the inventory, and so in no environment that is known.
func (c *current) environments(s *config.Service) []string {
	var all []string
	if s.Environment != "" {
		all = append(all, s.Environment)
	}
	file, others := inFile(c.Config), inInventory(c.targets.inventory)
	for i := range s.Checks {
		name := s.Checks[i].Target
		if name == "" {
			return nil
		}
		t, err := file(name)
		if err != nil {
			t, err = others(name)
		}
		if err != nil {
			return nil
		}
		all = append(all, t.Environment)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// affected are the environments of the services that check a target. Of one whose targets are not all known, that is its own, or
// "" if it has none: then only somebody without environments may decide what it goes by.
func (c *current) affected(target string) (all []string) {
	if c.Config.Restart == nil {
		return nil
	}
	for i := range c.Config.Restart.Services {
		s := &c.Config.Restart.Services[i]
		if !checks(s, target) {
			continue
		}
		if known := c.environments(s); len(known) > 0 {
			all = append(all, known...)
		} else {
			all = append(all, s.Environment)
		}
	}
	return all
}
