// Dashcheck checks the dashboards and rules of the mixin, and the queries of its runbooks: what Grafana would show wrongly or not at all, expressions that do
// not parse, and metrics that the exporter does not have. With -prometheus it asks a server for every panel, and wants an
// answer with data.
//
//	dashcheck [-prometheus URL] [-metrics docs/metrics.md] -rules FILE… -runbook FILE… DASHBOARD…
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "dashcheck:", err)
		os.Exit(1)
	}
}

// files are the arguments of a flag that may be repeated.
type files []string

// String implements flag.Value.
func (f *files) String() string { return strings.Join(*f, ",") }

// Set implements flag.Value.
func (f *files) Set(name string) error {
	*f = append(*f, name)
	return nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var rules, pages files
	flags := flag.NewFlagSet("dashcheck", flag.ContinueOnError)
	server := flags.String("prometheus", "", "URL of a Prometheus that has to have data for every panel")
	metrics := flags.String("metrics", "", "the page that documents every metric; without it names are not checked")
	flags.Var(&rules, "rules", "a file with rules; may be repeated")
	flags.Var(&pages, "runbook", "a page with queries for people; may be repeated")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("want the files of dashboards")
	}
	var names Names
	if *metrics != "" {
		text, err := os.ReadFile(*metrics)
		if err != nil {
			return err
		}
		names = Documented(string(text))
	}
	var ruleFiles []RuleFile
	for _, name := range rules {
		f, err := readRules(name)
		if err != nil {
			return err
		}
		names.Record(f)
		ruleFiles = append(ruleFiles, f)
	}
	wrong, err := checkRunbooks(pages, names)
	if err != nil {
		return err
	}
	for _, f := range ruleFiles {
		wrong = append(wrong, f.Check(names)...)
	}
	panels := 0
	for _, name := range flags.Args() {
		d, err := readDashboard(name)
		if err != nil {
			return err
		}
		found := d.Check(names)
		if *server != "" && len(found) == 0 {
			found = d.Ask(ctx, *server, out)
		}
		for _, w := range found {
			wrong = append(wrong, name+": "+w)
		}
		panels += len(d.Panels)
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d findings:\n%s", len(wrong), strings.Join(wrong, "\n"))
	}
	fmt.Fprintf(out, "%d dashboards with %d panels, %d files of rules, %d runbooks: nothing wrong\n", flags.NArg(), panels, len(ruleFiles), len(pages))
	return nil
}
