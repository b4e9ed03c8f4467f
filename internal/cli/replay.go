package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/app"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/journal"
)

// replayOptions are the arguments of the replay command.
type replayOptions struct {
	Dir        string // of the audit log
	ConfigFile string // whose policies to try; empty: those of the records alone
	Format     string // "text" or "json"
}

// A replay is what came of feeding an audit log through the policy again.
type replay struct {
	Records int       `json:"records"`
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"`
	// Skipped are records that cannot be judged: they were cut because of their length, or are no decisions.
	Skipped int `json:"skipped"`
	// Partial is true when the log ends with part of a line.
	Partial bool `json:"partial"`

	Breaks     []audit.Break `json:"chain_breaks"`
	BreakCount int           `json:"chain_break_count"`
	// Differences are the first of DifferenceCount records of which their own policy makes something else.
	Differences     []difference `json:"differences"`
	DifferenceCount int          `json:"difference_count"`

	// Changes are the first of ChangeCount decisions that would be others with the policies of ConfigFile.
	ConfigFile  string       `json:"config_file,omitempty"`
	Changes     []difference `json:"changes"`
	ChangeCount int          `json:"change_count"`
	// Unknown counts the records of services that ConfigFile does not have.
	Unknown int `json:"unknown_services"`

	policies map[string]restart.Policy // nil: no ConfigFile
}

// maxDifferences is how many differences of a kind are kept; all are counted.
const maxDifferences = 100

// A difference is a record of which a policy makes something else.
type difference struct {
	File     string    `json:"file"`
	Line     int       `json:"line"`
	Seq      uint64    `json:"seq"`
	Time     time.Time `json:"time"`
	Service  string    `json:"service"`
	Recorded string    `json:"recorded"`
	Replayed string    `json:"replayed"`
}

// addReplay adds the command to the group restarts.
func addReplay(p *program, group *kingpin.CmdClause) {
	var o replayOptions
	c := group.Command("replay", "Feed an audit log through the policies that wrote it, and with --config.file through those of that file. "+
		"Exit status: 0 the decisions are the same, 1 one differs or the log was changed, 2 usage, or a file cannot be read.")
	c.Arg("dir", "Directory of the audit log.").Required().StringVar(&o.Dir)
	c.Flag("format", "Output format: text or json.").Default(formatText).EnumVar(&o.Format, formatText, formatJSON)
	p.readsConfig(c, &o.ConfigFile)
	p.does(c, func(_ context.Context, out, errOut io.Writer) int { return replayLog(out, errOut, o) })
}

// replayLog feeds the audit log of a directory through the policies that wrote it, and through those of a configuration if
// there is one, and tells on out whether the same comes out. It returns the exit status.
func replayLog(out, errOut io.Writer, o replayOptions) int {
	r := replay{ConfigFile: o.ConfigFile, Breaks: []audit.Break{}, Differences: []difference{}, Changes: []difference{}}
	if o.ConfigFile != "" {
		c, err := config.Options{TimeoutOffset: config.DefaultTimeoutOffset}.Load(o.ConfigFile)
		if err == nil && c.Restart == nil {
			err = fmt.Errorf("%s: there is no restart section, want the policies to try", o.ConfigFile)
		}
		if err != nil {
			fmt.Fprintln(errOut, err)
			return ExitUsage
		}
		r.policies = app.Policies(c)
	}
	if err := r.read(o.Dir); err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	var err error
	if o.Format == formatJSON {
		err = json.NewEncoder(jsonWriter{out}).Encode(r)
	} else {
		r.write(out)
	}
	switch {
	case err != nil:
		fmt.Fprintln(errOut, err)
		return ExitUsage
	case r.BreakCount+r.DifferenceCount+r.ChangeCount > 0:
		return ExitFailed
	default:
		return ExitSuccess
	}
}

// read judges the records of all logs in a directory. Each is a chain of its own.
func (r *replay) read(dir string) error {
	for _, name := range journal.Logs() {
		report, err := audit.Read(dir, name, r.line)
		if err != nil {
			return err
		}
		r.Records += report.Records
		r.BreakCount += report.BreakCount
		r.Partial = r.Partial || report.Partial
		r.Breaks = append(r.Breaks, report.Breaks...)
	}
	if r.Records == 0 && r.BreakCount == 0 {
		return fmt.Errorf("there is no record of an audit log in %q", dir)
	}
	return nil
}

// An auditRecord is a line of the audit log.
type auditRecord struct {
	CutFrom int `json:"cut_from"` // 0: it is whole
	restart.Record
}

// decodeRecord tells whether it could. It does not say why not: that could be part of the record.
func decodeRecord(line []byte) (r auditRecord, ok bool) {
	err := json.Unmarshal(line, &r)
	return r, err == nil
}

