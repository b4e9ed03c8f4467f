// Command slack is a stand-in for Slack on this machine. It prints the URL of an incoming webhook, and then every message that
// arrives, until Ctrl-C.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

func main() { harness.Main("slack", run) }

func run(ctx context.Context) (err error) {
	s, err := fakeslack.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	fmt.Fprintf(os.Stdout, "%s\n\n", s.URL("alerts"))
	shown := 0
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, m := range s.Messages()[shown:] {
			fmt.Fprintf(os.Stdout, "%s\n%s\n\n", m.At.Format(time.TimeOnly), m.Plain())
			shown++
		}
		if err := s.Refused(); err != nil {
			return err
		}
	}
}
