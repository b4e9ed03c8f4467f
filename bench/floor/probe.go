package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

// measured has what one probe measured.
type measured struct {
	success  bool
	start    time.Time
	phases   [6]time.Time // the ends of look-up, connect, TLS, first byte and transfer; of a WebSocket's upgrade, messages and close
	webs     bool
	status   int
	proto    string
	length   int64
	body     int64
	state    *tls.ConnectionState
	finished time.Duration
}

func (m *measured) http(c *http.Client, target string) error {
	m.start = time.Now()
	defer func() { m.finished = time.Since(m.start) }()
	req, err := http.NewRequest(http.MethodGet, target, http.NoBody) //nolint:noctx // it has no deadline
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "floor")
	resp, err := c.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		ConnectStart:         func(string, string) { m.phases[0] = time.Now() },
		ConnectDone:          func(string, string, error) { m.phases[1] = time.Now() },
		TLSHandshakeDone:     func(tls.ConnectionState, error) { m.phases[2] = time.Now() },
		GotFirstResponseByte: func() { m.phases[3] = time.Now() },
	})))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	m.body, err = io.Copy(io.Discard, resp.Body)
	m.phases[4] = time.Now()
	m.status, m.proto, m.length, m.state = resp.StatusCode, resp.Proto, resp.ContentLength, resp.TLS
	return err
}

func (m *measured) webSocket(d *websocket.Dialer, target string) error {
	m.webs, m.start = true, time.Now()
	defer func() { m.finished = time.Since(m.start) }()
	conn, resp, err := d.Dial(target, nil)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // misbehaviour is not handled
	defer resp.Body.Close()
	m.status, m.phases[1] = resp.StatusCode, time.Now()
	if err := conn.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		return err
	}
	if _, _, err := conn.ReadMessage(); err != nil {
		return err
	}
	m.phases[2] = time.Now()
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if err := conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, _, err = conn.NextReader(); websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		err = nil
	}
	m.phases[3] = time.Now()
	return err
}

// write renders what was measured in the text format of Prometheus.
func (m *measured) write(b *bytes.Buffer) {
	gauge := func(name, help string) {
		b.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " gauge\n")
	}
	sample := func(name, labels string, value float64) {
		b.WriteString(name)
		b.WriteString(labels)
		b.WriteByte(' ')
		b.Write(strconv.AppendFloat(b.AvailableBuffer(), value, 'g', -1, 64))
		b.WriteByte('\n')
	}
	one := func(name, help string, value float64) {
		gauge(name, help)
		sample(name, "", value)
	}
	one("probe_attempts", "How many times the target was tried.", 1)
	one("probe_dns_lookup_time_seconds", "How long the first address look-up took.", 0)
	one("probe_duration_seconds", "How long the probe took, all attempts together.", m.finished.Seconds())
	one("probe_ip_addr_hash", "A hash of the address that the probe used, to see when it changes.", 1)
	one("probe_ip_protocol", "The IP version that the probe used, 4 or 6.", 4)
	one("probe_success", "Whether the probe succeeded.", boolean(m.success))
	one("probe_timeout_seconds", "How long the probe was allowed to take.", 10)

	prefix, names := "probe_http", []string{"resolve", "connect", "tls", "processing", "transfer"}
	if m.webs {
		prefix, names = "probe_websocket", []string{"resolve", "connect", "messages", "close"}
	}
	gauge(prefix+"_duration_seconds", "How long each phase took.")
	before := m.start
	for i, name := range names {
		took := 0.0
		if at := m.phases[i]; !at.IsZero() {
			took, before = at.Sub(before).Seconds(), at
		}
		sample(prefix+"_duration_seconds", `{phase="`+name+`"}`, took)
	}
	one(prefix+"_status_code", "The status code of the last response, 0 without one.", float64(m.status))
	if m.webs {
		one("probe_websocket_compressed", "Whether permessage-deflate was negotiated.", 0)
		one("probe_websocket_connection_upgraded", "Whether the opening handshake succeeded.", boolean(m.success))
		one("probe_websocket_failed_due_to_regex", "Whether the query_response failed the probe.", 0)
		one("probe_websocket_received_messages", "How many messages came.", 1)
		return
	}
	version := 1.1
	if m.proto == "HTTP/2.0" {
		version = 2
	}
	one("probe_http_content_length", "The Content-Length of the last response, -1 where it has none.", float64(m.length))
	one("probe_http_redirects", "How many redirects were received.", 0)
	one("probe_http_ssl", "Whether the last response came over TLS.", boolean(m.state != nil))
	one("probe_http_uncompressed_body_length", "How many bytes of body were read, after decompression.", float64(m.body))
	one("probe_http_version", "The HTTP version of the last response.", version)
	one("probe_failed_due_to_regex", "Whether a regular expression on headers or body failed the probe.", 0)
	if m.state == nil {
		return
	}
	leaf := m.state.PeerCertificates[0]
	one("probe_ssl_earliest_cert_expiry", "When the first of the presented certificates expires, in unix time.", float64(leaf.NotAfter.Unix()))
	one("probe_ssl_last_chain_expiry_timestamp_seconds", "When the longest lasting chain expires.", float64(leaf.NotAfter.Unix()))
	gauge("probe_ssl_last_chain_info", "The leaf certificate that was presented.")
	sample("probe_ssl_last_chain_info", `{issuer="`+leaf.Issuer.String()+`",subject="`+leaf.Subject.String()+`",serialnumber="`+leaf.SerialNumber.Text(16)+`"}`, 1)
	gauge("probe_tls_version_info", "The TLS version that was negotiated.")
	sample("probe_tls_version_info", `{version="`+tls.VersionName(m.state.Version)+`"}`, 1)
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
