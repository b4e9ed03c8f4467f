package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"time"

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
