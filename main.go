// Command healthcheck_exporter probes HTTP and WebSocket targets for Prometheus, says why a probe failed, and restarts what
// is down if it may.
package main

import (
	"cmp"
	"context"
	_ "embed" // VERSION
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/prometheus/common/version"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/cli"
)

// built is the version of the source. It is used by builds that do not set one.
//
//go:embed VERSION
var built string

func main() {
	version.Version = cmp.Or(version.Version, strings.TrimSpace(built)+"-dev")
	// We never use the standard logger. net/http does, for what a target sends unasked, but the reason of the probe says that
	// already.
	slog.SetDefault(slog.New(slog.DiscardHandler)) //nolint:forbidigo // the standard logger has no other switch
	ctx, cancel := untilSignal()
	status := cli.Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	cancel()
	os.Exit(status)
}

// untilSignal returns a context that ends with the first interrupt or SIGTERM. From then on signals have their default effect:
// a second one ends the process at once.
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
