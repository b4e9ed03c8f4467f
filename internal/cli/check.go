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
		n, err := checkFile(o, file)
		if err != nil {
			fmt.Fprintln(errOut, err)
			status = ExitUsage
			continue
		}
		fmt.Fprintf(out, "%s: ok, modules: %d\n", file, n)
	}
	return status
}

// checkFile also builds what the server would build, and returns the number of modules.
func checkFile(o config.Options, file string) (int, error) {
	c, err := o.Load(file)
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Modules)) {
		if _, err := prober.New(c.Modules[name], c.Probe); err != nil {
			errs = append(errs, fmt.Errorf("%s: modules.%s: %w", file, name, err))
		}
	}
	return len(c.Modules), errors.Join(errs...)
}
