package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// An overlay is what a command says of targets for a time.
type overlay struct {
	kind       managed.Kind
	done       string // in the answer, such as "Muted %s"
	collection string // the resource of many targets at once
}

// The overlays.
var (
	muting      = overlay{kind: managed.Mute, done: "Muted %s", collection: "mutes"}
	maintaining = overlay{kind: managed.Maintenance, done: "Maintenance of %s", collection: "maintenances"}
)

// overlayOptions are the arguments of the commands that begin or end an overlay.
type overlayOptions struct {
	Exporter     exporterOptions
	Names        []string
	Environments []string
	Labels       []string // NAME:VALUE
	Expect       int      // how many targets the environments and labels select

	// The following are of the commands that begin one.
	Duration, Until, Start string
	UntilHealthy           bool
	Reason                 string

	Format string // "text" or "json"
}

// overlayFlags are the arguments of every command that begins or ends an overlay.
func overlayFlags(c *kingpin.CmdClause, o *overlayOptions) {
	c.Arg("name", "Name of a target; several may be given.").StringsVar(&o.Names)
	exporterFlags(c, &o.Exporter, &o.Format)
	c.Flag("environment", "All targets of this environment, with --expect; may be repeated.").StringsVar(&o.Environments)
	c.Flag("label", "All targets with this label, with --expect; may be repeated.").PlaceHolder("NAME:VALUE").StringsVar(&o.Labels)
	c.Flag("expect", "How many targets --environment and --label select. If it is another number, nothing changes.").IntVar(&o.Expect)
}

// periodFlags are those of every command that begins an overlay.
func periodFlags(c *kingpin.CmdClause, o *overlayOptions) {
	c.Flag("duration", "For how long, at most 30d, such as 2h.").StringVar(&o.Duration)
	c.Flag("until", "Until then, instead of --duration: 2026-12-01T09:00:00Z, '2026-12-01 09:00' or 09:00, the next one here.").PlaceHolder("TIME").StringVar(&o.Until)
	c.Flag("reason", "Why; others see it.").StringVar(&o.Reason)
}

// check returns what is wrong with what the command is about.
func (o *overlayOptions) check() error {
	many := len(o.Environments)+len(o.Labels) > 0
	switch {
	case len(o.Names) > 0 && (many || o.Expect != 0):
		return errors.New("names are given, and --environment, --label or --expect as well: want either")
	case len(o.Names) > 0:
		return nil
	case !many:
		return errors.New("want the names of targets, or --environment or --label with --expect")
	case o.Expect <= 0:
		return errors.New("--expect is missing: say how many targets this is about, so that a slip does not silence others; `healthcheck_exporter targets` lists them")
	}
	for _, l := range o.Labels {
		if name, _, ok := strings.Cut(l, ":"); !ok || name == "" {
			return fmt.Errorf("--label is %q, want NAME:VALUE", l)
		}
	}
	return nil
}

// A spell is the JSON of an overlay that begins, and of how many targets a change is about.
type spell struct {
	Duration     string     `json:"duration,omitempty"`
	Until        *time.Time `json:"until,omitempty"`
	Start        *time.Time `json:"start,omitempty"`
	UntilHealthy bool       `json:"until_healthy,omitempty"`
	Reason       string     `json:"reason,omitempty"`
	Expect       int        `json:"expect,omitempty"`
}

// spell returns what is asked for, or what is wrong with it.
func (o *overlayOptions) spell(now time.Time) (s spell, err error) {
	s.UntilHealthy, s.Reason, s.Expect = o.UntilHealthy, o.Reason, o.Expect
	if o.Start != "" {
		start, err := moment(o.Start, now)
		if err != nil {
			return s, fmt.Errorf("--start is %w", err)
		}
		s.Start = &start
	}
	switch {
	case (o.Duration == "") == (o.Until == ""):
		return s, errors.New("want either --duration, such as 2h, or --until, such as 09:00")
	case o.Duration != "":
		d, err := config.ParseDuration(o.Duration)
		if err != nil || d == 0 || time.Duration(d) > managed.MaxPeriod {
			return s, fmt.Errorf("--duration is %q, want more than 0 and at most 30d, such as 2h", o.Duration)
		}
		s.Duration = d.String()
	default:
		until, err := moment(o.Until, now)
		if err != nil {
			return s, fmt.Errorf("--until is %w", err)
		}
		if !until.After(now) || until.After(now.Add(managed.MaxPeriod)) {
			return s, fmt.Errorf("--until is %s, want a time within the next 30 days", until.Format(time.RFC3339))
		}
		s.Until = &until
	}
	return s, nil
}

