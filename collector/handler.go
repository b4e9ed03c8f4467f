package collector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Module is a configured way to probe, ready for use.
type Module struct {
	Name   string
	Config config.Module
	Prober prober.Prober
}

// A Probe is a finished probe, as it is passed to the function that Begin of a [Handler] returned.
type Probe struct {
	Module string
	// Target is the name of the inventory's target. It is empty if the target was given by its URL.
	Target string
	// Request is the target as asked for: mask its URL before showing it.
	Request prober.Request
	Result  prober.Result
	// OwnTimeout is how long the target itself may take, whatever the caller asked for; Result.Timeout is what it got.
	OwnTimeout time.Duration
	// Quiet is that of the target at the beginning or at the end.
	Quiet Quiet
	// Abandoned is true if the client went away before the end. The Result then says nothing about the target.
	Abandoned bool
}

// A Rejection says why a query was not probed, from a closed list.
type Rejection string

// The closed list of rejections.
const (
	RejectedModule   Rejection = "unknown_module"
	RejectedTarget   Rejection = "invalid_target"
	RejectedHostname Rejection = "invalid_hostname"
	RejectedName     Rejection = "unknown_name"
	RejectedConflict Rejection = "conflicting_parameters"
	// RejectedSelection is for /probe/all: too many targets, or an invalid parameter.
	RejectedSelection Rejection = "invalid_selection"
	// RejectedBusy is for /probe/all: too many scrapes at once.
	RejectedBusy Rejection = "busy"
)

// Rejections lists every Rejection.
func Rejections() []Rejection {
	return []Rejection{RejectedModule, RejectedTarget, RejectedHostname, RejectedName, RejectedConflict, RejectedSelection, RejectedBusy}
}

// A Handler serves GET /probe: one probe per request. A failed probe is answered with 200 and probe_success 0. A query
// that names nothing to probe, or what must not be probed, is answered with 400. A target that is not a URL is a failed
// probe, as with blackbox_exporter, because an alert on probe_success would miss a scrape that fails instead.
type Handler struct {
	// Module finds a module of the current configuration.
	Module func(name string) (Module, bool)
	// Modules lists the names of all modules, sorted.
	Modules func() []string
	// Foreign returns the prober of a module that was left out of the configuration because this exporter does not have that
	// prober, or an empty text. It may be nil.
	Foreign func(name string) string
	// Target finds a target of the inventory. It is nil if there is no inventory.
	Target func(name string) (Target, bool)
	// Permit is asked about a target without a name, which was given by its URL. It returns what to probe, which may be
	// a target of the inventory, or says why nothing may be probed. If it is nil, everything is permitted.
	Permit func(Target) (Target, error)
	// Offset is subtracted from the scrape timeout; see [Timeout].
	Offset time.Duration
	// Begin is called before every probe. The function that it returns is called when the probe is over. It must be set.
	Begin func() (end func(Probe))
	// Reject is told why a query was refused. It must be set.
	Reject func(Rejection)
	// Hint says what to do about a failed probe. It may be nil.
	Hint func(*prober.Result, *config.Module) string
	// ByURL bounds how many targets that were given by their URL are probed at the same time. Each takes a file
	// descriptor, and the inventory needs some. If it is nil there is no bound.
	ByURL chan struct{}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	t, err := h.parse(query, r.URL.RawQuery)
	if err != nil {
		if re, ok := errors.AsType[*rejectedError](err); ok {
			h.Reject(re.rejection)
		}
		http.Error(w, printable.Text(err.Error(), printable.MaxError), http.StatusBadRequest)
		return
	}
	result, quiet := h.probe(r, t)
	if query.Get("name") == "" {
		quiet = Quiet{} // nobody knows whether its series have the name, too
	}
	if query.Get("debug") == "true" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		rep := Report{Target: prober.MaskURL(t.Request.URL), Module: &t.Module, Result: result, Quiet: quiet}
		if h.Hint != nil {
			rep.Hint = h.Hint(&result, &t.Module.Config)
		}
		for _, note := range notes(query) {
			line := printable.Text(note, printable.MaxURL)
			fmt.Fprintf(w, "Note: %s\n", line)
		}
		WriteReport(w, rep)
		return
	}
	serve(w, r, query, &Collector{Module: t.Module.Config, Result: result, Quiet: quiet})
}

func (h *Handler) probe(r *http.Request, t *Target) (prober.Result, Quiet) {
	timeout := Timeout(r.Header.Get(ScrapeTimeoutHeader), time.Duration(t.Module.Config.Timeout), h.Offset, prober.DefaultTimeout)
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	end := h.Begin()
	before := t.quiet()
	result := h.inTurn(ctx, t)
	result.Timeout = timeout // exactly, and not what was left when the probe began
	quiet := before.or(t.quiet())
	end(Probe{
		Module:     t.Module.Name,
		Target:     t.Name,
		Request:    t.Request,
		Result:     result,
		OwnTimeout: t.Module.Config.TimeoutOr(prober.DefaultTimeout),
		Quiet:      quiet,
		Abandoned:  r.Context().Err() != nil,
	})
	return result, quiet
}

