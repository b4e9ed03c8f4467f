package app

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/hint"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/history"
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

// config shows the configuration in force, with its secrets masked.
func (a *App) config(w http.ResponseWriter, _ *http.Request) {
	text, err := a.snapshot.Load().Config.YAML()
	if err != nil {
		http.Error(w, fmt.Sprintf("rendering the configuration: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write(text)
}

// hint is what to do about a failed probe of the history, by the module of that name as it is now.
func (a *App) hint(e *history.Entry) string {
	m, _ := a.module(e.Module)
	return hint.For(&e.Result, &m.Config)
}

// logs shows what a probe of the history did.
func (a *App) logs(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.URL.Query().Get("id"), 10, 64)
	if err != nil {
		http.Error(w, "id is not a number; the landing page links to the probes that are kept", http.StatusBadRequest)
		return
	}
	entry, ok := a.history.Get(id)
	if !ok {
		http.Error(w, fmt.Sprintf("probe %d is not kept, or not any more (--history.limit)", id), http.StatusNotFound)
		return
	}
	report := collector.Report{Target: entry.Target, Result: entry.Result, Hint: a.hint(&entry)}
	if m, ok := a.module(entry.Module); ok {
		report.Module = &m
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	collector.WriteReport(w, report)
}
