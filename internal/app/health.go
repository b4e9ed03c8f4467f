package app

import (
	"errors"
	"fmt"
	"net/http"
)

func healthy(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "Healthy")
}

// readiness is 503 from the moment that the exporter begins to stop.
func (a *App) readiness(w http.ResponseWriter, _ *http.Request) {
	if !a.ready.Load() {
		http.Error(w, "Not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "Ready")
}

func (a *App) reloadNow(w http.ResponseWriter, _ *http.Request) {
	err := a.Reload() //nolint:contextcheck // whoever asks may go, the reload goes on
	if errors.Is(err, ErrStopped) {
		http.Error(w, "the exporter is stopping", http.StatusServiceUnavailable)
		return
	}
	if err != nil {
		http.Error(w, fmt.Sprintf("the old configuration goes on serving:\n%v", err), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "Reloaded")
}
