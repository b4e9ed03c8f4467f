package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A result is what came of a play.
type result struct {
	*setting
	wrong   int // restarts that could not help, or disturbed
	missed  bool
	healthy time.Duration // when, since the incident; negative: not within the time of the play
}

// startUp is how long the command of PM2 takes, 0.2 s to 0.5 s: a restart that is ordered this long before the cause is gone may help.
const startUp = 500 * time.Millisecond

// judge counts the restarts that were wrong: in a class that a restart repairs all but the first of each service after
// the cause was gone, in any other all of them.
func judge(s *setting, restarts []restart, healthy time.Duration) result {
	r := result{setting: s, healthy: healthy, missed: s.class.repairable && healthy < 0}
	repaired := map[string]bool{}
	for _, one := range restarts {
		if s.class.repairable && one.at >= s.class.from-startUp && !repaired[one.service] {
			repaired[one.service] = true
			continue
		}
		r.wrong++
	}
	return r
}

func (r *result) text() string {
	text := fmt.Sprintf("%d wrong, healthy after %s", r.wrong, seconds(r.healthy))
	if r.missed {
		text += ", MISSED"
	}
	return text
}

func seconds(d time.Duration) string {
	if d < 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// A row is what came of all plays of a class by an actor.
type row struct {
	class, actor         string
	plays, wrong, missed int
	healthy              []time.Duration
	forgiven             int
}

// rows are in the order of the classes and the actors.
func rows(results []result) (all []row) {
	for _, c := range classes() {
		for _, a := range actors() {
			one := row{class: c.name, actor: a.name}
			for _, r := range results {
				if r.class.name != c.name || r.actor.name != a.name {
					continue
				}
				one.plays++
				one.wrong += r.wrong
				one.forgiven += c.forgiven
				if r.missed {
					one.missed++
				}
				one.healthy = append(one.healthy, r.healthy)
			}
			if one.plays > 0 {
				all = append(all, one)
			}
		}
	}
	return all
}

// failed says what the exporter must not do; empty for anybody else.
func (r *row) failed() string {
	switch {
	case r.actor != actorExporter:
		return ""
	case r.wrong > r.forgiven:
		return "restarted wrongly"
	case r.missed > 0:
		return "missed a repair"
	default:
		return ""
	}
}

// median is the time until healthy of half of the plays; those that never were count as the longest.
func (r *row) median() time.Duration {
	const never = time.Duration(1<<63 - 1)
	all := slices.Clone(r.healthy)
	for i, d := range all {
		if d < 0 {
			all[i] = never
		}
	}
	slices.Sort(all)
	if m := all[len(all)/2]; m != never {
		return m
	}
	return -1
}

// report writes the tables, and reports whether the exporter did well.
func report(out io.Writer, results []result) bool {
	good := true
	total := map[string]*row{}
	fmt.Fprintln(out, "\n| class | actor | plays | wrong restarts | missed | healthy after |\n|---|---|---|---|---|---|")
	for _, r := range rows(results) {
		fmt.Fprintf(out, "| %s | %s | %d | %d | %d | %s |\n", r.class, r.actor, r.plays, r.wrong, r.missed, seconds(r.median()))
		t := total[r.actor]
		if t == nil {
			t = &row{}
			total[r.actor] = t
		}
		t.plays, t.wrong, t.missed = t.plays+r.plays, t.wrong+r.wrong, t.missed+r.missed
	}
	fmt.Fprintln(out, "\n| all | plays | wrong restarts | missed |\n|---|---|---|---|")
	for _, a := range actors() {
		if t := total[a.name]; t != nil {
			fmt.Fprintf(out, "| %s | %d | %d | %d |\n", a.name, t.plays, t.wrong, t.missed)
		}
	}
	for _, r := range rows(results) {
		if why := r.failed(); why != "" {
			good = false
			fmt.Fprintf(out, "\n%s FAILED: the exporter %s\n", strings.ToUpper(r.class), why)
		}
	}
	return good
}
