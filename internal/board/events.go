package board

import (
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// defaultEvents is how many events a list has that does not say how many.
const defaultEvents = 100

// EventParameters are the parameters of a query that ParseEvents reads.
func EventParameters() []string {
	return []string{"after", "kind", "limit", "since", "target", "until"}
}

// ParseEvents reads which events a query asks for. What is wrong with it is in the error of p.
func ParseEvents(p *query.Parameters, now time.Time) status.Filter {
	f := status.Filter{
		Target: p.Text("target"), Kind: status.Kind(p.OneOf("kind", status.Kinds()...)),
		Since: p.Since("since", now), Until: p.Since("until", now),
		Before: p.Number("after", 1<<63), Limit: int(p.Number("limit", status.MaxEvents)), //nolint:gosec // it is small
	}
	if f.Limit == 0 {
		f.Limit = defaultEvents
	}
	return f
}
