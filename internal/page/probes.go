package page

import (
	"net/http"
	"strconv"

	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
)

// here makes the links of the page of probes relative: they are right below every prefix, and behind a proxy that
// adds or strips one.
const here = "./"

// probes is the page at /probes: links, a form to try a probe, and the probes that are kept.
func (p *Pages) probes(w http.ResponseWriter, r *http.Request) {
	recent, err := recentProbes(p.History.List(), p.Hint)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	content, err := web.NewLandingPage(web.LandingConfig{
		RoutePrefix: here,
		Name:        "healthcheck_exporter",
		Description: "Health checks for Prometheus: is it up, and if not, why",
		Version:     version.Info(),
		Form: web.LandingForm{Action: "probe", Inputs: []web.LandingFormInput{
			{Label: "Target", Type: "text", Name: "target", Placeholder: "https://example.com/health"},
			{Label: "Module", Type: "text", Name: "module", Placeholder: "http_2xx, or websocket for ws and wss"},
			{Label: "Debug", Type: "text", Name: "debug", Value: "true"},
		}},
		Links: []web.LandingLinks{
			{Address: here, Text: "All targets", Description: "how each is, live"},
			{Address: "metrics", Text: "Metrics", Description: "of the exporter itself"},
			{Address: "api/v1/targets", Text: "Targets", Description: "of the inventory, with what their last probes found"},
			{Address: "api/v1/events", Text: "Events", Description: "what went down, for how long and why, and what was restarted"},
			{Address: "api/v1/summary", Text: "Summary", Description: "how all targets are, in a word"},
			{Address: "sd", Text: "Service discovery", Description: "the same, for Prometheus"},
			{Address: "config", Text: "Configuration", Description: "in force, secrets masked"},
			{Address: "-/healthy", Text: "Health"},
			{Address: "-/ready", Text: "Readiness"},
		},
		ExtraCSS:  recentCSS,
		ExtraHTML: recent,
		Profiling: strconv.FormatBool(p.Profiling),
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	// The page answers for its prefix alone.
	r = r.Clone(r.Context())
	r.URL.Path = here
	content.ServeHTTP(w, r)
}
