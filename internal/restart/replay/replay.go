// Package replay feeds the audit log of restarts through policies again: those that wrote it, and others to see what they would
// have decided.
package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/journal"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// Options say what to replay.
type Options struct {
	Dir string // of the audit log
	// Policies are tried in addition to those of the records, by service. ConfigFile is where they are from. nil: none are tried.
	Policies   map[string]policy.Policy
	ConfigFile string
}

// A Report is the outcome of feeding an audit log through policies again.
type Report struct {
	Records int       `json:"records"`
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"`
	// Skipped counts the records that cannot be judged: they were cut because of their length, or are not decisions.
	Skipped int `json:"skipped"`
	// Partial is true when the log ends with part of a line.
	Partial bool `json:"partial"`

	Breaks     []audit.Break `json:"chain_breaks"`
	BreakCount int           `json:"chain_break_count"`
	// Differences are the first of DifferenceCount records for which their own policy decides something else.
	Differences     []Difference `json:"differences"`
	DifferenceCount int          `json:"difference_count"`

	// ConfigFile has the policies to try. Empty: only those of the records were tried.
	ConfigFile string `json:"config_file,omitempty"`
	// Changes are the first of ChangeCount records for which the policy of ConfigFile decides something else.
	Changes     []Difference `json:"changes"`
	ChangeCount int          `json:"change_count"`
	// Unknown counts the records of services that ConfigFile does not have.
	Unknown int `json:"unknown_services"`
}

// maxDifferences is how many differences of each kind are kept. All of them are counted.
const maxDifferences = 100

// A Difference is a record for which a policy decides something else.
type Difference struct {
	File     string    `json:"file"`
	Line     int       `json:"line"`
	Seq      uint64    `json:"seq"`
	Time     time.Time `json:"time"`
	Service  string    `json:"service"`
	Recorded string    `json:"recorded"`
	Replayed string    `json:"replayed"`
}

// A run is a replay under way.
type run struct {
	Report
	policies map[string]policy.Policy
}

// Run replays an audit log.
func Run(o Options) (*Report, error) {
	r := run{policies: o.Policies, Report: Report{ConfigFile: o.ConfigFile, Breaks: []audit.Break{}, Differences: []Difference{}, Changes: []Difference{}}}
	if err := r.read(o.Dir); err != nil {
		return nil, err
	}
	return &r.Report, nil
}

// Same reports whether the log is unchanged, and every policy decides what is recorded.
func (r *Report) Same() bool { return r.BreakCount+r.DifferenceCount+r.ChangeCount == 0 }

// read judges the records of all logs in a directory. Each log is a chain of its own.
func (r *run) read(dir string) error {
	for _, name := range journal.Logs() {
		report, err := audit.Read(dir, name, r.judge)
		if err != nil {
			return err
		}
		r.Records += report.Records
		r.BreakCount += report.BreakCount
		r.Partial = r.Partial || report.Partial
		r.Breaks = append(r.Breaks, report.Breaks...)
	}
	if r.Records == 0 && r.BreakCount == 0 {
		return fmt.Errorf("%q has no records of an audit log", dir)
	}
	return nil
}

// An auditRecord is a line of the audit log.
type auditRecord struct {
	CutFrom int `json:"cut_from"` // 0: the record is whole
	policy.Record
}

// decodeRecord reports whether the line is a record. It returns no error, because that could repeat parts of the line.
func decodeRecord(text []byte) (r auditRecord, ok bool) {
	err := json.Unmarshal(text, &r)
	return r, err == nil
}

// judge judges one record.
func (r *run) judge(l audit.Line) error {
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
	d := Difference{File: l.File, Line: l.Number, Seq: l.Seq, Time: record.Time, Service: record.Service}
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

func (r *run) differs(d Difference) {
	r.DifferenceCount++
	if len(r.Differences) < maxDifferences {
		r.Differences = append(r.Differences, d)
	}
}

// mismatch says what differs from the record. Empty: nothing does.
func mismatch(r *policy.Record, after policy.State, d policy.Decision) string {
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

// changed reports whether two decisions have different consequences, whatever their guards have seen.
func changed(a, b *policy.Decision) bool {
	return a.Restart != b.Restart || a.WouldRestart != b.WouldRestart || a.Inspect != b.Inspect || a.Hold != b.Hold || a.Outcome != b.Outcome
}

// described is a decision in words.
func described(d *policy.Decision) string {
	switch {
	case d.Restart:
		return "restart"
	case d.WouldRestart:
		return "would restart"
	case d.Hold != "":
		for _, g := range d.Guards {
			if g.Guard == d.Hold {
				return fmt.Sprintf("held by %s: %s, want %s", d.Hold, line(g.Value), line(g.Limit))
			}
		}
		return "held by " + line(string(d.Hold))
	case d.Outcome != policy.OutcomeNone:
		return line(string(d.Outcome))
	case d.Inspect:
		return "ask the back-end"
	case d.Look:
		return "look once more"
	default:
		return "nothing to decide"
	}
}

// line makes a text of the log part of a line.
func line(text string) string { return printable.Line(text, printable.MaxURL) }
