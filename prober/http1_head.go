package prober

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
)

// A headReader reads what a target answers by HTTP/1.1, up to the end of the head. It refuses what does not begin as HTTP, more
// than max1xx interim responses, and a head of more than maxResponseHeader bytes.
type headReader struct {
	conn  io.Reader
	trace *trace
	in    *bufio.Reader
	head  int  // bytes of this head so far; -1: the head is complete, and nothing is counted any more
	late  bool // a read ran out of time; the parser says of a partial line only that it is malformed
}

var errLongHead = errors.New("the head of the response is too long")

// readBuffers are not in use by any probe. One is held while a target thinks.
var readBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 2<<10) }}

// open begins to read from conn.
func (h *headReader) open(conn io.Reader, t *trace) {
	h.conn, h.trace = conn, t
	h.in, _ = readBuffers.Get().(*bufio.Reader)
	h.in.Reset(boundedConn{h})
}

// release gives back the buffer. Nothing may be read after it.
func (h *headReader) release() {
	h.in.Reset(nil)
	readBuffers.Put(h.in)
	h.in = nil
}

// final goes to the first response that is not interim (RFC 9110 section 15.2). It does not take 101 for an interim one.
func (h *headReader) final() error {
	for range max1xx + 1 {
		h.head = 0
		if _, err := h.in.Peek(1); err != nil {
			return err
		}
		h.trace.begin()
		if err := beginsAsHTTP(h.in); err != nil {
			h.trace.cause = notHTTPCause(err)
			return err
		}
		if !h.atInterim() {
			return nil
		}
		interim, err := http.ReadResponse(h.in, nil)
		if err != nil {
			h.trace.cause = complaintCause(err)
			return err
		}
		_ = interim.Body.Close() // there is none
		h.trace.firstByte.Store(0)
	}
	return errInterim
}

// atInterim reports whether an interim response comes next. It waits for no more bytes than it needs, because a final
// answer may be short.
func (h *headReader) atInterim() bool {
	const like = "HTTP/1.n 1nn" // n: a digit
	var line []byte
	for i := range len(like) {
		var err error
		line, err = h.in.Peek(i + 1)
		if err != nil {
			return false
		}
		if digit := like[i] == 'n' && '0' <= line[i] && line[i] <= '9'; line[i] != like[i] && !digit {
			return false
		}
	}
	return !bytes.HasSuffix(line, []byte("101"))
}

// A boundedConn is what a headReader reads from.
type boundedConn struct{ *headReader }

func (c boundedConn) Read(b []byte) (int, error) {
	if c.head > maxResponseHeader {
		return 0, errLongHead
	}
	n, err := c.conn.Read(b)
	if c.head >= 0 {
		c.head += n
	}
	c.late = c.late || isTimeout(err)
	return n, err
}
