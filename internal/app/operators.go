package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// maxOrder is how large the body of an order may be, in bytes.
const maxOrder = 16 << 10

// maxExplaining is how many explanations are made at a time: each asks a back-end, which may start a process.
const maxExplaining = 4

// explainTime is how long an explanation may take, waiting for others included.
const explainTime = 20 * time.Second

// An operation is what an operator asks for. User is the name by which the request authenticated itself; it may be empty.
type operation func(r *http.Request, user string) (answer any, err error)

// operator serves an operation to whom may also send alerts, as long as the configuration has something to restart. Reading
// needs the credentials, too: what is held back and why tells an attacker what to break.
func (a *App) operator(do operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		limit := readTimeout
		if r.Method == http.MethodGet { // when it is over net/http takes the one who asks for gone
			limit += explainTime
		}
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(limit)) // see receive
		r.Body = http.MaxBytesReader(w, r.Body, maxOrder)
		answer, code, err := a.operate(w, r, do)
		if err != nil {
			if code == http.StatusTooManyRequests {
				w.Header().Set("Retry-After", strconv.Itoa(int(restart.RetryAfter.Seconds())))
			}
			a.metrics.refuse(refusedOperator)
			a.limits.log.Warn("Refused operator",
				"addr", r.RemoteAddr, "path", printable.Text(r.URL.Path, printable.MaxLog), "status_code", code, "err", err)
			http.Error(w, printable.Text(err.Error(), printable.MaxError), code)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // who asked is gone
	}
}

func (a *App) operate(w http.ResponseWriter, r *http.Request, do operation) (answer any, code int, err error) {
	s := a.snapshot.Load()
	if !a.ready.Load() {
		return nil, http.StatusServiceUnavailable, errors.New("the exporter is stopping")
	}
	if s.Config.Restart == nil {
		return nil, http.StatusNotFound, errors.New("the configuration has no restart section: nothing can be restarted")
	}
	auth := authenticator(&s.Config.Restart.Receiver)
	if code, err := auth.Admit(w, r, a.limits.log); err != nil {
		return nil, code, err
	}
	if r.URL.RawQuery != "" { // such as a duration that would not count
		return nil, http.StatusBadRequest, errors.New("there are no parameters in the URL here, want a JSON object in the body of a POST")
	}
	answer, err = do(r, auth.User(r))
	return answer, statusOf(err), err
}

// statusOf is the status of the answer to an operation that ended with err.
func statusOf(err error) int {
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case err == nil:
		return http.StatusOK
	case tooLarge:
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, restart.ErrUnknownService):
		return http.StatusNotFound
	case errors.Is(err, restart.ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, restart.ErrTooMany):
		return http.StatusTooManyRequests
	default: // it may work later: the state cannot be loaded, the service is being taken away, there is no time
		return http.StatusServiceUnavailable
	}
}

func (a *App) listRestarts(*http.Request, string) (any, error) {
	all := policy.Explanations{Services: a.restarts.Services()}
	for i := range all.Services {
		all.Services[i].Guards = nil
	}
	return all, nil
}

func (a *App) showRestart(r *http.Request, _ string) (any, error) {
	e, err := a.restarts.Service(r.PathValue("service"))
	e.Guards = nil
	return e, err
}

func (a *App) explainRestart(r *http.Request, _ string) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), explainTime)
	defer cancel()
	select {
	case a.explaining <- struct{}{}:
		defer func() { <-a.explaining }()
	case <-ctx.Done():
		return nil, errors.New("too many explanations at once")
	}
	return a.restarts.Explain(ctx, r.PathValue("service"))
}

// A pauseOrder is the body of a pause: how long, or until when.
type pauseOrder struct {
	policy.Operator
	Duration string `json:"duration"`
	Until    string `json:"until"`
}

