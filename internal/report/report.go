// Package report draws a probe for people: as a waterfall, with what was said, the verdict and a hint. The command line and the
// page both show it.
package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Report is the outcome of one probe.
type Report struct {
	Target string // masked
	Module string
	Result prober.Result
	Hint   string // empty: nothing to add
	// Steps adds step by step what happened.
	Steps bool
	// Shared leaves out what the target and the probe said to each other, which may hold secrets. The one who runs the probe on
	// the command line may read it, and nobody else.
	Shared bool
}

// maxLine is the longest line, in bytes: an error and what it is about.
const maxLine = printable.MaxError + printable.MaxURL

// say writes one line, whatever the arguments contain.
func say(w io.Writer, format string, args ...any) {
	fmt.Fprintln(w, printable.Text(fmt.Sprintf(format, args...), maxLine))
}

// WriteText draws the phases as a waterfall. Then come the verdict and a hint.
func (rep *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	r := rep.Result
	say(&b, "%s (module %s)", rep.Target, rep.Module)
	b.WriteString("\n")
	if rep.Steps {
		collector.WriteEvents(&b, r)
		b.WriteString("\n")
	}
	waterfall(&b, r)
	if h := r.HTTP; h != nil {
		line := fmt.Sprintf("  %s %d, %s of body", h.Proto, h.StatusCode, count(h.BodyBytes, "byte"))
		if h.URL != rep.Target {
			line += fmt.Sprintf(", %s to %s", count(int64(r.Redirects), "redirect"), h.URL)
		}
		b.WriteString("\n")
		say(&b, "%s", line)
		rep.refusal(&b, h.Excerpt)
	}
	if w := r.WebSocket; w != nil {
		rep.conversation(&b, w)
	}
	if t := r.TLS; t != nil && t.Certificates != nil {
		b.WriteString("\n")
		collector.WriteCertificates(&b, t.Certificates, time.Now())
	}
	b.WriteString("\n")
	if r.Success() {
		b.WriteString("SUCCESS" + attempts(r) + "\n")
	} else {
		say(&b, "FAILED%s: %s in phase %s: %v", attempts(r), r.Reason, r.FailedPhase, r.Err)
	}
	if rep.Hint != "" {
		say(&b, "Hint: %s", rep.Hint)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// refusal writes the beginning of the body of a refusal. No other output shows it.
func (rep *Report) refusal(b *strings.Builder, excerpt string) {
	if excerpt != "" && !rep.Shared {
		say(b, "  the body begins %q", excerpt)
	}
}

// conversation writes the messages of a WebSocket. No other output shows them.
func (rep *Report) conversation(b *strings.Builder, w *prober.WebSocketResult) {
	head := fmt.Sprintf("  status %d", w.StatusCode)
	if w.Upgraded {
		head += ", upgraded"
	}
	if w.Subprotocol != "" {
		head += fmt.Sprintf(", subprotocol %q", w.Subprotocol)
	}
	if w.Compressed {
		head += ", compressed"
	}
	b.WriteString("\n")
	say(b, "%s", head)
	rep.refusal(b, w.Excerpt)
	messages := 0
	for _, m := range w.Messages {
		direction := "<-"
		if m.Sent {
			direction = "->"
		}
		line := fmt.Sprintf("  %10s  %s %-6s %s", milliseconds(m.At), direction, m.Type, rep.said(m))
		say(b, "%s", strings.TrimRight(line, " "))
		if !m.Sent && (m.Type == prober.TextMessage || m.Type == prober.BinaryMessage) {
			messages++
		}
	}
	if more := w.Received - messages; more > 0 {
		fmt.Fprintf(b, "  %10s  <- and %s more\n", "", count(int64(more), "message"))
	}
}

// said returns the part of a message that was kept, or only how long it is.
func (rep *Report) said(m prober.Message) string {
	if rep.Shared {
		return count(int64(m.Bytes), "byte")
	}
	switch m.Type {
	case prober.TextMessage:
		return strconv.Quote(m.Excerpt) + cut(m.Bytes, len(m.Excerpt))
	case prober.BinaryMessage:
		return m.Excerpt + cut(m.Bytes, len(m.Excerpt)/2) // two digits a byte
	case prober.CloseMessage:
		return m.Excerpt
	case prober.PingMessage, prober.PongMessage:
	}
	return ""
}

// cut returns the length of a message that was not kept as a whole.
func cut(bytes, kept int) string {
	if kept >= bytes {
		return ""
	}
	return fmt.Sprintf("... %s in all", count(int64(bytes), "byte"))
}

func attempts(r prober.Result) string {
	if r.Attempts == 1 {
		return ""
	}
	return fmt.Sprintf(" after %d attempts", r.Attempts)
}

// count returns a number with its noun.
func count(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// barWidth is the width of the waterfall in characters.
const barWidth = 40

// waterfall draws when each phase of the last attempt began and how long it took.
func waterfall(b *strings.Builder, r prober.Result) {
	var end time.Duration
	for _, p := range r.Phases {
		end = max(end, p.Start+p.Duration)
	}
	scale := func(d time.Duration) int {
		if end == 0 {
			return 0
		}
		return int(int64(d) * barWidth / int64(end))
	}
	for _, p := range r.Phases {
		from := scale(p.Start)
		bar := strings.Repeat(" ", from) + strings.Repeat("=", max(scale(p.Start+p.Duration)-from, 1))
		say(b, "  %-10s %10s  |%s", p.Name, milliseconds(p.Duration), bar)
	}
	fmt.Fprintf(b, "  %-10s %10s  of %s allowed\n", "total", milliseconds(r.Duration), r.Timeout.Round(time.Millisecond))
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
