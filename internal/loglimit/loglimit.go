// Package loglimit bounds what can be written to the log by whoever sends requests: one line a second for each message.
package loglimit

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Interval is how far apart two lines with the same message are.
const Interval = time.Second

// maxMessages bounds how many messages are told apart. Messages are constants of the program, so that it is never reached
// by what others send.
const maxMessages = 100

// Suppressed is the key of the attribute that says how many lines were left out.
const Suppressed = "suppressed"

// A Handler passes on the first record with a message at once. What follows within Interval is left out, but for the last
// of it, which is passed on at the end of Interval and says how many others there were. So the end of a burst is told,
// too. Records below the level of warnings are passed on as they come: requests cause none.
type Handler struct {
	next  slog.Handler
	state *state // shared by those with other attributes
}

type state struct {
	mu    sync.Mutex         // protects the following
	kinds map[string]*window // by message
}

// A window is the time after a line.
type window struct {
	last       *held // nil: nothing was left out
	suppressed int   // those before last
}

// held is a record that may be passed on.
type held struct {
	record slog.Record
	next   slog.Handler
}

// New makes a Handler that passes records on to next.
func New(next slog.Handler) *Handler {
	return &Handler{next: next, state: &state{kinds: map[string]*window{}}}
}

// Enabled implements slog.Handler.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{next: h.next.WithAttrs(attrs), state: h.state}
}

// WithGroup implements slog.Handler.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{next: h.next.WithGroup(name), state: h.state}
}

// Handle implements slog.Handler.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn && h.state.hold(r, h.next) { //nolint:contextcheck // the request is over when it is written
		return nil
	}
	return h.next.Handle(ctx, r)
}

// hold reports whether the record has to wait.
func (s *state) hold(r slog.Record, next slog.Handler) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, open := s.kinds[r.Message]
	switch {
	case !open && len(s.kinds) >= maxMessages:
		return true
	case !open:
		s.kinds[r.Message] = &window{}
		time.AfterFunc(Interval, func() { s.end(r.Message) })
		return false
	case w.last != nil:
		w.suppressed++
	}
	w.last = &held{record: r.Clone(), next: next}
	return true
}

// end passes on what is held of a message, and the next Interval begins; or else the message is forgotten.
func (s *state) end(message string) {
	s.mu.Lock()
	last, suppressed := s.kinds[message].last, s.kinds[message].suppressed
	if last == nil {
		delete(s.kinds, message)
		s.mu.Unlock()
		return
	}
	s.kinds[message] = &window{}
	s.mu.Unlock()
	if suppressed > 0 {
		last.record.AddAttrs(slog.Int(Suppressed, suppressed))
	}
	_ = last.next.Handle(context.Background(), last.record) // there is nobody to return it to
	time.AfterFunc(Interval, func() { s.end(message) })
}
