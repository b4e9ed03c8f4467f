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
	c := p.Command("import", "Make a configuration from the files of other programs and write it to stdout; what could not be taken over goes to stderr. Exit status: 0 success, 1 nothing was taken over, 2 a file cannot be read.")
	c.Flag("blackbox", "Configuration file of blackbox_exporter, for its modules. Default: the modules of the embedded configuration.").StringsVar(&o.Blackbox)
	c.Flag("prometheus", "Configuration file of Prometheus, for the targets of scrape jobs that go through /probe.").StringsVar(&o.Prometheus)
	c.Flag("servers", "JSON list of servers with hostName, host, port, type (2, 3, 4: WebSocket; 1, 6: HTTP), environment and notification.").StringsVar(&o.Servers)
	p.does(c, func(_ context.Context, out, errOut io.Writer) int { return importFiles(out, errOut, o) })
}

// importFiles makes a configuration from other files and writes it to out, and to errOut what could not be taken over. It
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
	_, _ = out.Write(text) // errors are ignored, as for every write to out
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

// readLists reads the files that match a pattern in the file from. A relative pattern is relative to the directory of that
// file, as it is for Prometheus.
func readLists(from, pattern string) ([][]byte, error) {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(from), pattern)
	}
	names, err := filepath.Glob(pattern)
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("no file matches %q", pattern)
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

// take reads each file and hands it to f.
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
