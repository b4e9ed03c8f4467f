package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

// addMaintenance adds the group of commands for work on targets.
func addMaintenance(p *program) {
	group := p.Command("maintenance", "Say that targets are being worked on: nobody is told of them, nothing restarts them, and it does not count against their uptime.")
	var begin, end overlayOptions
	c := group.Command("start", "Begin the maintenance of targets. Example: maintenance start shop --duration=20m --until-healthy. "+
		"Needs a user of role operate. Exit status: 0 it has begun, 1 the exporter refused or did not answer, 2 usage.")
	overlayFlags(c, &begin)
	periodFlags(c, &begin)
	c.Flag("start", "When it begins, in the forms of --until. Default: now.").PlaceHolder("TIME").StringVar(&begin.Start)
	c.Flag("until-healthy", "End it as soon as a target was seen failing and then healthy for a minute.").BoolVar(&begin.UntilHealthy)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int {
		return maintaining.begin(ctx, out, errOut, begin)
	})

	c = group.Command("end", "End the maintenance of targets. Windows of the inventory stay. Exit status: 0 it has ended, 1 the exporter refused or did not answer, 2 usage.")
	overlayFlags(c, &end)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return maintaining.end(ctx, out, errOut, end) })

	var list maintenanceOptions
	c = group.Command("list", "List the targets in maintenance, by whom and until when. Exit status: 0 success, 1 the exporter did not answer, 2 usage.")
	exporterFlags(c, &list.Exporter, &list.Format)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return listMaintenance(ctx, out, errOut, list) })
}

// maintenanceOptions are the arguments of maintenance list.
type maintenanceOptions struct {
	Exporter exporterOptions
	Format   string // "text" or "json"
}

// maintained is what there is to know about the maintenance of a target. All but the period is from GET /api/v1/targets.
type maintained struct {
	Name        string `json:"name"`
	Environment string `json:"environment"`
	Active      bool   `json:"maintenance_active"`
	// Maintenance is the period that a person has set. nil: there is none.
	Maintenance *calendar.Period `json:"maintenance,omitempty"`
}

// listMaintenance lists the targets in maintenance on out. It returns the exit status.
func listMaintenance(ctx context.Context, out, errOut io.Writer, o maintenanceOptions) int {
	s, err := o.Exporter.connect("maintenance")
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	defer s.Close()
	var all struct {
		Targets []maintained `json:"targets"`
	}
	var set struct {
		Maintenances []struct {
			Target string `json:"target"`
			calendar.Period
		} `json:"maintenances"`
	}
	for _, r := range []request{{path: "api/v1/targets", answer: &all}, {path: "api/v1/maintenances?limit=10000", answer: &set}} {
		if exit := r.send(ctx, s, out, errOut); exit != ExitSuccess {
			return exit
		}
	}
	periods := map[string]*calendar.Period{}
	for i := range set.Maintenances {
		periods[set.Maintenances[i].Target] = &set.Maintenances[i].Period
	}
	under := []maintained{}
	for _, t := range all.Targets {
		t.Maintenance = periods[t.Name]
		delete(periods, t.Name)
		if t.Active || t.Maintenance != nil {
			under = append(under, t)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(periods)) { // the target is gone
		under = append(under, maintained{Name: name, Maintenance: periods[name]})
	}
	if o.Format == formatJSON {
		return answerJSON(out, errOut, map[string][]maintained{"targets": under})
	}
	writeMaintenance(out, under, time.Now(), time.Local)
	return ExitSuccess
}

// writeMaintenance writes a table.
func writeMaintenance(out io.Writer, under []maintained, now time.Time, zone *time.Location) {
	if len(under) == 0 {
		fmt.Fprintln(out, "No target is in maintenance.")
		return
	}
	var rows table
	rows.add("NAME", "ENVIRONMENT", "UNTIL", "BY", "REASON")
	for _, t := range under {
		p := t.Maintenance
		if p == nil {
			rows.add(t.Name, t.Environment, "", "a window of the inventory", "")
			continue
		}
		until := clock(p.End, now, zone)
		if p.UntilHealthy {
			until += " or healthy"
		}
		if p.Start.After(now) {
			until = "from " + clock(p.Start, now, zone) + " until " + until
		}
		rows.add(t.Name, t.Environment, until, p.By, p.Reason)
	}
	rows.write(out)
}
