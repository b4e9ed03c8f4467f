package probetest

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// STOMP starts a server of STOMP 1.2, 1.1 and 1.0 (stomp.github.io) with the subprotocols v12.stomp, v11.stomp and
// v10.stomp; like RabbitMQ it does without them, and the header accept-version decides. It lets everyone in, delivers
// nothing, acknowledges frames that have a receipt header, and has no heartbeats. A wrong frame is answered with an
// ERROR and a close with 1002, a DISCONNECT with a close with 1000.
func STOMP(t testing.TB) *Server {
	t.Helper()
	u := &websocket.Upgrader{Subprotocols: []string{"v12.stomp", "v11.stomp", "v10.stomp"}}
	return WebSocket(t, u, func(_ context.Context, c *websocket.Conn) {
		s := &stompConn{c: c}
		for {
			_, data, err := c.ReadMessage()
			if err != nil {
				return
			}
			if code := s.read(data); code != 0 {
				closeWith(c, code, "")
				return
			}
		}
	})
}

// stompVersions are the versions that the server speaks, the best first.
var stompVersions = []string{"1.2", "1.1", "1.0"}

// stompCommands are the commands of a client, with the headers that they must have. Those of CONNECT depend on the
// version.
var stompCommands = map[string][]string{
	"CONNECT": nil, "STOMP": nil, "DISCONNECT": nil, "SEND": {"destination"}, "SUBSCRIBE": {"destination"}, "UNSUBSCRIBE": nil, "ACK": nil, "NACK": nil,
	"BEGIN": {"transaction"}, "COMMIT": {"transaction"}, "ABORT": {"transaction"},
}

type stompConn struct {
	c         *websocket.Conn
	buffer    []byte // of a frame that has not ended
	connected bool
}

// A stompFrame is a frame of a client.
type stompFrame struct {
	command string
	header  map[string]string
}

// read handles the frames that data completes: a message need not be a frame. It returns the code to close with, or 0.
func (s *stompConn) read(data []byte) (code int) {
	s.buffer = append(s.buffer, data...)
	for {
		s.buffer = bytes.TrimLeft(s.buffer, "\r\n") // Heartbeats, and what may end a frame.
		f, n, err := parseSTOMP(s.buffer)
		if n == 0 && err == nil {
			return 0
		}
		if err == nil {
			s.buffer = s.buffer[n:]
			err = s.handle(f)
		}
		switch {
		case err != nil:
			s.fail(err.Error())
			return websocket.CloseProtocolError
		case f.command == "DISCONNECT":
			return websocket.CloseNormalClosure
		}
	}
}

func (s *stompConn) handle(f stompFrame) error {
	required, ok := stompCommands[f.command]
	switch connect := f.command == "CONNECT" || f.command == "STOMP"; {
	case !ok:
		return fmt.Errorf("unknown command %q", f.command)
	case connect && s.connected:
		return fmt.Errorf("%s on a connection that is established", f.command)
	case connect:
		return s.connect(f)
	case !s.connected:
		return fmt.Errorf("%s before CONNECT", f.command)
	}
	for _, name := range required {
		if f.header[name] == "" {
			return fmt.Errorf("%s without header %q", f.command, name)
		}
	}
	if id := f.header["receipt"]; id != "" {
		s.send("RECEIPT\nreceipt-id:" + id + "\n\n\x00")
	}
	return nil
}

var stompHeartBeat = regexp.MustCompile(`^\d+,\d+$`)

func (s *stompConn) connect(f stompFrame) error {
	accepted, negotiates := f.header["accept-version"]
	if !negotiates {
		accepted = "1.0" // Section "Protocol Negotiation": a client without that header speaks 1.0.
	}
	offered := strings.Split(accepted, ",")
	i := slices.IndexFunc(stompVersions, func(v string) bool { return slices.Contains(offered, v) })
	beat, beats := f.header["heart-beat"]
	switch {
	case i < 0:
		return fmt.Errorf("supported protocol versions are %s", strings.Join(stompVersions, ","))
	case negotiates && f.header["host"] == "":
		return fmt.Errorf("%s without header %q", f.command, "host")
	case beats && !stompHeartBeat.MatchString(beat):
		return fmt.Errorf("heart-beat %q, want two numbers", beat)
	}
	s.connected = true
	s.send("CONNECTED\nversion:" + stompVersions[i] + "\nheart-beat:0,0\nsession:probetest\nserver:probetest/1.0\n\n\x00")
	return nil
}

// fail sends an ERROR frame. It names all versions, as the specification wants if none fits.
func (s *stompConn) fail(message string) {
	s.send(fmt.Sprintf("ERROR\nversion:%s\ncontent-type:text/plain\ncontent-length:%d\nmessage:error\n\n%s\x00",
		strings.Join(stompVersions, ","), len(message), message))
}

// send sends a frame. If that fails the next read does too.
func (s *stompConn) send(frame string) { _ = s.c.WriteMessage(websocket.TextMessage, []byte(frame)) }

// parseSTOMP returns the frame that b begins with and its length, or 0 if it has not ended.
func parseSTOMP(b []byte) (f stompFrame, n int, err error) {
	// A NUL ends every frame, and its head has none.
	nul := bytes.IndexByte(b, 0)
	if nul < 0 {
		return f, 0, nil
	}
	f.header = map[string]string{}
	head, bodyAt := b[:nul], 0
	for i := 0; ; i++ {
		line, rest, ok := bytes.Cut(head[bodyAt:], []byte("\n"))
		if !ok {
			return f, 0, fmt.Errorf("frame %q has no empty line after its headers", head)
		}
		bodyAt = len(head) - len(rest)
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			break
		}
		if i == 0 {
			f.command = string(line)
			continue
		}
		name, value, ok := strings.Cut(string(line), ":")
		if !ok {
			return f, 0, fmt.Errorf("header %q has no colon", line)
		}
		if _, repeated := f.header[name]; !repeated { // Section "Repeated Header Entries": the first counts.
			f.header[name] = value
		}
	}
	length, ok := f.header["content-length"]
	if !ok {
		return f, nul + 1, nil
	}
	n, err = strconv.Atoi(length)
	switch end := bodyAt + n; {
	case err != nil || n < 0 || n > 1<<20:
		return f, 0, fmt.Errorf("content-length %q, want a number up to 1 MiB", length)
	case end >= len(b):
		return f, 0, nil
	case b[end] != 0:
		return f, 0, fmt.Errorf("no NUL after the %d bytes of the body", n)
	default:
		return f, end + 1, nil
	}
}
