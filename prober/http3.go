package prober

import (
	"io"
	"net/http"
	"net/http/httptrace"

	"github.com/quic-go/quic-go/http3"
)

// newHTTP3 speaks HTTP/3 (RFC 9114) on connections that the dialer made before.
func newHTTP3() *http3.Transport {
	return &http3.Transport{DisableCompression: true, MaxResponseHeaderBytes: maxResponseHeader}
}

// An http3Conn sends one request.
type http3Conn struct {
	*http3.ClientConn
	link  *quicLink
	trace *trace
	body  io.Closer // of the response; nil: it has none
}

// RoundTrip sends req and returns the head of the response.
func (c *http3Conn) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == http.NoBody {
		req.Body = nil
	}
	resp, err := c.ClientConn.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), c.trace.client())))
	if err != nil {
		return nil, err
	}
	c.body = resp.Body
	// After an interim response the library does not say when the next one begins.
	c.trace.firstByte.CompareAndSwap(0, int64(c.trace.now()))
	return resp, nil
}

// Close ends the connection and everything that waits for its request.
func (c *http3Conn) Close() error {
	if c.body != nil {
		_ = c.body.Close()
	}
	c.link.close()
	return nil
}
