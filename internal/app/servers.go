package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// servers are what runs for the listen addresses: a server each, since the toolkit changes the one that it is given.
type servers struct {
	all       []*http.Server
	listeners []net.Listener
	serving   sync.WaitGroup
	failed    chan error // has room for one: the first error of a server
}

// listen opens a listener for every address, or none.
func (s *servers) listen(addresses []string) error {
	for _, address := range addresses {
		l, err := net.Listen("tcp", address) //nolint:noctx // It does not wait for anything.
		if err != nil {
			s.closeListeners()
			s.listeners = nil
			return fmt.Errorf("listening: %w", err)
		}
		s.listeners = append(s.listeners, l)
	}
	return nil
}

// serve runs one server in the background.
func (s *servers) serve(server *http.Server, listenAndServe func(*http.Server) error) {
	s.all = append(s.all, server)
	s.serving.Go(func() {
		if err := listenAndServe(server); err != nil && !errors.Is(err, http.ErrServerClosed) {
			select {
			case s.failed <- fmt.Errorf("serving: %w", err):
			default:
			}
		}
	})
}

// shutdown ends all servers: those whose requests do not end within ctx, by force.
func (s *servers) shutdown(ctx context.Context) error {
	var errs []error
	for _, server := range s.all {
		if err := server.Shutdown(ctx); err != nil {
			errs = append(errs, server.Close())
		}
	}
	s.closeListeners()
	s.serving.Wait()
	return errors.Join(errs...)
}

// closeListeners closes those that no server has closed, for example because it never came to serving.
func (s *servers) closeListeners() {
	for _, l := range s.listeners {
		_ = l.Close() // all but the first time an error
	}
}
