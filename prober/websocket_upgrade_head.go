package prober

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"time"
)

// A headConn is a connection until the answer to the upgrade was read; then it is just a buffer. Until then it leaves out
// interim responses, and ends after the head of any answer but 101, because the body of a refusal is of no interest and
// may have no end, and after too long a head, which has no bound in the WebSocket library.
type headConn struct {
	net.Conn
	in    *bufio.Reader
	out   bytes.Buffer // the request, until it is sent
	over  bool         // from now on it is just the connection
	final bool         // the interim responses are over

	complete bool   // the head goes on, and its lines are completed by completeDeflate
	within   bool   // the next byte is not the first of its line
	line     []byte // what of a line was not handed on yet

	read    int // bytes so far
	skipped int // how many of them are interim responses
	tail    []byte
	code    []byte                  // the beginning of the status line
	body    bool                    // the head is complete, and not that of a 101
	spare   int                     // how many bytes of the body of a refusal are still wanted
	wanted  func(status string) int // how many are, of an answer with this status
	late    bool                    // a read ran out of time; of a partial line the parser says only that it is malformed
}

func newHeadConn(c net.Conn, wanted func(status string) int) *headConn {
	h := &headConn{Conn: c, wanted: wanted}
	h.in, _ = readBuffers.Get().(*bufio.Reader)
	h.in.Reset(boundedHead{h})
	return h
}

// release gives up the buffer. Nobody may read any more.
func (h *headConn) release() {
	h.in.Reset(nil)
	readBuffers.Put(h.in)
	h.in = nil
}

var errHead = errors.New("the head of the answer has ended")

// endOfHead ends the head of an HTTP/1.1 message; some servers leave out the carriage return.
var endOfHead = [][]byte{[]byte("\r\n\r\n"), []byte("\n\n")}

const statusLine = "HTTP/1.1 101"

// Write implements net.Conn. The request, which comes in many pieces, is sent in one when its answer is to be read.
func (h *headConn) Write(b []byte) (int, error) {
	if h.over {
		return h.Conn.Write(b)
	}
	return h.out.Write(b)
}

// WriteByte implements io.ByteWriter, without which net/http would make a buffer of its own.
func (h *headConn) WriteByte(c byte) error { return h.out.WriteByte(c) }

// Read implements net.Conn.
func (h *headConn) Read(b []byte) (int, error) {
	switch {
	case h.over:
		return h.in.Read(b)
	case h.body && h.spare > 0:
		return h.readBody(b)
	case h.body:
		return 0, io.EOF
	case !h.final:
		if _, err := h.out.WriteTo(h.Conn); err != nil {
			return 0, err
		}
		if err := h.skipInterim(); err != nil {
			return 0, err
		}
		h.final = true
	}
	read := h.in.Read
	if h.complete || len(h.line) > 0 {
		read = h.readLine
	}
	n, err := read(b)
	h.look(b[:n])
	return n, err
}

// readBody reads the beginning of the body of a refusal.
func (h *headConn) readBody(b []byte) (int, error) {
	n, err := h.in.Read(b[:min(len(b), h.spare)])
	h.spare -= n
	if err != nil {
		h.spare = 0
		err = io.EOF
	}
	return n, err
}

// A boundedHead is what a headConn reads from.
type boundedHead struct{ *headConn }

func (h boundedHead) Read(b []byte) (int, error) {
	switch {
	case h.over:
		return h.Conn.Read(b)
	case h.read > maxUpgradeHead:
		return 0, errHead
	}
	n, err := h.Conn.Read(b)
	h.read += n
	h.late = h.late || isTimeout(err)
	return n, err
}

// skipInterim goes to the first response that is not interim (RFC 9110 section 15.2).
func (h *headConn) skipInterim() error {
	for n := 0; ; n++ {
		if err := beginsAsHTTP(h.in); err != nil {
			return err
		}
		switch {
		case !h.atInterim():
			return nil
		case n == max1xx:
			return errInterim
		}
		if err := h.skipHead(); err != nil {
			return err
		}
		h.skipped = h.read - h.in.Buffered()
	}
}

// atInterim waits for no byte more than it takes to tell: a final answer may be short.
func (h *headConn) atInterim() bool {
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

// skipHead reads up to an empty line. A line may be longer than the buffer.
func (h *headConn) skipHead() error {
	for begins := true; ; {
		line, err := h.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if begins && len(bytes.TrimRight(line, "\r\n")) == 0 {
			return nil
		}
		begins = err == nil
	}
}

// look finds out whether the head of a refusal ends in b.
func (h *headConn) look(b []byte) {
	if missing := len(statusLine) - len(h.code); missing > 0 {
		h.code = append(h.code, b[:min(missing, len(b))]...)
	}
	h.tail = append(h.tail, b...)
	ended := slices.ContainsFunc(endOfHead, func(end []byte) bool { return bytes.Contains(h.tail, end) })
	if status := string(h.code[max(0, len(h.code)-len("101")):]); ended && status != "101" {
		h.body, h.spare = true, h.wanted(status)
		_ = h.SetReadDeadline(time.Now().Add(closeWait)) // for all that is wanted; one that cannot be set ends with the context
	}
	h.tail = h.tail[max(0, len(h.tail)-len("\r\n\r")):]
}
