package cli

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A report is one probe, for people and scripts.
type report struct {
	Target string // masked
	Module string
	Result prober.Result
	Hint   string // empty: nothing to add
}

// writeText draws the phases as a waterfall, then says the verdict and what to do about it.
func (rep report) writeText(w io.Writer, debug bool) error {
	var b strings.Builder
	r := rep.Result
	say(&b, "%s (module %s)", rep.Target, rep.Module)
	b.WriteString("\n")
	if debug {
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
		refusal(&b, h.Excerpt)
	}
	if w := r.WebSocket; w != nil {
		conversation(&b, w)
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

// refusal writes how the body of a refusal begins, the only place that shows it.
func refusal(b *strings.Builder, excerpt string) {
	if excerpt != "" {
		say(b, "  the body begins %q", excerpt)
	}
}

// conversation writes what both sides of a WebSocket said, the only place that shows it.
func conversation(b *strings.Builder, w *prober.WebSocketResult) {
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
	refusal(b, w.Excerpt)
	messages := 0
	for _, m := range w.Messages {
		direction := "<-"
		if m.Sent {
			direction = "->"
		}
		line := fmt.Sprintf("  %10s  %s %-6s %s", milliseconds(m.At), direction, m.Type, said(m))
		say(b, "%s", strings.TrimRight(line, " "))
		if !m.Sent && (m.Type == prober.TextMessage || m.Type == prober.BinaryMessage) {
			messages++
		}
	}
	if more := w.Received - messages; more > 0 {
		fmt.Fprintf(b, "  %10s  <- and %s more\n", "", count(int64(more), "message"))
	}
}

// said is how a message begins, as far as it was kept.
func said(m prober.Message) string {
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

// cut says how long a message is of which less was kept.
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

// count is a number with its noun.
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

// The JSON form. Durations are seconds; what was not measured is left out.
type (
	jsonReport struct {
		Target   string      `json:"target"`
		Module   string      `json:"module"`
		Success  bool        `json:"success"`
		Reason   string      `json:"reason,omitempty"`
		Phase    string      `json:"failed_phase,omitempty"`
		Error    string      `json:"error,omitempty"`
		Cause    string      `json:"cause,omitempty"`
		Hint     string      `json:"hint,omitempty"`
		Start    time.Time   `json:"start"`
		Duration float64     `json:"duration_seconds"`
		Timeout  float64     `json:"timeout_seconds"`
		Attempts int         `json:"attempts"`
		IP       string      `json:"ip,omitempty"`
		Phases   []jsonPhase `json:"phases"`

		HTTP      *jsonHTTP      `json:"http,omitempty"`
		WebSocket *jsonWebSocket `json:"websocket,omitempty"`
		TLS       *jsonTLS       `json:"tls,omitempty"`
	}
	jsonPhase struct {
		Name     string  `json:"name"`
		Start    float64 `json:"start_seconds"`
		Duration float64 `json:"duration_seconds"`
	}
	jsonHTTP struct {
		URL        string `json:"url"`
		StatusCode int    `json:"status_code"`
		Proto      string `json:"proto"`
		BodyBytes  int64  `json:"body_bytes"`
		Redirects  int    `json:"redirects"`
	}
	// There is no text of a message: it may end up in the log of a CI job.
	jsonWebSocket struct {
		StatusCode  int           `json:"status_code"`
		Upgraded    bool          `json:"upgraded"`
		Subprotocol string        `json:"subprotocol,omitempty"`
		Compressed  bool          `json:"compressed"`
		Received    int           `json:"received_messages"`
		Messages    []jsonMessage `json:"messages"`
		CloseCode   int           `json:"close_code,omitempty"`
	}
	jsonMessage struct {
		At    float64 `json:"at_seconds"`
		Sent  bool    `json:"sent"`
		Type  string  `json:"type"`
		Bytes int     `json:"bytes"`
	}
	jsonTLS struct {
		Version  string    `json:"version,omitempty"`
		Subject  string    `json:"subject"` // empty where the certificate has none: presented has a name
		Issuer   string    `json:"issuer"`
		NotAfter time.Time `json:"not_after"`
		// Presented are all certificates, at most ten; First is the one that ends first, and ChainNotAfter when the verified chain
		// does.
		Presented     []jsonCertificate `json:"presented"`
		First         jsonCertificate   `json:"first_to_end"`
		ChainNotAfter *time.Time        `json:"chain_not_after,omitempty"`
	}
	jsonCertificate struct {
		Name     string    `json:"name"`
		NotAfter time.Time `json:"not_after"`
	}
)

func (rep report) writeJSON(w io.Writer) error {
	r := rep.Result
	j := jsonReport{
		Target: rep.Target, Module: rep.Module, Success: r.Success(), Cause: string(r.Cause), Hint: rep.Hint,
		Reason: string(r.Reason), Phase: string(r.FailedPhase), Start: r.Start.UTC(),
		Duration: r.Duration.Seconds(), Timeout: r.Timeout.Seconds(), Attempts: r.Attempts, Phases: []jsonPhase{},
	}
	if r.Err != nil {
		j.Error = r.Err.Error()
	}
	if r.Resolve != nil {
		j.IP = r.Resolve.Addr.String()
	}
	for _, p := range r.Phases {
		j.Phases = append(j.Phases, jsonPhase{string(p.Name), p.Start.Seconds(), p.Duration.Seconds()})
	}
	if h := r.HTTP; h != nil {
		j.HTTP = &jsonHTTP{h.URL, h.StatusCode, h.Proto, h.BodyBytes, r.Redirects}
	}
	if w := r.WebSocket; w != nil {
		j.WebSocket = &jsonWebSocket{w.StatusCode, w.Upgraded, w.Subprotocol, w.Compressed, w.Received, []jsonMessage{}, w.CloseCode}
		for _, m := range w.Messages {
			j.WebSocket.Messages = append(j.WebSocket.Messages, jsonMessage{m.At.Seconds(), m.Sent, string(m.Type), m.Bytes})
		}
	}
	if t := r.TLS; t != nil && t.Certificates != nil {
		j.TLS = newJSONTLS(t)
	}
	e := json.NewEncoder(jsonWriter{w})
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(j)
}

func newJSONTLS(t *prober.TLSResult) *jsonTLS {
	c := t.Certificates
	j := &jsonTLS{Subject: c.Leaf.Subject, Issuer: c.Leaf.Issuer, NotAfter: c.Leaf.NotAfter.UTC(), First: jsonCertificate{c.First.Name, c.First.NotAfter.UTC()}}
	for _, p := range c.Presented {
		j.Presented = append(j.Presented, jsonCertificate{p.Name, p.NotAfter.UTC()})
	}
	if t.Version != 0 {
		j.Version = tls.VersionName(t.Version)
	}
	if c.Verified {
		at := c.ChainFirst.NotAfter.UTC()
		j.ChainNotAfter = &at
	}
	return j
}
