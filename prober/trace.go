package prober

import (
	"errors"
	"log/slog"
	"net/http/httptrace"
	"net/textproto"
	"sync/atomic"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// trace notes what happens during one attempt. Only firstByte may be set from another goroutine.
type trace struct {
	start  time.Time
	phases []Phase
	events []Event
	left   int // events beyond maxEvents

	// cause is why an answer could not be read; CauseNone if there was no such answer, or it is not known why.
	cause Cause

	// firstByte is when the current response began, in nanoseconds since start; 0: not yet.
	firstByte atomic.Int64
}

func newTrace() *trace {
	return &trace{start: time.Now(), phases: make([]Phase, 0, 6), events: make([]Event, 0, 8)}
}

// now is the time since the attempt began.
func (t *trace) now() time.Duration { return time.Since(t.start) }

// phase notes that a phase which began at from has ended now.
func (t *trace) phase(name PhaseName, from time.Duration) {
	t.span(name, from, t.now())
}

func (t *trace) span(name PhaseName, from, to time.Duration) {
	t.phases = append(t.phases, Phase{Name: name, Start: from, Duration: to - from})
}

// maxEvents is how many events of an attempt are kept. A probe that follows the most redirects has fewer.
const maxEvents = 100

// event notes that something happened. The attributes must hold no secret; their texts are cut.
func (t *trace) event(message string, attrs ...slog.Attr) {
	if len(t.events) == maxEvents {
		t.left++
		return
	}
	for i, a := range attrs {
		if a.Value.Kind() == slog.KindString {
			attrs[i].Value = slog.StringValue(printable.Text(a.Value.String(), printable.MaxURL))
		}
	}
	t.events = append(t.events, Event{At: t.now(), Message: message, Attrs: attrs})
}

// all are the events, with one that counts those that were left out.
func (t *trace) all() []Event {
	if t.left == 0 {
		return t.events
	}
	return append(t.events, Event{At: t.now(), Message: "Left out further events", Attrs: []slog.Attr{slog.Int("events", t.left)}})
}

// max1xx is how many interim responses (RFC 9110 section 15.2) are waited through.
const max1xx = 5

var errInterim = errors.New("too many interim responses")

// begin notes that the current response begins now, unless it has begun.
func (t *trace) begin() { t.firstByte.CompareAndSwap(0, max(int64(t.now()), 1)) }

// client makes net/http note when the response begins, from a goroutine of its own. Interim responses do not count.
func (t *trace) client() *httptrace.ClientTrace {
	interim := 0
	return &httptrace.ClientTrace{
		GotFirstResponseByte: t.begin,
		Got1xxResponse: func(int, textproto.MIMEHeader) error {
			interim++
			if interim > max1xx {
				return errInterim
			}
			t.firstByte.Store(0)
			return nil
		},
	}
}
