package prober

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"sync"

	"golang.org/x/net/http/httpguts"
)

// An http1Conn sends one request by HTTP/1.1 (RFC 9112). The client of net/http would start two goroutines and keep
// what further requests need, a quarter of the memory of a probe in flight.
type http1Conn struct {
	link    *link
	trace   *trace
	in      *bufio.Reader
	head    int            // bytes read so far; -1: the head is complete, and nothing is counted any more
	sending sync.WaitGroup // of a request with a body
}

var errLongHead = errors.New("the head of the response is too long")

// Buffers that no probe is using.
var (
	readBuffers  = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 2<<10) }} // held while a target thinks
	writeBuffers = sync.Pool{New: func() any { return bufio.NewWriter(nil) }}
)

func newHTTP1Conn(l *link, t *trace) *http1Conn {
	c := &http1Conn{link: l, trace: t}
	c.in, _ = readBuffers.Get().(*bufio.Reader)
	c.in.Reset(boundedResponse{c})
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

// receive reads the head of the first response that is not interim (RFC 9110 section 15.2). It does not take 101 for an
// interim one.
func (c *http1Conn) receive(req *http.Request) (*http.Response, error) {
	for range max1xx + 1 {
		c.head = 0
		if _, err := c.in.Peek(1); err != nil {
			return nil, err
		}
		c.trace.begin()
		if err := beginsAsHTTP(c.in); err != nil {
			c.trace.cause = notHTTPCause(err)
			return nil, err
		}
		resp, err := http.ReadResponse(c.in, req)
		switch {
		case err != nil:
			c.trace.cause = complaintCause(err)
			return nil, err
		case resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols:
			c.head = -1
			return resp, nil
		}
		c.trace.firstByte.Store(0)
	}
	return nil, errInterim
}

// A boundedResponse is what an http1Conn reads from.
type boundedResponse struct{ *http1Conn }

func (r boundedResponse) Read(b []byte) (int, error) {
	if r.head > maxResponseHeader {
		return 0, errLongHead
	}
	n, err := r.link.Read(b)
	if r.head >= 0 {
		r.head += n
	}
	return n, err
}

// Close ends the connection. Nothing may be read after it.
func (c *http1Conn) Close() error {
	c.link.close()
	c.sending.Wait()
	c.in.Reset(nil)
	readBuffers.Put(c.in)
	c.in = nil
	return nil
}
