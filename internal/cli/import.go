package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

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
	im := importer.New(importer.Options{Mask: prober.MaskURL, Read: readLists})
	text, err := o.read(im)
	for _, line := range im.Dropped() {
		fmt.Fprintf(errOut, "dropped: %s\n", line)
	}
	for _, line := range im.Changed() {
		fmt.Fprintf(errOut, "changed: %s\n", line)
	}
	switch {
	case err != nil:
		fmt.Fprintln(errOut, err)
		return ExitUsage
	case im.Empty():
		fmt.Fprintln(errOut, "nothing was taken over")
		return ExitFailed
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
	if im.Empty() {
		return nil, nil
	}
	return im.YAML()
}

// readLists reads the files of a pattern that the file from names: a relative one counts from its directory, as for
// Prometheus.
func readLists(from, pattern string) ([][]byte, error) {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(from), pattern)
	}
	names, err := filepath.Glob(pattern)
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("no file is %q", pattern)
	}
	if err != nil {
		return nil, err
	}
	all := make([][]byte, 0, len(names))
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
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
