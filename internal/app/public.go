package app

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// listenPublic opens the listener of what everybody may see, if there is something. The caller holds mu.
func (a *App) listenPublic() error {
	settings := a.publicStatus()
	if settings == nil {
		return nil
	}
	l, err := net.Listen("tcp", settings.ListenAddress) //nolint:noctx // It does not wait for anything.
	if err != nil {
		return fmt.Errorf("status.public.listen_address: %w", err)
	}
	a.public, a.publicAddress = l, settings.ListenAddress
	a.onStop("the public listener", func(context.Context) error {
		_ = l.Close() // an error unless nobody served it
		return nil
	})
	return nil
}

// servePublic serves what everybody may see. It has bounds of its own, and neither TLS nor authentication.
func (a *App) servePublic() {
	if a.public == nil {
		return
	}
	a.log.Info("Serving to the public", "addr", a.public.Addr())
	a.servers.serve(a.serverOf(a.publicRoutes()), func(s *http.Server) error { return s.Serve(a.limits.connections.forPublic().listen(a.public)) })
}

// publicRoutes are all that everybody may see.
func (a *App) publicRoutes() http.Handler {
	return safely(a.bodiless(a.pages.Public(a.publicStatus, func() { a.metrics.refuse(refusedPublic) })))
}

// publicStatus says what everybody may see; nil if that is nothing.
func (a *App) publicStatus() *config.PublicStatus { return a.current.Load().Config.Status.Public }

// warnOfAddress warns where a configuration wants another public address than the one that is served: it stays as it was at the
// start. The caller holds mu.
func (a *App) warnOfAddress(c *config.Config) {
	wanted := ""
	if c.Status.Public != nil {
		wanted = c.Status.Public.ListenAddress
	}
	if a.stage == stageStarted && wanted != a.publicAddress {
		a.log.Warn("A public address is read only at the start, restart the exporter to change status.public.listen_address", "addr", wanted)
	}
}
