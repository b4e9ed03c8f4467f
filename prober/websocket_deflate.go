package prober

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
)

// clientTakeover is the parameter of permessage-deflate with which a client says that it compresses each message on its
// own.
const clientTakeover = "client_no_context_takeover"

// completeDeflate adds to permessage-deflate in a line of the head of an answer the parameter that the library looks
// for, and that the target need not repeat (RFC 7692 section 7.1.1.2).
func completeDeflate(line []byte) []byte {
	const name = "sec-websocket-extensions:"
	if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) ||
		!bytes.Contains(line, []byte("permessage-deflate")) || bytes.Contains(line, []byte(clientTakeover)) {
		return line
	}
	text := bytes.TrimRight(line, "\r\n \t")
	return append(append(bytes.Clone(text), "; "+clientTakeover...), "\r\n"...)
}

// judgeExtensions checks that at most permessage-deflate is negotiated, and only if it was offered.
func judgeExtensions(answer http.Header, offered bool) *failure {
	for i, extension := range list(answer, "Sec-WebSocket-Extensions") {
		parts := strings.Split(extension, ";")
		switch name := strings.TrimSpace(parts[0]); {
		case name != "permessage-deflate" || !offered:
			return failf(ReasonWSHandshake, PhaseUpgrade, "the target negotiated the extension %s, which was not offered", quote(name))
		case i > 0:
			return failf(ReasonWSHandshake, PhaseUpgrade, "the target negotiated permessage-deflate twice")
		}
		if f := judgeDeflate(parts[1:]); f != nil {
			return f
		}
	}
	return nil
}

// judgeDeflate checks the parameters of permessage-deflate (RFC 7692 section 7.1). A target has to agree to what was
// asked of it. What a probe says about its own messages the target need not repeat (section 7.1.1.2).
func judgeDeflate(params []string) *failure {
	const negotiated, needed = "the target negotiated permessage-deflate ", "server_no_context_takeover"
	seen := map[string]bool{}
	for _, param := range params {
		name, value, valued := strings.Cut(param, "=")
		name, value = strings.TrimSpace(name), strings.Trim(strings.TrimSpace(value), `"`)
		bits := name == "server_max_window_bits" // may come without an offer, because it limits only the target
		switch {
		case seen[name]:
			return failf(ReasonWSHandshake, PhaseUpgrade, negotiated+"with the parameter %s twice", quote(name))
		case !bits && name != needed && name != clientTakeover:
			return failf(ReasonWSHandshake, PhaseUpgrade, negotiated+"with the parameter %s, which was not offered", quote(name))
		case valued != bits, bits && !slices.Contains([]string{"8", "9", "10", "11", "12", "13", "14", "15"}, value):
			return failf(ReasonWSHandshake, PhaseUpgrade, negotiated+"with a wrong value of %s", name)
		}
		seen[name] = true
	}
	if !seen[needed] {
		return failf(ReasonWSHandshake, PhaseUpgrade, negotiated+"without %s, which a probe needs", needed)
	}
	return nil
}
