package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/importer"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// ImportOptions are the arguments of the import command.
type ImportOptions struct {
	Blackbox, Prometheus, Servers []string // files
}

// Import writes a configuration on out that is made of other files, and on errOut what could not be taken over. It
// returns the exit status.
func Import(out, errOut io.Writer, o ImportOptions) int {
	if len(o.Blackbox)+len(o.Prometheus)+len(o.Servers) == 0 {
		fmt.Fprintln(errOut, "nothing to import, want --blackbox, --prometheus or --servers with a file")
		return ExitUsage
	}
	im := importer.New(prober.MaskURL)
	text, err := o.read(im)
	for _, line := range im.Dropped() {
		fmt.Fprintf(errOut, "dropped: %s\n", line)
	}
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	_, _ = out.Write(text) // like every other write to out
	return ExitSuccess
}

func (o *ImportOptions) read(im *importer.Importer) ([]byte, error) {
	if err := take(o.Blackbox, im.Blackbox); err != nil {
		return nil, err
	}
	if err := im.DefaultModules(); err != nil {
		return nil, err
	}
	if err := take(o.Prometheus, im.Prometheus); err != nil {
		return nil, err
	}
	if err := take(o.Servers, im.Servers); err != nil {
		return nil, err
	}
	return im.YAML()
}

// take reads files.
func take(files []string, f func(name string, data []byte) error) error {
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading: %w", err)
		}
		if err := f(file, data); err != nil {
			return err
		}
	}
	return nil
}
