package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// readTime is how long an order may take to arrive.
const readTime = 10 * time.Second

// maxExplaining is how many explanations are made at a time: each asks a back-end, which may start a process.
const maxExplaining = 4

// explainTime is how long an explanation may take, waiting for others included.
const explainTime = 20 * time.Second

// Restarts are asked and ordered by operators. What the methods return is encoded as JSON. An error that is not a StatusError
// may be gone later.
type Restarts interface {
	Services() any
	Service(name string) (any, error)
	Explain(ctx context.Context, name string) (any, error)
	Pause(name string, until time.Time, o Operator) (any, error)
	Resume(name string, o Operator) (any, error)
	Unlock(name string, o Operator) (any, error)
	Request(name string, o Operator) (any, error)
	ReleaseBrake(scope string, o Operator) (any, error)
}

// Operators serve what operators may ask and order. Make them with NewOperators.
type Operators struct {
	restarts   Restarts
	admit      Admission
	refused    func()
	log        *slog.Logger
	explaining chan struct{} // holds one element for every explanation that is being made
}

// An Admission says who a request is from, if that one may ask or order what needs a role. Otherwise it returns a StatusError,
// and has set the header of the answer.
type Admission func(w http.ResponseWriter, r *http.Request, role access.Role) (Caller, error)

// NewOperators makes Operators for those who are admitted. Refused is called for every request that is refused.
func NewOperators(restarts Restarts, admit Admission, refused func(), log *slog.Logger) *Operators {
	return &Operators{restarts: restarts, admit: admit, refused: refused, log: log, explaining: make(chan struct{}, maxExplaining)}
}

// An operation is what an operator asks for.
type operation func(r *http.Request, from Caller) (answer any, err error)

// ask makes a handler of a question. It needs credentials, too: what is held back and why tells an attacker
// what to break.
func (o *Operators) ask(do operation) http.Handler { return o.serve(access.Read, do) }

// serve makes a handler of an operation that needs a role.
func (o *Operators) serve(role access.Role, do operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := readTime
		if r.Method == http.MethodGet { // once it is over net/http takes the client for gone
			limit += explainTime
		}
		// Before anything is answered: net/http reads what is left of a refused body. Not every connection can do this.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(limit))
		r.Body = http.MaxBytesReader(w, r.Body, maxOrder)
		body, err := o.operate(w, r, role, do)
		if err != nil {
			o.refuse(w, r, problem(err))
			return
		}
		answer(w, body)
	})
}

func (o *Operators) operate(w http.ResponseWriter, r *http.Request, role access.Role, do operation) (answer any, err error) {
	from, err := o.admit(w, r, role)
	if err != nil {
		return nil, err
	}
	if r.URL.RawQuery != "" { // such as a duration that would not count
		return nil, &StatusError{Status: http.StatusBadRequest, Err: errors.New("there are no parameters in the URL here, want a JSON object in the body of a POST")}
	}
	return do(r, from)
}

func (o *Operators) refuse(w http.ResponseWriter, r *http.Request, p *StatusError) {
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(p.RetryAfter.Seconds())))
	}
	o.refused()
	o.log.Warn("Refused operator",
		"addr", r.RemoteAddr, "path", printable.Text(r.URL.Path, printable.MaxLog), "status_code", p.Status, "err", p.Err)
	http.Error(w, printable.Text(p.Error(), printable.MaxError), p.Status)
}

// List serves all services.
func (o *Operators) List() http.Handler {
	return o.ask(func(*http.Request, Caller) (any, error) { return o.restarts.Services(), nil })
}

// Show serves the service that the path names.
func (o *Operators) Show() http.Handler {
	return o.ask(func(r *http.Request, _ Caller) (any, error) { return o.restarts.Service(service(r)) })
}

// Explain serves what every guard says of a service.
func (o *Operators) Explain() http.Handler {
	return o.ask(func(r *http.Request, _ Caller) (any, error) {
		ctx, cancel := context.WithTimeout(r.Context(), explainTime)
		defer cancel()
		select {
		case o.explaining <- struct{}{}:
			defer func() { <-o.explaining }()
		case <-ctx.Done():
			return nil, errors.New("too many explanations at once")
		}
		return o.restarts.Explain(ctx, service(r))
	})
}

// Pause serves the order to restart a service no more for a time.
func (o *Operators) Pause() http.Handler {
	return o.serve(access.Operate, func(r *http.Request, from Caller) (any, error) {
		var order pauseOrder
		if err := from.decode(r, &order, &order.Operator); err != nil {
			return nil, err
		}
		until, err := order.end(time.Now())
		if err != nil {
			return nil, err
		}
		return o.restarts.Pause(service(r), until, order.Operator)
	})
}

// Resume serves the order to end a pause.
func (o *Operators) Resume() http.Handler { return o.order(o.restarts.Resume) }

// Unlock serves the order to end a lock-out.
func (o *Operators) Unlock() http.Handler { return o.order(o.restarts.Unlock) }

// Request serves the order to restart a service if every guard agrees.
func (o *Operators) Request() http.Handler { return o.order(o.restarts.Request) }

// ReleaseBrake serves the order to take the mass brake off.
func (o *Operators) ReleaseBrake() http.Handler {
	return o.serve(access.Operate, func(r *http.Request, from Caller) (any, error) {
		order := brakeOrder{Scope: wholeFleet}
		if err := from.decode(r, &order, &order.Operator); err != nil {
			return nil, err
		}
		return o.restarts.ReleaseBrake(order.Scope, order.Operator)
	})
}

// order serves an order about the service that the path names.
func (o *Operators) order(give func(name string, by Operator) (any, error)) http.Handler {
	return o.serve(access.Operate, func(r *http.Request, from Caller) (any, error) {
		var by Operator
		if err := from.decode(r, &by, &by); err != nil {
			return nil, err
		}
		return give(service(r), by)
	})
}

func service(r *http.Request) string { return r.PathValue("service") }
