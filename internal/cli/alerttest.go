package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alerttest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// alertTestOptions are the arguments of the alert-test command.
type alertTestOptions struct {
	Alertmanager exporterOptions
	Exporter     exporterOptions // an empty URL: no exporter is asked
	// Target is a target of the exporter's inventory, whose labels the alert gets. Empty: it gets those of no target.
	Target string
	// Labels are added to the alert and replace those of the target.
	Labels map[string]string
	Wait   time.Duration // for each hop
	Format string        // "text" or "json"
}

func addAlertTest(p *program) {
	var o alertTestOptions
	c := p.Command("alert-test", "Send a test alert through Alertmanager, report how it got through each hop, and end it. It has the label healthcheck_test=\"true\": "+
		"people see that it is a test, and the restart receiver does nothing. Exit status: 0 it came through, 1 a hop failed, 2 usage.")
	o.Labels = map[string]string{}
	c.Flag("alertmanager.url", "URL of Alertmanager.").Default("http://localhost:9093").StringVar(&o.Alertmanager.URL)
	c.Flag("alertmanager.http.config.file", "File with authentication and TLS for Alertmanager.").StringVar(&o.Alertmanager.ClientFile)
	exporterFlags(c, &o.Exporter, &o.Format)
	c.Flag("target", "Target of the exporter's inventory, whose labels the alert gets. Without it the label target is alert-test, and there is no environment.").StringVar(&o.Target)
	c.Flag("label", "Label to add to the alert, such as environment=LIVE; may be repeated. It replaces a label of the target.").PlaceHolder("NAME=VALUE").StringMapVar(&o.Labels)
	c.Flag("wait", "How long to wait at each hop. Notifications are sent after the group_wait of the route.").Default("45s").DurationVar(&o.Wait)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return testAlert(ctx, out, errOut, o) })
}

// testAlert sends a test alert through Alertmanager, reports on out how it got through each hop, and always ends it. It returns
// the exit status.
func testAlert(ctx context.Context, out, errOut io.Writer, o alertTestOptions) int {
	t := alerttest.Options{
		Target: o.Target, Labels: o.Labels, Wait: o.Wait,
		Verdict: func(e *policy.Explanation) string { return verdict(e, time.Local) },
		Tell: func(h alerttest.Hop) {
			if o.Format != formatJSON {
				writeHop(out, h)
			}
		},
	}
	if err := o.connect(&t); err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	defer t.Alertmanager.Close()
	if t.Exporter != nil {
		defer t.Exporter.Close()
	}
	t.Waiting = func(err error) {
		say(errOut, "Alertmanager at %s does not answer yet, waiting for it: %v", t.Alertmanager, err)
	}
	hops, err := alerttest.Run(ctx, t)
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitFailed
	}
	if o.Format == formatJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		_ = e.Encode(map[string]any{"hops": hops}) // errors are ignored, as for every write to out
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(errOut, "interrupted")
		return ExitFailed
	case slices.ContainsFunc(hops, func(h alerttest.Hop) bool { return !h.OK }):
		return ExitFailed
	default:
		return ExitSuccess
	}
}

// connect prepares the requests to both servers. An error is one of usage.
func (o *alertTestOptions) connect(t *alerttest.Options) error {
	if o.Wait <= 0 {
		return fmt.Errorf("--wait is %s, want more than 0", o.Wait)
	}
	var err error
	t.Alertmanager, err = remote.Connect(remote.Options{
		Name: "Alertmanager", Kind: "an Alertmanager", URL: o.Alertmanager.URL, User: "alert-test",
		ClientFile: o.Alertmanager.ClientFile, ClientFlag: "--alertmanager.http.config.file",
	})
	if err != nil {
		return err
	}
	switch {
	case o.Exporter.URL != "":
		t.Exporter, err = o.Exporter.connect("alert-test")
		return err
	case o.Target != "":
		return errors.New("--target asks the exporter for the labels of the target, so it needs --url; or give them by --label")
	default:
		return nil
	}
}

// writeHop writes how the alert got through one hop.
func writeHop(out io.Writer, h alerttest.Hop) {
	mark := "ok    "
	if !h.OK {
		mark = "FAILED"
	}
	fmt.Fprintf(out, "%s  %s\n", mark, h.Name)
	for _, line := range h.Said {
		fmt.Fprintf(out, "        %s\n", oneLine(line))
	}
}
