package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/importer"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// importOptions are the arguments of the import command.
type importOptions struct {
	Blackbox, Prometheus, Servers []string // files
}

func addImport(p *program) {
	var o importOptions
	c := p.Command("import", "Write a configuration made of other files to stdout, and what could not be taken over to stderr. Exit status: 0 success, 2 a file cannot be read.")
	c.Flag("blackbox", "Configuration file of blackbox_exporter, for its modules; without one they are those of the default configuration.").StringsVar(&o.Blackbox)
	c.Flag("prometheus", "Configuration file of Prometheus, for the targets of scrape jobs that go through /probe.").StringsVar(&o.Prometheus)
	c.Flag("servers", "JSON list of servers with hostName, host, port, type (2, 3, 4: WebSocket; 1, 6: HTTP), environment and notification.").StringsVar(&o.Servers)
	p.does(c, func(_ context.Context, out, errOut io.Writer) int { return importFiles(out, errOut, o) })
}

// importFiles writes a configuration on out that is made of other files, and on errOut what could not be taken over. It
// returns the exit status.
func importFiles(out, errOut io.Writer, o importOptions) int {
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

func (o *importOptions) read(im *importer.Importer) ([]byte, error) {
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
