package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// The output formats.
const (
	formatText = "text"
	formatJSON = "json"
)

// Exporter says where a running exporter is.
type Exporter struct {
	URL        string
	ClientFile string // HTTP client settings, as in every Prometheus component; empty: none
}

// exporterFlags are the flags of every command that asks a running exporter.
func exporterFlags(c *kingpin.CmdClause, e *Exporter, format *string) {
	c.Flag("url", "URL of the exporter.").Envar("HEALTHCHECK_EXPORTER_URL").Default("http://localhost:10115").StringVar(&e.URL)
	c.Flag("http.config.file", "File with authentication and TLS, as for promtool.").Envar("HEALTHCHECK_EXPORTER_HTTP_CONFIG").StringVar(&e.ClientFile)
	c.Flag("format", "Output format: text or json.").Default("text").EnumVar(format, "text", "json")
}

// maxAnswer bounds the answer of the exporter in bytes.
const maxAnswer = 256 << 20

// patience is how long the exporter may take to answer.
const patience = 30 * time.Second

// A connection is to an exporter. Who makes it closes it.
type connection struct {
	base   *url.URL
	client *http.Client
	login  string // the flag that names the file with credentials
	named  bool   // the credentials have a name
}

// connect makes ready to ask; nothing is sent yet. An error is one of usage.
func (e *Exporter) connect(command string) (*connection, error) {
	return connect("the exporter", *e, command, "--http.config.file")
}

// connect is the same for another server that is asked over HTTP.
func connect(what string, e Exporter, command, login string) (*connection, error) {
	u, err := url.Parse(e.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("the URL of %s is not valid, want http://host:port or https://host:port%s", what, config.MeantURL(e.URL))
	}
	cfg := commonconfig.DefaultHTTPClientConfig
	if e.ClientFile != "" {
		loaded, _, err := commonconfig.LoadHTTPConfigFile(e.ClientFile)
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", e.ClientFile, err)
		}
		cfg = *loaded
	}
	client, err := commonconfig.NewClientFromConfig(cfg, command)
	if err != nil {
		return nil, err
	}
	return &connection{base: u, client: client, login: login, named: cfg.BasicAuth != nil}, nil
}

func (c *connection) close() { c.client.CloseIdleConnections() }

// at is the URL of a path of escaped elements.
func (c *connection) at(elements ...string) *url.URL { return c.base.JoinPath(elements...) }

// A question is one request.
type question struct {
	url    *url.URL
	order  any    // JSON that is posted; nil: nothing is, it is a GET
	format string // "json": the answer is copied
	answer any    // where it is decoded otherwise
}

// show asks. It says on errOut what went wrong, if anything did, and returns the exit status.
func (c *connection) show(ctx context.Context, out, errOut io.Writer, q question) int {
	body, err := c.ask(ctx, q)
	if err == nil && q.format == formatJSON {
		fmt.Fprintln(jsonWriter{out}, strings.TrimSpace(string(body)))
		return ExitSuccess
	}
	if err == nil {
		err = decode(body, q.answer)
	}
	if err != nil {
		say(errOut, "asking %s: %v", c.base.Redacted(), err)
		return ExitFailed
	}
	return ExitSuccess
}

// decode decodes an answer of an exporter.
func decode(body []byte, answer any) error {
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("the answer is not that of a healthcheck_exporter: %w", err)
	}
	return nil
}

func (c *connection) ask(ctx context.Context, q question) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := q.request(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err // without the URL
		}
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, &statusError{resp.StatusCode, complaint(resp, body) + "; " + c.login + " names a file that has them"}
	case resp.StatusCode != http.StatusOK:
		return nil, &statusError{resp.StatusCode, complaint(resp, body)}
	default:
		return body, nil
	}
}

// A statusError is an answer other than 200.
type statusError struct {
	code      int
	complaint string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("status %d, want 200%s", e.code, e.complaint)
}

// isStatus tells whether err is an answer with that status.
func isStatus(err error, code int) bool {
	e, ok := errors.AsType[*statusError](err)
	return ok && e.code == code
}

func (q *question) request(ctx context.Context) (*http.Request, error) {
	if q.order == nil {
		return http.NewRequestWithContext(ctx, http.MethodGet, q.url.String(), http.NoBody)
	}
	order, err := json.Marshal(q.order)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, q.url.String(), bytes.NewReader(order))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// complaint is what a refusal says in plain text.
func complaint(resp *http.Response, body []byte) string {
	kind, text := resp.Header.Get("Content-Type"), string(body)
	if strings.HasPrefix(kind, "application/json") && json.Unmarshal(body, &text) == nil { // Alertmanager's is a string
		kind = "text/plain"
	}
	text = oneLine(text)
	if !strings.HasPrefix(kind, "text/plain") || text == "" {
		return ""
	}
	return ": " + text
}
