package prober

import "bytes"

// clientTakeover is the parameter of permessage-deflate by which a client says that it begins each message anew.
const clientTakeover = "client_no_context_takeover"

// completeDeflate is a line of the head of an answer, in which permessage-deflate has the parameter that the library looks for and
// that the target need not repeat (RFC 7692 section 7.1.1.2).
func completeDeflate(line []byte) []byte {
	const name = "sec-websocket-extensions:"
	if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) ||
		!bytes.Contains(line, []byte("permessage-deflate")) || bytes.Contains(line, []byte(clientTakeover)) {
		return line
	}
	text := bytes.TrimRight(line, "\r\n \t")
	return append(append(bytes.Clone(text), "; "+clientTakeover...), "\r\n"...)
}

// readLine reads no further than to the end of a line, until the head is over.
func (h *headConn) readLine(b []byte) (int, error) {
	if len(h.line) == 0 {
		line, err := h.in.ReadSlice('\n')
		if len(line) == 0 {
			return 0, err // that of a line with a part is met again
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
