package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// typeURL is where a type of problem is explained, before its name.
const typeURL = "https://github.com/healthcheck-exporter/healthcheck_exporter/blob/main/docs/api.md#"

// maxErrors is how many errors a Problem lists.
const maxErrors = 100

// A Problem is an error as RFC 9457 has it.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Errors are all that is wrong with what was written, each with where it is.
	Errors []managed.Problem `json:"errors,omitempty"`
	// Current is the target, as a Record, or the channel as it is, where it is not as the request expects. nil: there is none.
	Current any `json:"current,omitempty"`
	// Found is how many targets a request is about that expected another number.
	Found *int `json:"found,omitempty"`

	retryAfter time.Duration
}

// A problemType is a kind of problem. There is a heading for each in docs/api.md.
type problemType struct {
	name   string
	status int
	title  string
}

// The types of problems.
var (
	badRequest       = problemType{"bad_request", http.StatusBadRequest, "The request cannot be understood"}
	unauthenticated  = problemType{"unauthenticated", http.StatusUnauthorized, "Credentials are missing or wrong"}
	forbidden        = problemType{"forbidden", http.StatusForbidden, "The role or the environments do not suffice"}
	readOnly         = problemType{"read_only", http.StatusForbidden, "The configuration does not allow it"}
	notFound         = problemType{"not_found", http.StatusNotFound, "There is no such thing"}
	ownedElsewhere   = problemType{"owned_elsewhere", http.StatusConflict, "The target is from another source"}
	fileChanged      = problemType{"file_changed", http.StatusConflict, "Somebody else has changed the configuration of Alertmanager"}
	inUse            = problemType{"in_use", http.StatusConflict, "The target is in use"}
	unexpectedNumber = problemType{"unexpected_number", http.StatusConflict, "The number of targets is not the expected one"}
	changedMeanwhile = problemType{"changed_meanwhile", http.StatusPreconditionFailed, "It is not as expected"}
	tooLarge         = problemType{"too_large", http.StatusRequestEntityTooLarge, "The body is too large"}
	unsupportedType  = problemType{"unsupported_media_type", http.StatusUnsupportedMediaType, "The body is of a type that is not read here"}
	invalidContent   = problemType{"invalid", http.StatusUnprocessableEntity, "What was sent is not valid"}
	refusedChange    = problemType{"alertmanager_refused", http.StatusUnprocessableEntity, "Alertmanager does not take it"}
	ifMatchRequired  = problemType{"if_match_required", http.StatusPreconditionRequired, "A condition is required"}
	tooMany          = problemType{"too_many", http.StatusTooManyRequests, "There are too many"}
	storeFailed      = problemType{"store", http.StatusServiceUnavailable, "The change could not be kept"}
	unavailable      = problemType{"unavailable", http.StatusServiceUnavailable, "It may work later"}
)

// problemTypes are the types, for those who look one up by its status. The first of a status stands for it.
var problemTypes = []problemType{
	badRequest, unauthenticated, forbidden, readOnly, notFound, unexpectedNumber, ownedElsewhere, inUse, fileChanged, changedMeanwhile,
	tooLarge, unsupportedType, invalidContent, refusedChange, ifMatchRequired, tooMany, unavailable, storeFailed,
}

// problems say of which type an error is. The first that fits counts.
var problems = []struct {
	is   func(error) bool
	kind problemType
}{
	{is(managed.ErrReadOnly), readOnly},
	{is(channels.ErrOff), readOnly},
	{as[*managed.MissingError], notFound},
	{as[*channels.MissingError], notFound},
	{as[*managed.OwnedError], ownedElsewhere},
	{as[*managed.InUseError], inUse},
	{as[*managed.RequiredError], ifMatchRequired},
	{as[*managed.ChangedError], changedMeanwhile},
	{as[*managed.NumberError], unexpectedNumber},
	{as[*unnumberedError], unexpectedNumber},
	{as[*managed.TooManyError], tooMany},
	{as[*managed.InvalidError], invalidContent},
	{as[*managed.StoreError], storeFailed},
	{as[*alertconf.RefusedError], refusedChange},
	{as[*alertconf.MissingError], refusedChange},
	{is(alertconf.ErrFileChanged), fileChanged},
	{func(err error) bool {
		denied, ok := errors.AsType[*access.DeniedError](err)
		return ok && denied.Unauthenticated
	}, unauthenticated},
	{as[*access.DeniedError], forbidden},
	{is(access.ErrCredentials), unauthenticated},
	{as[*query.Error], badRequest},
	{as[*http.MaxBytesError], tooLarge},
}

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// typeOf is the type of an error. What nobody gave one may work later.
func typeOf(err error) problemType {
	for _, p := range problems {
		if p.is(err) {
			return p.kind
		}
	}
	if s, ok := errors.AsType[*StatusError](err); ok {
		for _, t := range problemTypes {
			if t.status == s.Status {
				return t
			}
		}
		return problemType{"", s.Status, http.StatusText(s.Status)}
	}
	return unavailable
}

// problemOf is an error as it is told.
func problemOf(err error) *Problem {
	t := typeOf(err)
	p := &Problem{Type: typeURL + t.name, Title: t.title, Status: t.status, Detail: printable.Text(err.Error(), printable.MaxError)}
	if t.name == "" {
		p.Type = "about:blank" // RFC 9457, section 4.2.1
	}
	if s, ok := errors.AsType[*StatusError](err); ok {
		p.retryAfter = s.RetryAfter
	}
	if many, ok := errors.AsType[*managed.TooManyError](err); ok {
		p.retryAfter = many.RetryAfter
	}
	if changed, ok := errors.AsType[*managed.ChangedError](err); ok && changed.Now.Name != "" {
		p.Current = recordOf(&changed.Now)
	}
	if changed, ok := errors.AsType[*channels.ChangedError](err); ok && changed.Current.Name != "" {
		p.Current = changed.Current
	}
	if number, ok := errors.AsType[*managed.NumberError](err); ok {
		p.Found = &number.Found
	}
	if missing, ok := errors.AsType[*unnumberedError](err); ok {
		p.Found = &missing.found
	}
	if wrong, ok := errors.AsType[*managed.InvalidError](err); ok {
		p.Title = fmt.Sprintf("The %s is not valid", wrong.What)
		for _, e := range wrong.Problems[:min(len(wrong.Problems), maxErrors)] {
			p.Errors = append(p.Errors, managed.Problem{
				Pointer: printable.Text(e.Pointer, printable.MaxError), Detail: printable.Text(e.Detail, printable.MaxError),
			})
		}
		if more := len(wrong.Problems) - maxErrors; more > 0 {
			p.Detail = fmt.Sprintf("%s; %d more are left out", p.Detail, more)
		}
	}
	return p
}

// Fail answers with a Problem.
func Fail(w http.ResponseWriter, err error) {
	p := problemOf(err)
	h := w.Header()
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second))) // rounded up
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // who asked is gone
}
