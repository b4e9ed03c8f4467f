package api

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// EventList is the answer of GET /api/v1/events, the newest first.
type EventList struct {
	Events []status.Event `json:"events"`
	// Next is where the list goes on, relative to the path of the request. Empty: this is the end.
	Next string `json:"next,omitempty"`
}

// defaultEvents is how many events a list has that does not say how many.
const defaultEvents = 100

// Events serve what happened to targets and services.
type Events struct {
	Status *status.Tracker
}

// List serves the events that a query asks for.
func (e *Events) List(w http.ResponseWriter, r *http.Request) {
	list, err := e.list(r.URL.Query(), time.Now())
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, list)
}

func (e *Events) list(query url.Values, now time.Time) (EventList, error) {
	p := parameters{query: query}
	p.only("after", "kind", "limit", "since", "target")
	f := status.Filter{
		Target: p.text("target"), Kind: status.Kind(p.oneOf("kind", status.Kinds()...)),
		Since: p.since("since", now), Before: p.number("after", 1<<63), Limit: int(p.number("limit", status.MaxEvents)), //nolint:gosec // it is small
	}
	if p.err != nil {
		return EventList{}, p.err
	}
	if f.Limit == 0 {
		f.Limit = defaultEvents
	}
	found, more := e.Status.Events(f)
	list := EventList{Events: found}
	if list.Events == nil {
		list.Events = []status.Event{}
	}
	if more {
		query.Set("after", strconv.FormatUint(found[len(found)-1].ID, 10))
		list.Next = "?" + query.Encode()
	}
	return list, nil
}
