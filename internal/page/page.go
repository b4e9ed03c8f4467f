// Package page serves what people look at with a browser.
package page

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/history"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// Pages serve the targets, what happened to them, the recent probes, the configuration and the log of a probe.
type Pages struct {
	Board *board.Source
	// Title is how the page calls itself.
	Title   func() string
	History *history.History
	// Hint says what to do about a probe that failed.
	Hint func(*history.Entry) string
	// HintOf says what to do about a target whose last probe by a module failed.
	HintOf func(module string, r *prober.Result) string
	// Report writes what a probe did.
	Report func(io.Writer, *history.Entry)
	// Config is the configuration in force, with its secrets masked.
	Config func() ([]byte, error)
	// Links are where the page of a target leads.
	Links func() config.StatusLinks
	// Services are the names of those that may be restarted if a target is down.
	Services func(target string) []string
	// Standing is what is between a service and its restart. nil: that is not for whoever sent the request.
	Standing func(r *http.Request, service string) *Standing
	// ConfigFile is where the configuration is. Empty: it is the embedded one.
	ConfigFile string
	// Address is where the exporter is reached by whoever sent a request. It ends with a slash.
	Address func(*http.Request) string
	// Health is what the exporter knows of itself and of who asks it.
	Health func() Health
	// Profiling says that the Go profiles are served.
	Profiling bool
	// Live tells the viewers of the list what changes; see [NewLive]. nil: they are not told.
	Live *Live

	// Editing is what people may change. nil: nothing.
	Editing *Editing
	// Channels is who hears of what. nil: nobody can make channels.
	Channels *Channels

	facts atomic.Pointer[facts] // of the last inventory
}

// Probes serves links, a form to try a probe, and the probes that are kept.
func (p *Pages) Probes() http.Handler { return styled(http.HandlerFunc(p.probes)) }

// ShowConfig serves the configuration.
func (p *Pages) ShowConfig(w http.ResponseWriter, _ *http.Request) {
	text, err := p.Config()
	if err != nil {
		http.Error(w, fmt.Sprintf("rendering the configuration: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write(text)
}

// ShowLog serves what the probe did whose id the query has.
func (p *Pages) ShowLog(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.URL.Query().Get("id"), 10, 64)
	if err != nil {
		http.Error(w, "id is not a number; the page of probes links to the probes that are kept", http.StatusBadRequest)
		return
	}
	entry, ok := p.History.Get(id)
	if !ok {
		http.Error(w, fmt.Sprintf("probe %d is not kept, or not any more (--history.limit)", id), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	p.Report(w, &entry)
}
