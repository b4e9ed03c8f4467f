package app

import (
	"log/slog"
	"net/http"
	"time"
)

// maxHeaderBytes bounds a request's line and headers, and so the targets that the history keeps.
const maxHeaderBytes = 64 << 10

// readTimeout is how long a request may take to arrive.
const readTimeout = 10 * time.Second

// headerTimeout is how long the line and headers of a request may take to arrive; the body has until readTimeout.
const headerTimeout = 10 * time.Second

// idleTimeout is how long a connection stays open without a request.
const idleTimeout = 2 * time.Minute

// profileTime is how long a profile may be written: a trace is while it is made.
const profileTime = 10 * time.Minute

// maxStreams is how many requests a connection may have at a time by HTTP/2.
const maxStreams = 100

// pingAfter is how long one of HTTP/2 may be silent before it is asked for a sign of life.
const pingAfter = 30 * time.Second

// pingTimeout is how long that sign may take.
const pingTimeout = 15 * time.Second

// server is a server within the bounds. ReadTimeout ends with the request's body, so that it does not end a probe. There is
// no WriteTimeout, which would: conn bounds the time of an answer from its first byte.
func (a *App) server() *http.Server { return a.serverOf(a.routes()) }

// serverOf is server for other routes.
func (a *App) serverOf(routes http.Handler) *http.Server {
	return &http.Server{
		Handler:           handled(routes),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnContext:       connContext,
		ConnState:         connState,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      pingAfter,
			PingTimeout:          pingTimeout,
			WriteByteTimeout:     answerTime,
		},
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
}

// bodiless refuses a body where none is read. Its sender could let the server wait for it.
func (a *App) bodiless(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.ContentLength != 0 {
			a.metrics.refuse(refusedBody)
			_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // net/http would read what follows
			w.Header().Set("Connection", "close")
			http.Error(w, "a "+r.Method+" has no body here", http.StatusBadRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// profiled gives a profile the time that it takes to be written.
func profiled(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(profileTime)) // a short one does without
		h(w, r)
	}
}
