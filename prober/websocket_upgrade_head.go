package prober

import (
	"bytes"
	"io"
	"net"
	"slices"
	"time"
)

// A headConn guards the WebSocket library until the answer to the upgrade has been read. After that it is just a
// buffer. It leaves out interim responses. It ends after the head of any answer but 101, because the body of a refusal
// may have no end, except for as much as is wanted. And it ends if the head is too long, because the library has no
// bound for it.
type headConn struct {
	net.Conn
	headReader
	out   bytes.Buffer // the request, until it is sent
	over  bool         // from now on it is just the connection
	begun bool         // the interim responses are over

	complete bool   // the head goes on, and its lines go through completeDeflate
	within   bool   // the next byte is not the first of its line
	line     []byte // the rest of a line that was not passed on yet

	tail   []byte
	code   []byte                  // the beginning of the status line
	body   bool                    // the head is complete, and its status is not 101
	spare  int                     // how many bytes of the body of a refusal are still wanted
	wanted func(status string) int // how many are wanted of an answer with this status
}

func newHeadConn(c net.Conn, t *trace, wanted func(status string) int) *headConn {
	h := &headConn{Conn: c, wanted: wanted}
	h.open(c, t)
	return h
}

// endOfHead ends the head of an HTTP/1.1 message; some servers leave out the carriage return.
var endOfHead = [][]byte{[]byte("\r\n\r\n"), []byte("\n\n")}

const statusLine = "HTTP/1.1 101"

// Write implements net.Conn. The request comes in many pieces. It is sent in one piece when the answer is read.
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
	case !h.begun:
		if _, err := h.out.WriteTo(h.Conn); err != nil {
			return 0, err
		}
		if err := h.final(); err != nil {
			return 0, err
		}
		h.begun = true
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

// look finds out whether the head of a refusal ends within b.
func (h *headConn) look(b []byte) {
	if missing := len(statusLine) - len(h.code); missing > 0 {
		h.code = append(h.code, b[:min(missing, len(b))]...)
	}
	h.tail = append(h.tail, b...)
	ended := slices.ContainsFunc(endOfHead, func(end []byte) bool { return bytes.Contains(h.tail, end) })
	if status := string(h.code[max(0, len(h.code)-len("101")):]); ended && status != "101" {
		h.body, h.spare = true, h.wanted(status)
		_ = h.SetReadDeadline(time.Now().Add(closeWait)) // for all that is wanted; if it cannot be set, the context ends the read
	}
	h.tail = h.tail[max(0, len(h.tail)-len("\r\n\r")):]
}

// readLine reads no further than to the end of a line, until the head is over.
func (h *headConn) readLine(b []byte) (int, error) {
	if len(h.line) == 0 {
		line, err := h.in.ReadSlice('\n')
		if len(line) == 0 {
			return 0, err // an error after part of a line comes again
		}
		ends := line[len(line)-1] == '\n'
		switch empty := len(bytes.TrimRight(line, "\r\n")) == 0; {
		case !h.within && empty:
			h.complete = false
		case !h.within && ends:
			line = completeDeflate(line)
		}
		h.within = !ends
		h.line = line
	}
	n := copy(b, h.line)
	h.line = h.line[n:]
	return n, nil
}
