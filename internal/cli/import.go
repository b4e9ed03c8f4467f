package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/importer"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// importOptions are the arguments of the import command.
type importOptions struct {
	Blackbox, Prometheus, Servers, Gatus, UptimeKuma, Upptime []string // files; of Gatus also directories
	// SecretsDir is where passwords and tokens of monitors are put. Empty: they stand in the configuration.
	SecretsDir string
}

func addImport(p *program) {
	var o importOptions
	c := p.Command("import", "Make a configuration from the files of other programs and write it to stdout; what could not be taken over goes to stderr. Exit status: 0 success, 1 nothing was taken over, 2 a file cannot be read.")
	c.Flag("blackbox", "Configuration file of blackbox_exporter, for its modules. Default: the modules of the embedded configuration.").StringsVar(&o.Blackbox)
	c.Flag("prometheus", "Configuration file of Prometheus, for the targets of scrape jobs that go through /probe.").StringsVar(&o.Prometheus)
	c.Flag("servers", "JSON list of servers with hostName, host, port, type (2, 3, 4: WebSocket; 1, 6: HTTP), environment and notification.").StringsVar(&o.Servers)
	c.Flag("gatus", "Configuration of Gatus: a file, or a directory with several. Environment variables in it are replaced.").StringsVar(&o.Gatus)
	c.Flag("uptime-kuma", "Backup of Uptime Kuma, as JSON.").StringsVar(&o.UptimeKuma)
	c.Flag("upptime", "The .upptimerc.yml of Upptime. Secrets ($NAME) are taken from environment variables.").StringsVar(&o.Upptime)
	c.Flag("secrets-dir", "Directory for a file with each password, token and key of Gatus, Uptime Kuma and Upptime. Default: they stand in the configuration.").StringVar(&o.SecretsDir)
	p.does(c, func(_ context.Context, out, errOut io.Writer) int { return importFiles(out, errOut, o) })
}

// importFiles makes a configuration from other files and writes it to out, and to errOut what could not be taken over. It
// returns the exit status.
func importFiles(out, errOut io.Writer, o importOptions) int {
	all := slices.Concat(o.Blackbox, o.Prometheus, o.Servers, o.Gatus, o.UptimeKuma, o.Upptime)
	if slices.Contains(all, "") { // such as --gatus=$UNSET
		fmt.Fprintln(errOut, "the name of a file is empty, want --blackbox, --prometheus, --servers, --gatus, --uptime-kuma and --upptime with a file")
		return ExitUsage
	}
	if len(all) == 0 {
		fmt.Fprintln(errOut, "nothing to import, want --blackbox, --prometheus, --servers, --gatus, --uptime-kuma or --upptime with a file")
		return ExitUsage
	}
	options := importer.Options{Mask: prober.MaskURL, Read: readLists, Env: os.LookupEnv}
	if o.SecretsDir != "" {
		options.Keep = o.keep
	}
	im := importer.New(options)
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
	gatus, err := gatusFiles(o.Gatus)
	if err != nil {
		return nil, err
	}
	for _, kind := range []struct {
		files []string
		take  func(name string, data []byte) error
		named bool // whether it may name modules of ours
	}{
		{o.Blackbox, im.Blackbox, false},
		{o.Prometheus, im.Prometheus, true},
		{o.Servers, im.Servers, true},
		{gatus, im.Gatus, false},
		{o.UptimeKuma, im.UptimeKuma, false},
		{o.Upptime, im.Upptime, false},
	} {
		if kind.named && len(kind.files) > 0 {
			if err := im.DefaultModules(); err != nil {
				return nil, err
			}
		}
		if err := take(kind.files, kind.take); err != nil {
			return nil, err
		}
	}
	if err := im.DefaultModules(); err != nil {
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
		data, err := readFile(file)
		if err != nil {
			return err
		}
		if err := f(file, data); err != nil {
			return err
		}
	}
	return nil
}

// maxImport is how long a file may be.
const maxImport = 32 << 20

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(file, maxImport+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading: %w", err)
	case len(data) > maxImport:
		return nil, fmt.Errorf("reading %q: it has more than %d MiB", name, maxImport>>20)
	}
	return data, nil
}

// gatusFiles replaces each directory by the files that Gatus would read in it: *.yaml and *.yml, also in directories below, but
// none in one whose name has "..", which Kubernetes makes.
func gatusFiles(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("reading: %w", err)
		}
		if !info.IsDir() {
			files = append(files, name)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
			below := strings.TrimPrefix(path, name)
			switch ext := filepath.Ext(path); {
			case err != nil:
				return err
			case !entry.IsDir() && (ext == ".yaml" || ext == ".yml") && !strings.Contains(below, ".."):
				files = append(files, path)
			}
			return nil
		})
		if err == nil && len(files) == before {
			err = fmt.Errorf("%q has no *.yaml and no *.yml", name)
		}
		if err != nil {
			return nil, fmt.Errorf("reading: %w", err)
		}
	}
	return files, nil
}
