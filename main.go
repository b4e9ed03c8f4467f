// Command healthcheck_exporter probes HTTP and WebSocket targets for Prometheus, says why a probe failed, and restarts what
// is down if it may.
package main

import (
	"cmp"
	"context"
	_ "embed" // VERSION
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/prometheus/common/version"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/cli"
)

// built is the version of the source, for a build that does not set it.
//
//go:embed VERSION
var built string

func main() {
	version.Version = cmp.Or(version.Version, strings.TrimSpace(built)+"-dev")
	// Nothing of ours uses the standard logger. net/http writes to it what a target sends unasked, which the reason of the
	// probe says already.
	slog.SetDefault(slog.New(slog.DiscardHandler)) //nolint:forbidigo // the standard logger has no other switch
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its edges as parameters; it returns the exit status.
func run(args []string, out, errOut io.Writer) int {
	ctx, cancel := untilSignal()
	defer cancel()
	return cli.Run(ctx, args, out, errOut)
}

// untilSignal is a context that ends with the first signal to end. By then the default holds again: a second signal
// ends the process at once.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
		case <-ctx.Done():
		}
		signal.Stop(signals)
		cancel()
	}()
	return ctx, cancel
}
