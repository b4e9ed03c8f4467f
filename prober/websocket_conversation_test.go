package prober

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// The text of a failure is the same for every connection: it has no port of ours.
func TestWebSocketEnded(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		reason Reason
		text   string
	}{
		"timeout":        {os.ErrDeadlineExceeded, ReasonWSMessage, "the connection timed out"},
		"with addresses": {errors.New("read tcp 127.0.0.1:56468->[::1]:80: read: no route to host"), ReasonWSMessage, "the target broke the protocol: read: no route to host"},
		"bad frame":      {errors.New("websocket: bad MASK"), ReasonWSMessage, "the target broke the protocol: bad MASK"},
		"cut message":    {io.ErrUnexpectedEOF, ReasonWSMessage, "the target broke the protocol: unexpected EOF"},
		"end":            {&websocket.CloseError{Code: websocket.CloseAbnormalClosure}, ReasonWSClosed, "without a close (1006)"},
		"end of TLS":     {io.EOF, ReasonWSClosed, "without a close (1006)"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newConversation(&webSocketProber{})
			c.link, c.result, c.phase = &link{wire: &wire{}}, &WebSocketResult{}, PhaseMessages
			f := c.ended(tt.err)
			if f.reason != tt.reason || !strings.Contains(f.Error(), tt.text) || strings.Contains(f.Error(), "56468") {
				t.Errorf("got %s: %v, want %s: %s", f.reason, f, tt.reason, tt.text)
			}
		})
	}
}

// A panic of the reader, which has a goroutine of its own, is a failure of the probe and not the end of the process.
func TestWebSocketReaderPanics(t *testing.T) {
	c := newConversation(&webSocketProber{})
	c.link, c.result, c.phase = &link{wire: &wire{}}, &WebSocketResult{}, PhaseMessages
	c.reader.Go(func() { c.read(t.Context()) }) // without a connection
	_, err := c.receive(t.Context())
	if f := asFailure(err); f.reason != ReasonInternal || !strings.Contains(f.Error(), "reading a message: panic") {
		t.Errorf("got %s: %v, want internal: reading a message: panic", f.reason, f)
	}
	c.link = nil // it has no connection to close
	c.end()
	c.end() // run does it, too
}
