package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// exporterOptions are the flags that say where a server is.
type exporterOptions struct {
	URL        string
	ClientFile string // HTTP client settings, as in every Prometheus component; empty: none
}

// exporterFlags are the flags of every command that asks a running exporter.
func exporterFlags(c *kingpin.CmdClause, e *exporterOptions, format *string) {
	connectionFlags(c, e)
	c.Flag("format", "Output format: text or json.").Default(formatText).EnumVar(format, formatText, formatJSON)
}

// connectionFlags are those of exporterFlags that say where the exporter is.
func connectionFlags(c *kingpin.CmdClause, e *exporterOptions) {
	c.Flag("url", "URL of the exporter.").Envar("HEALTHCHECK_EXPORTER_URL").Default("http://localhost:10115").StringVar(&e.URL)
	c.Flag("http.config.file", "File with authentication and TLS, as for promtool.").Envar("HEALTHCHECK_EXPORTER_HTTP_CONFIG").StringVar(&e.ClientFile)
}

// connect prepares the requests of a command to the exporter; it sends nothing. An error is one of usage.
func (e *exporterOptions) connect(command string) (*remote.Server, error) {
	return remote.Connect(remote.Options{
		Name: "the exporter", Kind: "a healthcheck_exporter", URL: e.URL, User: command, ClientFile: e.ClientFile, ClientFlag: "--http.config.file",
	})
}

// A request is what a command asks the exporter.
type request struct {
	path   string // as in remote.Server.Get
	order  any    // is posted as JSON; nil: the request is a GET
	format string // "json": the answer is written to out as it is
	answer any    // otherwise it is decoded into this
}

// send sends the request. If it fails, send writes the reason to errOut. It returns the exit status.
func (r request) send(ctx context.Context, s *remote.Server, out, errOut io.Writer) int {
	var body []byte
	var err error
	if r.order == nil {
		body, err = s.Get(ctx, r.path)
	} else {
		body, err = s.Post(ctx, r.path, r.order)
	}
	if err == nil && r.format == formatJSON {
		fmt.Fprintln(jsonWriter{out}, strings.TrimSpace(string(body)))
		return ExitSuccess
	}
	if err == nil {
		err = s.Decode(body, r.answer)
	}
	if err != nil {
		say(errOut, "asking %s: %v", s, err)
		complainOf(errOut, err)
		return ExitFailed
	}
	return ExitSuccess
}