// inTurn probes when there is room. If that takes too long the exporter is at fault, not the target.
func (h *Handler) inTurn(ctx context.Context, t *Target) prober.Result {
	if h.ByURL == nil || t.Name != "" {
		return t.Module.Prober.Probe(ctx, t.Request)
	}
	select {
	case h.ByURL <- struct{}{}:
		defer func() { <-h.ByURL }()
		if d, _ := ctx.Deadline(); time.Now().Before(d) { // otherwise there was room at the very end
			return t.Module.Prober.Probe(ctx, t.Request)
		}
	case <-ctx.Done():
	}
	err := fmt.Errorf("waiting for its turn took too long: %d targets are probed by their URL at the same time, as many as the limit of open files allows", cap(h.ByURL))
	return prober.Refuse(prober.ReasonLocalResource, err).Probe(ctx, t.Request)
}

// A rejectedError is an error of the query.
type rejectedError struct {
	rejection Rejection
	text      string
}

func (e *rejectedError) Error() string { return e.text }

// parse finds what a query asks for. It returns a pointer because a Target is large and the stack of a probe small.
func (h *Handler) parse(query url.Values, raw string) (*Target, error) {
	if query.Get("name") != "" {
		return h.named(query)
	}
	target := targetParam(raw)
	name := query.Get("module")
	if name == "" {
		name = config.DefaultModuleFor(target)
	}
	m, ok := h.Module(name)
	if !ok {
		return nil, h.unknownModule(name)
	}
	u, err := prober.ParseTarget(target, m.Config.Prober)
	switch {
	case target == "":
		return nil, &rejectedError{RejectedTarget, err.Error() + "; use /probe?target=URL&module=NAME"}
	case err != nil:
		m.Prober = prober.Refuse(prober.ReasonTargetForbidden, err)
		return &Target{Module: m, Request: prober.Request{URL: &url.URL{Opaque: prober.Mask}}}, nil
	}
	hostname := query.Get("hostname")
	if err := CheckHostname(hostname, m.Config); err != nil {
		return nil, &rejectedError{RejectedHostname, err.Error()}
	}
	if err := m.Config.CheckCredentials(u, hostname); err != nil {
		return nil, &rejectedError{RejectedTarget, err.Error()}
	}
	return h.permitted(&Target{Module: m, Request: prober.Request{URL: u, Hostname: hostname}}), nil
}

// maxNotes is how many notes about a query are written.
const maxNotes = 5

// parameters are those that /probe knows.
var parameters = map[string]bool{"target": true, "module": true, "hostname": true, "name": true, "debug": true}

// notes say which parts of a query are ignored, for people who write one by hand.
func notes(query url.Values) []string {
	const encode = "if it belongs to the target, encode & as %26"
	var all []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case len(all) == maxNotes:
			return all
		case !parameters[name]:
			all = append(all, fmt.Sprintf("the parameter %q is not known and was left aside: %s", printable.Cut(name, printable.MaxLog), encode))
		case len(query[name]) > 1:
			all = append(all, fmt.Sprintf("a second %s was left aside: %s", name, encode))
		}
	}
	return all
}

// targetParam finds the target in a raw query. A value with "://" and without an encoded "?" was not encoded by its
// sender, and is taken byte for byte. Any other is decoded once. A "+" stays a plus, since a URL has no spaces.
func targetParam(rawQuery string) string {
	for pair := range strings.SplitSeq(rawQuery, "&") {
		value, ok := strings.CutPrefix(pair, "target=")
		if !ok {
			continue
		}
		if strings.Contains(value, "://") && !encodedQuery(value) {
			return value
		}
		if decoded, err := url.PathUnescape(value); err == nil {
			return decoded
		}
		return value
	}
	return ""
}

// encodedQuery reports whether the "?" of a target is percent-encoded. Then the rest must be encoded, too.
func encodedQuery(value string) bool {
	return !strings.Contains(value, "?") && strings.Contains(strings.ToLower(value), "%3f")
}

// CheckHostname refuses what cannot be a Host header, and a name that contradicts the module's. An empty name is
// accepted.
func CheckHostname(hostname string, m config.Module) error {
	if hostname == "" {
		return nil
	}
	if !prober.ValidHost(hostname) {
		return fmt.Errorf("hostname %q is not a host name; use a name or an address, with or without a port", hostname)
	}
	if value := m.Host(); value != "" && value != hostname {
		return fmt.Errorf("hostname %q contradicts the Host header %q of the module; leave out one of the two", hostname, value)
	}
	return nil
}
