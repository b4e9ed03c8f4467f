package api

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// EventList is the answer of GET /api/v1/events, the newest first.
type EventList struct {
	Events []status.Event `json:"events"`
	// Next is where the list goes on, relative to the path of the request. Empty: this is the end.
	Next string `json:"next,omitempty"`
}

// Events serve what happened to targets and services.
type Events struct {
	Status *status.Tracker
}

// List serves the events that a query asks for.
func (e *Events) List(w http.ResponseWriter, r *http.Request) {
	list, err := e.list(r.URL.Query(), time.Now())
	if err != nil {
		Fail(w, err)
		return
	}
	answerList(w, r, list)
}

func (e *Events) list(values url.Values, now time.Time) (EventList, error) {
	p := query.Of(values)
	p.Only(board.EventParameters()...)
	f := board.ParseEvents(p, now)
	if err := p.Err(); err != nil {
		return EventList{}, err
	}
	found, more := e.Status.Events(f)
	list := EventList{Events: found}
	if list.Events == nil {
		list.Events = []status.Event{}
	}
	if more {
		list.Next = nextOf(values, strconv.FormatUint(found[len(found)-1].ID, 10))
	}
	return list, nil
}