// line judges one record.
func (r *replay) line(l audit.Line) error {
	if r.First.IsZero() || l.Time.Before(r.First) {
		r.First = l.Time
	}
	if l.Time.After(r.Last) {
		r.Last = l.Time
	}
	record, ok := decodeRecord(l.JSON)
	if ok && (record.CutFrom > 0 || record.Service == "") {
		r.Skipped++
		return nil
	}
	d := difference{File: l.File, Line: l.Number, Seq: l.Seq, Time: record.Time, Service: record.Service}
	if !ok {
		d.Time, d.Recorded, d.Replayed = l.Time, "a record of another kind", "nothing"
		r.differs(d)
		return nil
	}
	d.Recorded = described(&record.Decision)
	after, decision := record.Replay(record.Policy)
	if what := mismatch(&record.Record, after, decision); what != "" {
		d.Replayed = what
		r.differs(d)
	}
	if r.policies == nil {
		return nil
	}
	p, configured := r.policies[record.Service]
	if !configured {
		r.Unknown++
		return nil
	}
	_, decision = record.Replay(p)
	if changed(&record.Decision, &decision) {
		d.Replayed = described(&decision)
		r.ChangeCount++
		if len(r.Changes) < maxDifferences {
			r.Changes = append(r.Changes, d)
		}
	}
	return nil
}

func (r *replay) differs(d difference) {
	r.DifferenceCount++
	if len(r.Differences) < maxDifferences {
		r.Differences = append(r.Differences, d)
	}
}

// mismatch says what is not as recorded. Empty: all is.
func mismatch(r *restart.Record, after restart.State, d restart.Decision) string {
	switch {
	case changed(&r.Decision, &d):
		return described(&d)
	case !sameJSON(r.Decision, d):
		return described(&d) + ", with other values or limits"
	case !sameJSON(r.After, after):
		return described(&d) + ", and another state"
	default:
		return ""
	}
}

func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return errors.Join(err, err2) == nil && bytes.Equal(x, y)
}

// changed tells whether two decisions lead to something else, whatever their guards have seen on the way.
func changed(a, b *restart.Decision) bool {
	return a.Restart != b.Restart || a.WouldRestart != b.WouldRestart || a.Inspect != b.Inspect || a.Hold != b.Hold || a.Outcome != b.Outcome
}

// described is a decision for people.
func described(d *restart.Decision) string {
	switch {
	case d.Restart:
		return "restart"
	case d.WouldRestart:
		return "would restart"
	case d.Hold != "":
		for _, g := range d.Guards {
			if g.Guard == d.Hold {
				return fmt.Sprintf("held by %s: %s, want %s", d.Hold, oneLine(g.Value), oneLine(g.Limit))
			}
		}
		return "held by " + oneLine(string(d.Hold))
	case d.Outcome != restart.OutcomeNone:
		return oneLine(string(d.Outcome))
	case d.Inspect:
		return "ask the back-end"
	case d.Look:
		return "look once more"
	default:
		return "nothing to decide"
	}
}

func (r *replay) write(out io.Writer) {
	say(out, "%d records from %s to %s", r.Records, r.First.Format(time.RFC3339), r.Last.Format(time.RFC3339))
	if r.Skipped > 0 {
		say(out, "skipped: %d that were cut because of their length, or are no decisions", r.Skipped)
	}
	if r.Partial {
		say(out, "the log ends with part of a line: one that is being written, or of a crash")
	}
	if r.BreakCount == 0 {
		say(out, "chain: whole")
	}
	for _, b := range r.Breaks {
		say(out, "chain: broken at %s:%d: %s", b.File, b.Number, b.Reason)
	}
	more(out, r.BreakCount, len(r.Breaks))
	if r.DifferenceCount == 0 {
		say(out, "replay: the same decisions and states")
	} else {
		say(out, "replay: %d differ, the first at %s", r.DifferenceCount, r.Differences[0].text())
	}
	if r.policies == nil {
		return
	}
	say(out, "with %s: %d decisions would differ", r.ConfigFile, r.ChangeCount)
	for _, d := range r.Changes {
		say(out, "  %s", d.text())
	}
	more(out, r.ChangeCount, len(r.Changes))
	if r.Unknown > 0 {
		say(out, "  not judged: %d of services that it does not have", r.Unknown)
	}
}

// more says how many are not shown.
func more(out io.Writer, all, shown int) {
	if all > shown {
		say(out, "  and %d more", all-shown)
	}
}

func (d *difference) text() string {
	return fmt.Sprintf("%s:%d %s %s: was %q, is %q", d.File, d.Line, d.Time.Format(time.RFC3339), d.Service, d.Recorded, d.Replayed)
}
