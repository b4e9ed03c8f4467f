package cli

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/report"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

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
	// The text of messages is left out: it could end up in the log of a CI job.
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
		Subject  string    `json:"subject"` // may be empty; the certificate still has a name in presented
		Issuer   string    `json:"issuer"`
		NotAfter time.Time `json:"not_after"`
		// Presented are the first ten certificates. First is the one that expires first. ChainNotAfter is when the verified chain
		// expires.
		Presented     []jsonCertificate `json:"presented"`
		First         jsonCertificate   `json:"first_to_end"`
		ChainNotAfter *time.Time        `json:"chain_not_after,omitempty"`
	}
	jsonCertificate struct {
		Name     string    `json:"name"`
		NotAfter time.Time `json:"not_after"`
	}
)

func writeJSON(w io.Writer, rep *report.Report) error {
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
