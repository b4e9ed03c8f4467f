package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/app"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/replay"
)

// replayOptions are the arguments of the replay command.
type replayOptions struct {
	Dir        string // of the audit log
	ConfigFile string // whose policies are tried, too; empty: only those of the records
	// IgnoreForeign leaves out modules of probers that only blackbox_exporter has.
	IgnoreForeign bool
	Format        string // "text" or "json"
}

// addReplay adds the command to the group restarts.
func addReplay(p *program, group *kingpin.CmdClause) {
	var o replayOptions
	c := group.Command("replay", "Replay an audit log through the policies that wrote it and, with --config.file, through those of that file. "+
		"Exit status: 0 the decisions are the same, 1 one differs or the log was changed, 2 usage, or a file cannot be read.")
	c.Arg("dir", "Directory of the audit log.").Required().StringVar(&o.Dir)
	c.Flag("format", "Output format: text or json.").Default(formatText).EnumVar(&o.Format, formatText, formatJSON)
	ignoresForeign(c, &o.IgnoreForeign)
	p.readsConfig(c, &o.ConfigFile)
	p.does(c, func(_ context.Context, out, errOut io.Writer) int { return replayLog(out, errOut, o) })
}

// replayLog feeds the audit log of a directory through the policies that wrote it and, if there is a configuration, through its
// policies. It reports the differences on out and returns the exit status.
func replayLog(out, errOut io.Writer, o replayOptions) int {
	again := replay.Options{Dir: o.Dir, ConfigFile: o.ConfigFile}
	if o.ConfigFile != "" {
		c, err := config.Options{TimeoutOffset: config.DefaultTimeoutOffset, IgnoreForeignModules: o.IgnoreForeign}.Load(o.ConfigFile)
		if err == nil && c.Restart == nil {
			err = fmt.Errorf("%s has no restart section, want the policies to try", o.ConfigFile)
		}
		if err != nil {
			fmt.Fprintln(errOut, err)
			return ExitUsage
		}
		again.Policies = app.Policies(c)
	}
	r, err := replay.Run(again)
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	if o.Format == formatJSON {
		err = json.NewEncoder(jsonWriter{out}).Encode(r)
	} else {
		writeReplay(out, r)
	}
	switch {
	case err != nil:
		fmt.Fprintln(errOut, err)
		return ExitUsage
	case !r.Same():
		return ExitFailed
	default:
		return ExitSuccess
	}
}

// writeReplay writes the outcome of a replay.
func writeReplay(out io.Writer, r *replay.Report) {
	say(out, "%d records from %s to %s", r.Records, r.First.Format(time.RFC3339), r.Last.Format(time.RFC3339))
	if r.Skipped > 0 {
		say(out, "skipped: %d that were cut because of their length, or are not decisions", r.Skipped)
	}
	if r.Partial {
		say(out, "the log ends in the middle of a line, which is still being written or was cut off by a crash")
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
		say(out, "replay: %d differ, the first at %s", r.DifferenceCount, differenceText(&r.Differences[0]))
	}
	if r.ConfigFile == "" {
		return
	}
	say(out, "with %s: decisions that would differ: %d", r.ConfigFile, r.ChangeCount)
	for i := range r.Changes {
		say(out, "  %s", differenceText(&r.Changes[i]))
	}
	more(out, r.ChangeCount, len(r.Changes))
	if r.Unknown > 0 {
		say(out, "  not judged: %d of services that it does not have", r.Unknown)
	}
}

// more writes how many are not shown.
func more(out io.Writer, all, shown int) {
	if all > shown {
		say(out, "  and %d more", all-shown)
	}
}

func differenceText(d *replay.Difference) string {
	return fmt.Sprintf("%s:%d %s %s: was %q, is %q", d.File, d.Line, d.Time.Format(time.RFC3339), d.Service, d.Recorded, d.Replayed)
}
