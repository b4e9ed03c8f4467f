package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// maxHeaderBytes bounds a request's line and headers, and so the targets that the history keeps.
const maxHeaderBytes = 64 << 10

// serve runs one server of its own: the toolkit changes the server that it is given.
func (a *App) serve(listenAndServe func(*http.Server) error) {
	s := &http.Server{
		Handler:           a.routes(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	a.servers = append(a.servers, s)
	a.serving.Go(func() {
		if err := listenAndServe(s); err != nil && !errors.Is(err, http.ErrServerClosed) {
			select {
			case a.failed <- fmt.Errorf("serving: %w", err):
			default:
			}
		}
	})
}
