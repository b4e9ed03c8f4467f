package page

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// statusOf is the status of an answer that tells an error.
func statusOf(err error) int {
	var (
		invalid  *managed.InvalidError
		missing  *managed.MissingError
		owned    *managed.OwnedError
		inUse    *managed.InUseError
		changed  *managed.ChangedError
		required *managed.RequiredError
		tooMany  *managed.TooManyError
		denied   *access.DeniedError
		question *query.Error
		long     *http.MaxBytesError
		unknown  *channels.MissingError
		refused  *alertconf.RefusedError
		lacking  *alertconf.MissingError
		status   interface{ HTTPStatus() int }
	)
	switch {
	case errors.As(err, &status):
		return status.HTTPStatus()
	case errors.As(err, &question):
		return http.StatusBadRequest
	case errors.As(err, &long):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, &invalid):
		return http.StatusUnprocessableEntity
	case errors.As(err, &refused), errors.As(err, &lacking):
		return http.StatusUnprocessableEntity
	case errors.Is(err, managed.ErrReadOnly), errors.Is(err, channels.ErrOff):
		return http.StatusForbidden
	case errors.As(err, &denied) && denied.Unauthenticated:
		return http.StatusUnauthorized
	case errors.As(err, &denied):
		return http.StatusForbidden
	case errors.As(err, &missing), errors.As(err, &unknown):
		return http.StatusNotFound
	case errors.As(err, &owned), errors.As(err, &inUse), errors.Is(err, alertconf.ErrFileChanged):
		return http.StatusConflict
	case errors.As(err, &changed):
		return http.StatusPreconditionFailed
	case errors.As(err, &required):
		return http.StatusPreconditionRequired
	case errors.As(err, &tooMany):
		return http.StatusTooManyRequests
	default:
		return http.StatusServiceUnavailable
	}
}

// Refuse writes a page that says what is wrong with a request. Its path is below the prefix.
func (p *Pages) Refuse(w http.ResponseWriter, r *http.Request, status int, err error) {
	if tooMany, ok := errors.AsType[*managed.TooManyError](err); ok && tooMany.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(tooMany.RetryAfter.Seconds()))))
	}
	p.refuse(w, r, status, rootOf(r), err)
}

// rootOf is the way from the path of a request to the front page.
func rootOf(r *http.Request) string {
	if n := strings.Count(r.URL.EscapedPath(), "/") - 1; n > 0 {
		return strings.Repeat("../", n)
	}
	return "./"
}