// moment reads a time: of a day, or the next one of the clock. Without a zone it is local.
func moment(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q, want a time such as 2026-12-01T09:00:00Z, '2026-12-01 09:00' or 09:00", text)
	}
	next := time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), 0, 0, now.Location())
	if !next.After(now) {
		next = time.Date(now.Year(), now.Month(), now.Day()+1, t.Hour(), t.Minute(), 0, 0, now.Location())
	}
	return next, nil
}

// begin begins an overlay of the targets. It returns the exit status.
func (l overlay) begin(ctx context.Context, out, errOut io.Writer, o overlayOptions) int {
	s, err := o.spell(time.Now())
	if err == nil {
		err = o.check()
	}
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	return l.send(ctx, out, errOut, &o, http.MethodPut, s)
}

// end ends an overlay of the targets. It returns the exit status.
func (l overlay) end(ctx context.Context, out, errOut io.Writer, o overlayOptions) int {
	if err := o.check(); err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	return l.send(ctx, out, errOut, &o, http.MethodDelete, spell{})
}

func (l overlay) send(ctx context.Context, out, errOut io.Writer, o *overlayOptions, method string, s spell) int {
	server, err := o.Exporter.connect(string(l.kind))
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	defer server.Close()
	if len(o.Names) == 0 {
		query := url.Values{"environment": o.Environments, "label": o.Labels}
		c := change{method: method, value: s, format: o.Format}
		if method == http.MethodDelete { // whose body proxies may drop
			query.Set("expect", strconv.Itoa(o.Expect))
			c.value = nil
		}
		c.path = "api/v1/" + l.collection + "?" + query.Encode()
		return l.sendMany(ctx, out, errOut, server, c)
	}
	exit := ExitSuccess
	for _, name := range o.Names {
		c := change{method: method, path: "api/v1/targets/" + url.PathEscape(name) + "/" + string(l.kind), format: o.Format}
		if method == http.MethodPut {
			c.value = s
		}
		answer, err := c.send(ctx, server, out)
		if err != nil {
			say(errOut, "%s: asking %s: %v", name, server, err)
			complainOf(errOut, err)
			exit = ExitFailed
			if _, answered := errors.AsType[*remote.StatusError](err); !answered { // nor will it answer about the others
				return exit
			}
			continue
		}
		if o.Format != formatJSON {
			l.told(out, method, name, answer.Body)
		}
	}
	return exit
}

// sendMany changes many targets at once.
func (l overlay) sendMany(ctx context.Context, out, errOut io.Writer, server *remote.Server, c change) int {
	answer, err := c.send(ctx, server, out)
	if err != nil {
		say(errOut, "asking %s: %v", server, err)
		complainOf(errOut, err)
		return ExitFailed
	}
	if c.format == formatJSON {
		return ExitSuccess
	}
	var all struct {
		Found   int      `json:"found"`
		Targets []string `json:"targets"`
	}
	if err := server.Decode(answer.Body, &all); err != nil {
		say(errOut, "asking %s: %v", server, err)
		return ExitFailed
	}
	whom := "1 target"
	if all.Found != 1 {
		whom = fmt.Sprintf("%d targets", all.Found)
	}
	l.told(out, c.method, whom, answer.Body)
	if len(all.Targets) > 0 {
		paragraph(out, "  ", "changed: "+strings.Join(all.Targets, ", "))
	}
	return ExitSuccess
}

// told says what has changed.
func (l overlay) told(out io.Writer, method, whom string, body []byte) {
	if method == http.MethodDelete {
		say(out, "%s: the %s has ended.", whom, l.kind)
		return
	}
	var p calendar.Period
	_ = json.Unmarshal(body, &p) // an older or a newer exporter may say less
	text := fmt.Sprintf(l.done, whom)
	now := time.Now()
	if p.Start.After(now) {
		text += " from " + clock(p.Start, now, time.Local)
	}
	if !p.End.IsZero() {
		text += " until " + clock(p.End, now, time.Local)
	}
	if p.UntilHealthy {
		text += ", or until it is healthy again"
	}
	say(out, "%s.", text)
}
