package prober

import (
	"bufio"
	"io"
	"net/http"
	"sync"

	"golang.org/x/net/http/httpguts"
)

// An http1Conn sends one request by HTTP/1.1 (RFC 9112). The client of net/http would start two goroutines and keep
// what further requests need, a quarter of the memory of a probe in flight.
type http1Conn struct {
	headReader
	link    *link
	sending sync.WaitGroup // of a request with a body
}

// writeBuffers are not in use by any probe.
var writeBuffers = sync.Pool{New: func() any { return bufio.NewWriter(nil) }}

func newHTTP1Conn(l *link, t *trace) *http1Conn {
	c := &http1Conn{link: l}
	c.open(l, t)
	return c
}

// RoundTrip sends req and returns the head of the response. The body ends with the connection: closing it does nothing.
func (c *http1Conn) RoundTrip(req *http.Request) (*http.Response, error) {
	if via := c.link.proxy; via != nil {
		setProxyAuthorization(req.Header, via)
	}
	if req.Close = !httpguts.HeaderValuesContainsToken(req.Header["Connection"], "Upgrade"); req.Close {
		req.Header.Del("Connection") // such as keep-alive, which would contradict it
	}
	if req.Body == nil || req.Body == http.NoBody {
		c.send(req)
	} else {
		c.sending.Go(func() { c.send(req) }) // a target may answer without reading the body
	}
	resp, err := c.receive(req)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(resp.Body) // its own Close would read the rest
	return resp, nil
}

// send writes a request. A target that has closed the connection may have answered before. The reader must learn of
// everything else that goes wrong, and does because there is nothing more to read.
func (c *http1Conn) send(req *http.Request) {
	out, _ := writeBuffers.Get().(*bufio.Writer)
	out.Reset(c.link.Conn)
	err := c.write(out, req)
	out.Reset(nil)
	writeBuffers.Put(out)
	if err != nil && !c.link.wire.ended.Load() {
		_ = c.link.Close()
	}
}

func (c *http1Conn) write(out *bufio.Writer, req *http.Request) error {
	write := req.Write
	if c.link.proxy != nil {
		write = req.WriteProxy
	}
	if err := write(out); err != nil {
		return err
	}
	return out.Flush()
}

// receive reads the head of the first response that is not interim.
func (c *http1Conn) receive(req *http.Request) (*http.Response, error) {
	if err := c.final(); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(c.in, req)
	if err != nil {
		c.trace.cause = complaintCause(err)
		return nil, err
	}
	c.head = -1
	return resp, nil
}

// Close ends the connection. Nothing may be read after it.
func (c *http1Conn) Close() error {
	c.link.close()
	c.sending.Wait()
	c.release()
	return nil
}
