package app

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/history"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

//go:embed recent.html
var recentHTML string

var recentTemplate = template.Must(template.New("recent").Funcs(template.FuncMap{
	"milliseconds": func(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) },
}).Parse(recentHTML))

// recentCSS makes rows of one line that one can follow with the eye.
const recentCSS = `
#recent { border-collapse: collapse; }
#recent th { text-align: left; }
#recent th, #recent td { padding: 0.2rem 1rem 0.2rem 0; border-bottom: 1px solid #ddd; }
#recent td:nth-child(4) { text-align: right; }
#recent td:nth-child(4), #recent td:nth-child(5) { white-space: nowrap; }
`

// maxRecent bounds the table of the probes in bytes. What a page escapes is up to six times as long.
const maxRecent = 200 << 10

// recentProbes is the table of the probes that are kept, or of as many of the newest as have room.
func recentProbes(all []history.Entry, advise func(*history.Entry) string) (string, error) {
	var rows, row strings.Builder
	shown := 0
	for i := range all {
		e := &all[i]
		row.Reset()
		err := recentTemplate.ExecuteTemplate(&row, "row", recentProbe{
			Entry: e, Module: printable.Text(e.Module, printable.MaxLog), Target: printable.Text(e.Target, printable.MaxURL),
			Error: errorText(e.Result.Err), Hint: printable.Text(advise(e), printable.MaxURL),
		})
		if err != nil {
			return "", err
		}
		if rows.Len()+row.Len() > maxRecent {
			break
		}
		rows.WriteString(row.String())
		shown++
	}
	if shown == 0 {
		return "", nil
	}
	var table strings.Builder
	err := recentTemplate.Execute(&table, struct {
		Rows template.HTML
		More int
	}{template.HTML(rows.String()), len(all) - shown}) //nolint:gosec // the template has escaped them
	return table.String(), err
}

// A recentProbe is a row.
type recentProbe struct {
	*history.Entry
	Module, Target, Error, Hint string
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return printable.Text(err.Error(), printable.MaxURL)
}

// here makes the links of the landing page relative: they are right below every prefix, and behind a proxy that
// adds or strips one.
const here = "./"

// landing is the page at /: links, a form to try a probe, and the probes that are kept.
func (a *App) landing(w http.ResponseWriter, r *http.Request) {
	recent, err := recentProbes(a.history.List(), a.hint)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	page, err := web.NewLandingPage(web.LandingConfig{
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
			{Address: "metrics", Text: "Metrics", Description: "of the exporter itself"},
			{Address: "api/v1/targets", Text: "Targets", Description: "of the inventory, with what their last probes found"},
			{Address: "sd", Text: "Service discovery", Description: "the same, for Prometheus"},
			{Address: "config", Text: "Configuration", Description: "in force, secrets masked"},
			{Address: "-/healthy", Text: "Health"},
			{Address: "-/ready", Text: "Readiness"},
		},
		ExtraCSS:  recentCSS,
		ExtraHTML: recent,
		Profiling: strconv.FormatBool(a.opts.EnablePprof),
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	// The page answers for its prefix alone.
	r = r.Clone(r.Context())
	r.URL.Path = here
	page.ServeHTTP(w, r)
}