// end is when the pause ends that is ordered now.
func (o *pauseOrder) end(now time.Time) (time.Time, error) {
	switch {
	case (o.Duration == "") == (o.Until == ""):
		return time.Time{}, fmt.Errorf("%w: want either a duration or until", restart.ErrInvalid)
	case o.Until != "":
		t, err := time.Parse(time.RFC3339, o.Until)
		if err != nil {
			return time.Time{}, fmt.Errorf("%w: until: got %q, want a time such as 2026-12-01T08:00:00Z", restart.ErrInvalid, o.Until)
		}
		return t, nil
	}
	d, err := config.ParseDuration(o.Duration)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: duration: %w", restart.ErrInvalid, err)
	}
	return now.Add(time.Duration(d)), nil
}

func (a *App) pauseRestarts(r *http.Request, user string) (any, error) {
	o := pauseOrder{Operator: policy.Operator{Who: user}}
	if err := decodeOrder(r, &o); err != nil {
		return nil, err
	}
	until, err := o.end(time.Now())
	if err != nil {
		return nil, err
	}
	return a.ordered(r, a.restarts.Pause(r.PathValue("service"), policy.Pause{Until: until, Who: o.Who, Reason: o.Reason}))
}

func (a *App) resumeRestarts(r *http.Request, user string) (any, error) {
	o := policy.Operator{Who: user}
	if err := decodeOrder(r, &o); err != nil {
		return nil, err
	}
	return a.ordered(r, a.restarts.Resume(r.PathValue("service"), o))
}

func (a *App) unlockRestarts(r *http.Request, user string) (any, error) {
	o := policy.Operator{Who: user}
	if err := decodeOrder(r, &o); err != nil {
		return nil, err
	}
	return a.ordered(r, a.restarts.Unlock(r.PathValue("service"), o))
}

// requestRestart answers with the guards, too: they say what holds the restart.
func (a *App) requestRestart(r *http.Request, user string) (any, error) {
	o := policy.Operator{Who: user}
	if err := decodeOrder(r, &o); err != nil {
		return nil, err
	}
	return a.judged(r, a.restarts.Request(r.PathValue("service"), o))
}

// A brakeOrder is the body of a release of the brake.
type brakeOrder struct {
	policy.Operator
	Scope string `json:"scope"`
}

// releaseBrake takes the mass brake off, that of the fleet unless the order names another scope.
func (a *App) releaseBrake(r *http.Request, user string) (any, error) {
	o := brakeOrder{Operator: policy.Operator{Who: user}, Scope: policy.ScopeFleet}
	if err := decodeOrder(r, &o); err != nil {
		return nil, err
	}
	released, err := a.restarts.ReleaseBrake(o.Scope, o.Operator)
	return policy.Release{Scope: o.Scope, Released: released}, err
}

// ordered is the answer to an order: the service as it is then.
func (a *App) ordered(r *http.Request, err error) (any, error) {
	answer, err := a.judged(r, err)
	answer.Guards = nil
	return answer, err
}

// judged is the answer to an order with what every guard says. One that holds and could not be persisted is carried out:
// the answer says so, and that it may not last.
func (a *App) judged(r *http.Request, err error) (policy.Ordered, error) {
	var warning string
	if errors.Is(err, restart.ErrNotPersisted) {
		warning, err = err.Error(), nil
	}
	if err != nil {
		return policy.Ordered{}, err
	}
	e, err := a.restarts.Service(r.PathValue("service"))
	return policy.Ordered{Explanation: e, Warning: warning}, err
}

// decodeOrder reads the body into o, which holds the defaults. No body is an order without details.
func decodeOrder(r *http.Request, o any) error {
	body, err := io.ReadAll(r.Body)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("the order did not arrive in time")
	case err != nil:
		return fmt.Errorf("reading the order: %w", err)
	case len(bytes.TrimSpace(body)) == 0:
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err = d.Decode(o)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field == "" {
		err = fmt.Errorf("got a JSON %s", wrong.Value)
	} else if ok {
		err = fmt.Errorf("%q is a JSON %s, want a string", wrong.Field, wrong.Value)
	}
	if err == nil && d.InputOffset() < int64(len(bytes.TrimRight(body, " \t\r\n"))) {
		err = errors.New("there is something after it")
	}
	if err != nil {
		return fmt.Errorf("%w: want a JSON object: %w", restart.ErrInvalid, err)
	}
	return nil
}
