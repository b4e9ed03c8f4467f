package api

import (
	"cmp"
	"net/url"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// How many elements a list has that may be asked for in parts.
const (
	defaultLimit = 1000
	maxLimit     = 10_000
)

// A paging is the part of a list, sorted by name, that a query asks for: so many elements, with names greater than after.
type paging struct {
	values url.Values
	after  string
	limit  int
}

func pagingOf(p *query.Parameters, values url.Values) paging {
	return paging{values, p.Text("after"), int(cmp.Or(p.Number("limit", maxLimit), defaultLimit))} //nolint:gosec // it is at most maxLimit
}

// next is where the list goes on after an element, relative to the path of the request.
func (p *paging) next(last string) string { return nextOf(p.values, last) }

func nextOf(values url.Values, last string) string {
	values.Set("after", last)
	return "?" + values.Encode()
}
