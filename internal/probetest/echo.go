package probetest

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

// An EchoReply is what Echo answers with, as JSON.
type EchoReply struct {
	Method string `json:"method"`
	// RequestURI is the target of the request line, as it was sent.
	RequestURI string `json:"request_uri"`
	// Proto is the protocol version, such as "HTTP/1.1".
	Proto string `json:"proto"`
	Host  string `json:"host"`
	// Header has no Host and no Transfer-Encoding.
	Header http.Header `json:"header"`
	// ContentLength is -1 if the length of the body was not announced.
	ContentLength int64  `json:"content_length"`
	Body          string `json:"body"`
	// RemoteAddr is the address of the client.
	RemoteAddr string `json:"remote_addr"`
	// ServerName is what the client sent in its TLS server name indication.
	ServerName string `json:"server_name,omitempty"`
}

// Echo starts a server that answers every request with 200 and an EchoReply.
func Echo(t testing.TB) *Server {
	t.Helper()
	return Serve(t, http.HandlerFunc(echo))
}

// EchoTLS is [Echo] over TLS. It offers protos by ALPN, as [TLSServer] does.
func EchoTLS(t testing.TB, cert tls.Certificate, protos ...string) *Server {
	t.Helper()
	return TLSServer(t, cert, http.HandlerFunc(echo), protos...)
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	reply := EchoReply{
		Method: r.Method, RequestURI: r.RequestURI, Proto: r.Proto, Host: r.Host, Header: r.Header,
		ContentLength: r.ContentLength, Body: string(body), RemoteAddr: r.RemoteAddr,
	}
	if r.TLS != nil {
		reply.ServerName = r.TLS.ServerName
	}
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(reply)
}
