package harness

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// Table shows the seconds from the failure to each step, with a line for each outage and lines that sum them up.
func Table(outages []*Outage) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(first string, cell func(step string) time.Duration) {
		fmt.Fprintf(w, "%s\t", first)
		for _, step := range Steps() {
			fmt.Fprintf(w, "%.2f\t", cell(step).Seconds())
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "seconds from the failure to\t%s\t\n", strings.Join(Steps(), "\t"))
	for i, o := range outages {
		line(fmt.Sprintf("run %d", i+1), func(step string) time.Duration { return o.After[step] })
	}
	if len(outages) > 1 {
		for _, s := range statistics {
			line(s.name, func(step string) time.Duration { return s.of(outages, step) })
		}
	}
	_ = w.Flush() // writing to a strings.Builder does not fail
	return b.String()
}

var statistics = []struct {
	name string
	of   func(outages []*Outage, step string) time.Duration
}{
	{"min", func(outages []*Outage, step string) time.Duration {
		least := outages[0].After[step]
		for _, o := range outages {
			least = min(least, o.After[step])
		}
		return least
	}},
	{"mean", func(outages []*Outage, step string) time.Duration {
		var sum time.Duration
		for _, o := range outages {
			sum += o.After[step]
		}
		return sum / time.Duration(len(outages))
	}},
	{"max", func(outages []*Outage, step string) time.Duration {
		var most time.Duration
		for _, o := range outages {
			most = max(most, o.After[step])
		}
		return most
	}},
}
