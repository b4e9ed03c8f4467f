package page

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"
)

// sendTime is how long a viewer may take to read what is written to it at a time.
const sendTime = 10 * time.Second

// maxPending is how much is gathered before it is written, in bytes, but for a single event that is longer.
const maxPending = 4 << 10

// endTime is the same for the end of the answer, which is a few bytes.
const endTime = 100 * time.Millisecond

// retryTime is after how long a browser connects again that has lost its stream.
const retryTime = 3 * time.Second

// A stream sends events to a viewer (HTML Living Standard, section 9.2).
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	sent    func(kind string)
	pending []byte
	last    time.Time // when something was written
}

// newStream begins the answer.
func newStream(w http.ResponseWriter, sent func(kind string)) *stream {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would gather the events
	s := &stream{w: w, control: http.NewResponseController(w), sent: sent, last: time.Now()}
	_ = s.control.SetReadDeadline(time.Time{}) // there is nothing more to read, and it ends the request; HTTP/1 and 2 have it
	s.pending = fmt.Appendf(nil, "retry: %d\n\n", retryTime.Milliseconds())
	return s
}

// event adds an event. The id is what the browser names when it connects again; empty: the last one still holds.
func (s *stream) event(ctx context.Context, kind, id string, data ...[]byte) error {
	s.sent(kind)
	b := append(s.pending, "event: "...)
	b = append(b, kind...)
	if id != "" {
		b = append(append(b, "\nid: "...), id...)
	}
	b = append(b, "\ndata: "...)
	for _, part := range data {
		for end := bytes.IndexAny(part, "\r\n"); end >= 0; end = bytes.IndexAny(part, "\r\n") { // either would end the field
			b = append(append(b, part[:end]...), "\ndata: "...)
			part = part[end+1:]
		}
		b = append(b, part...)
	}
	s.pending = append(b, "\n\n"...)
	if len(s.pending) < maxPending {
		return nil
	}
	return s.flush(ctx)
}

// comment adds what a browser ignores, and what keeps open a connection through a proxy.
func (s *stream) comment() { s.pending = append(s.pending, ":\n\n"...) }

// flush writes what was added, unless ctx is done.
func (s *stream) flush(ctx context.Context) error {
	if len(s.pending) == 0 {
		return nil
	}
	if err := s.control.SetWriteDeadline(time.Now().Add(sendTime)); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil { // from here on interrupt has its effect
		return err
	}
	if _, err := s.w.Write(s.pending); err != nil {
		return err
	}
	if err := s.control.Flush(); err != nil {
		return err
	}
	s.last = time.Now()
	s.pending = nil                                // most viewers wait most of the time
	return s.control.SetWriteDeadline(time.Time{}) // one of HTTP/2 ends the stream when it passes, though nothing is written
}

// interrupt ends what is being written as soon as ctx is done. The function that it returns ends the answer, and has to be called
// before the handler returns.
func (s *stream) interrupt(ctx context.Context) (end func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = s.control.SetWriteDeadline(time.Now()) // it fails where writing does
	})
	return func() {
		if !stop() {
			<-done
		}
		_ = s.control.SetWriteDeadline(time.Now().Add(endTime)) // likewise
	}
}
