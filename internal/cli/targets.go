package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
)

// TargetsOptions are the arguments of the targets command.
type TargetsOptions struct {
	URL          string // of the exporter
	ClientFile   string // HTTP client settings, as in every Prometheus component; empty: none
	Environments []string
	Names        []string
	Format       string // "text" or "json"
}

// maxAnswer bounds the answer of the exporter in bytes.
const maxAnswer = 256 << 20

// Targets asks a running exporter for its targets and lists them on out. It returns the exit status.
func Targets(ctx context.Context, out, errOut io.Writer, o TargetsOptions) int {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		fmt.Fprintln(errOut, "the URL of the exporter is not valid, want http://host:port or https://host:port")
		return ExitUsage
	}
	client, err := o.client()
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	defer client.CloseIdleConnections()
	body, err := o.ask(ctx, client, u)
	if err != nil {
		fmt.Fprintf(errOut, "asking %s: %v\n", u.Redacted(), err)
		return ExitFailed
	}
	if o.Format == "json" {
		fmt.Fprintln(out, strings.TrimSpace(string(body)))
		return ExitSuccess
	}
	var all inventory.Statuses
	if err := json.Unmarshal(body, &all); err != nil {
		fmt.Fprintf(errOut, "asking %s: the answer is not that of a healthcheck_exporter: %v\n", u.Redacted(), err)
		return ExitFailed
	}
	writeTargets(out, all.Targets, time.Now())
	return ExitSuccess
}

func (o *TargetsOptions) client() (*http.Client, error) {
	cfg := commonconfig.DefaultHTTPClientConfig
	if o.ClientFile != "" {
		loaded, _, err := commonconfig.LoadHTTPConfigFile(o.ClientFile)
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", o.ClientFile, err)
		}
		cfg = *loaded
	}
	return commonconfig.NewClientFromConfig(cfg, "targets")
}

func (o *TargetsOptions) ask(ctx context.Context, client *http.Client, u *url.URL) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	at := u.JoinPath("api/v1/targets")
	at.RawQuery = url.Values{"environment": o.Environments, "name": o.Names}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
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
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("status %d, want 200", resp.StatusCode)
	default:
		return body, nil
	}
}

// writeTargets writes a table.
func writeTargets(out io.Writer, targets []inventory.Status, now time.Time) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tENVIRONMENT\tSTATE\tREASON\tSINCE\tLATENCY\tSOURCE")
	for _, t := range targets {
		state, since, latency := t.State, "-", "-"
		if t.MaintenanceActive {
			state += ", maintenance"
		}
		if t.Notification == "off" {
			state += ", muted"
		}
		if t.Since != nil {
			since = now.Sub(*t.Since).Truncate(time.Second).String()
		}
		if t.DurationSeconds != nil {
			latency = fmt.Sprintf("%.1f ms", *t.DurationSeconds*1000)
		}
		reason := t.Reason
		if reason == "" {
			reason = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.Name, t.Environment, state, reason, since, latency, t.Source)
	}
	_ = w.Flush() // like every other write to out
}
