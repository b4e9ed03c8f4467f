package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// Check loads each file as the server would and says on out what is in it, or on errOut what is wrong with it.
func Check(out, errOut io.Writer, o config.Options, files []string) int {
	status := ExitSuccess
	for _, file := range files {
		c, err := checkFile(o, file)
		if err != nil {
			fmt.Fprintln(errOut, err)
			status = ExitUsage
			continue
		}
		fmt.Fprintf(out, "%s: ok, %s\n", file, contents(c))
	}
	return status
}

// contents counts what a configuration has: a section that is missing by mistake shows.
func contents(c *config.Config) string {
	text := fmt.Sprintf("modules: %d", len(c.Modules))
	if n := len(c.Targets); n > 0 {
		text += fmt.Sprintf(", targets: %d", n)
	}
	if n := len(c.TargetFiles) + len(c.TargetAPIs); n > 0 {
		text += fmt.Sprintf(", other sources of targets: %d", n)
	}
	if c.Restart != nil {
		text += fmt.Sprintf(", services to restart: %d", len(c.Restart.Services))
	}
	return text
}

// checkFile also builds what the server would build.
func checkFile(o config.Options, file string) (*config.Config, error) {
	c, err := o.Load(file)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Modules)) {
		if _, err := prober.New(c.Modules[name], c.Probe); err != nil {
			errs = append(errs, fmt.Errorf("%s: modules.%s: %w", file, name, err))
		}
	}
	return c, errors.Join(errs...)
}
