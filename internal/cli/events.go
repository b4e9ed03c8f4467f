package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// eventsOptions are the arguments of the events command.
type eventsOptions struct {
	Exporter exporterOptions
	Target   string
	Kind     string
	Since    string
	Limit    int
	Format   string // "text" or "json"
}

func addEvents(p *program) {
	var o eventsOptions
	c := p.Command("events", "List what happened to targets and services: what went down, for how long and why, what was restarted and whether that helped. Exit status: 0 success, 1 the exporter did not answer, 2 usage.")
	exporterFlags(c, &o.Exporter, &o.Format)
	c.Flag("target", "Only events of this target.").StringVar(&o.Target)
	c.Flag("kind", "Only events of this kind: state, restart, edit, mute or channel.").EnumVar(&o.Kind, status.Kinds()...)
	c.Flag("since", "Only events since then: a time such as 2026-12-01T08:00:00Z, or how long ago, such as 7d.").Default("7d").StringVar(&o.Since)
	c.Flag("limit", "How many events, the newest first.").Default("100").IntVar(&o.Limit)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return listEvents(ctx, out, errOut, o) })
}

// listEvents lists the events of a running exporter on out. It returns the exit status.
func listEvents(ctx context.Context, out, errOut io.Writer, o eventsOptions) int {
	c, err := o.Exporter.connect("events")
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	defer c.Close()
	query := url.Values{"limit": {strconv.Itoa(o.Limit)}, "since": {o.Since}}
	for name, value := range map[string]string{"target": o.Target, "kind": o.Kind} {
		if value != "" {
			query.Set(name, value)
		}
	}
	var all api.EventList
	r := request{path: "api/v1/events?" + query.Encode(), format: o.Format, answer: &all}
	if exit := r.send(ctx, c, out, errOut); exit != ExitSuccess {
		return exit
	}
	if o.Format != formatJSON {
		writeEvents(out, &all, time.Local)
	}
	return ExitSuccess
}

// writeEvents writes the events as a table.
func writeEvents(out io.Writer, all *api.EventList, zone *time.Location) {
	if len(all.Events) == 0 {
		fmt.Fprintln(out, "Nothing happened in that time, as far as the exporter remembers.")
		return
	}
	var rows table
	rows.add("WHEN", "WHAT", "EVENT", "AFTER")
	for i := range all.Events {
		e := &all.Events[i]
		rows.add(e.At.In(zone).Format(time.DateTime), cmp.Or(e.Target, e.Service, e.Channel), eventOf(e), after(e))
		if text := why(e); text != "" {
			rows.note(text)
		}
	}
	rows.write(out)
	if all.Next != "" {
		fmt.Fprintln(out, "There are older ones: see --limit.")
	}
}

func eventOf(e *status.Event) string {
	var words string
	switch e.Kind {
	case status.KindState:
		words = string(e.State)
	case status.KindRestart:
		words = "restart: " + strings.ReplaceAll(e.Outcome, "_", " ")
	case status.KindEdit, status.KindMute, status.KindChannel:
		words = strings.ReplaceAll(e.Outcome, "_", " ")
	}
	if e.Maintenance {
		words += ", maintenance"
	}
	return words
}

// after is how long the state before lasted.
func after(e *status.Event) string {
	if e.LastedSeconds == nil {
		return "-"
	}
	return time.Duration(*e.LastedSeconds * float64(time.Second)).Round(time.Second).String()
}

// why is the reason of an event, in the words of who found it.
func why(e *status.Event) string {
	switch {
	case e.Kind == status.KindRestart:
		text := "service " + e.Service
		if e.Trigger != "" {
			text += ", asked for by " + strings.ReplaceAll(e.Trigger, "_", " ")
		}
		if e.Detail != "" {
			text += ": " + e.Detail
		}
		return text
	case e.Kind == status.KindEdit, e.Kind == status.KindMute, e.Kind == status.KindChannel:
		return deed(e)
	case e.Error != "":
		return fmt.Sprintf("%s: %s", e.Reason, e.Error)
	default:
		return string(e.Reason)
	}
}

// deed is who did something, why, and until when.
func deed(e *status.Event) string {
	text := "by " + cmp.Or(e.Who, "somebody")
	if !e.Until.IsZero() {
		text += ", until " + e.Until.Format(time.RFC3339)
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}
