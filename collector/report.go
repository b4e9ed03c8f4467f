package collector

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Report is everything about one probe, for people.
type Report struct {
	Target string // masked
	// Module is nil if the configuration no longer has it.
	Module *Module
	Result prober.Result
	Quiet  Quiet
	// Hint is what to do about a failure; it may be empty.
	Hint string
}

// WriteReport renders a report as text: what happened, the metrics, and the module with its secrets masked. It does not
// matter if the reader of w is gone.
func WriteReport(w io.Writer, rep Report) {
	var b strings.Builder
	line(&b, "Probe of %s at %s", rep.Target, rep.Result.Start.UTC().Format(time.RFC3339Nano))
	b.WriteString("\n")
	WriteEvents(&b, rep.Result)
	if t := rep.Result.TLS; t != nil && t.Certificates != nil {
		WriteCertificates(&b, t.Certificates, time.Now())
	}
	if rep.Hint != "" {
		line(&b, "Hint: %s", rep.Hint)
	}
	if rep.Module != nil {
		writeModule(&b, &rep)
	}
	_, _ = io.WriteString(w, b.String())
}

func writeModule(b *strings.Builder, rep *Report) {
	m := rep.Module
	b.WriteString("\nMetrics that would have been returned:\n")
	if err := writeMetrics(b, &Collector{Module: m.Config, Result: rep.Result, Quiet: rep.Quiet}); err != nil {
		fmt.Fprintf(b, "gathering metrics: %v\n", err)
	}
	fmt.Fprintf(b, "\nModule %q:\n", m.Name)
	text, err := m.Config.YAML()
	if err != nil {
		fmt.Fprintf(b, "rendering the module: %v\n", err)
	}
	b.Write(text)
}

// WriteEvents renders what happened, one line for each event, and the verdict.
func WriteEvents(w io.Writer, r prober.Result) {
	var b strings.Builder
	if r.Attempts > 1 {
		fmt.Fprintf(&b, "%d attempts; this is the last one.\n", r.Attempts)
	}
	for _, e := range r.Events {
		line(&b, "%10s  %s%s", milliseconds(e.At), e.Message, attributes(e.Attrs))
	}
	if r.Success() {
		line(&b, "%10s  Probe succeeded", milliseconds(r.Duration))
	} else {
		line(&b, "%10s  Probe failed in phase %s: %s: %v", milliseconds(r.Duration), r.FailedPhase, r.Reason, r.Err)
	}
	_, _ = io.WriteString(w, b.String())
}

// maxLine bounds a line of a report in bytes. The longest event has several texts of printable.MaxURL.
const maxLine = 4 * printable.MaxURL

// line writes exactly one line, whatever it holds.
func line(b *strings.Builder, format string, args ...any) {
	b.WriteString(printable.Text(fmt.Sprintf(format, args...), maxLine) + "\n")
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.3fms", float64(d)/float64(time.Millisecond))
}

func attributes(attrs []slog.Attr) string {
	var b strings.Builder
	for _, a := range attrs {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
	}
	return b.String()
}

func writeMetrics(w io.Writer, c *Collector) error {
	e := c.exposition()
	defer e.release()
	text, err := e.encode(expfmt.NewFormat(expfmt.TypeTextPlain), nil)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}
