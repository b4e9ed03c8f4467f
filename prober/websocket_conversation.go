package prober

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// closeWait is how long a target may take to answer a close. An answer is polite, but says nothing about health.
const closeWait = time.Second

// A conversation is what one attempt says and hears on a WebSocket.
type conversation struct {
	prober *webSocketProber
	trace  *trace

	excerpt bool // whether the beginning of a refusal's body is kept

	resolved *ResolveResult
	tls      *TLSResult
	result   *WebSocketResult // nil: no answer to the upgrade yet

	link *link
	head *headConn       // on the link; nil: none yet
	conn *websocket.Conn // on the head; nil: not upgraded yet

	phase  PhaseName
	inbox  chan frame    // unbuffered: the target is read no further than asked for
	pings  chan string   // the last ping of the target, until it is answered
	done   chan struct{} // closed when the inbox is no longer read
	reader sync.WaitGroup
	closed bool // a close was sent
	over   bool // end has run

	stop    func()      // ends the reader's wait for memory; nil: there is no reader
	held    func()      // gives back the memory for messages; nil: there is none
	starved atomic.Bool // waits for it
}

// A frame is a message, a pong or, with an error, the end of what a target sends.
type frame struct {
	kind MessageType
	data []byte
	err  error
}

// The ends that are neither a close nor an error of the connection.
var (
	errNoTime   = errors.New("no time left")
	errTooLarge = errors.New("message over the limit")
	errClosed   = errors.New("closed as wanted")
	errNotUTF8  = errors.New("a text message is not UTF-8 (RFC 6455 section 8.1)")
)

// A panicError is a panic of the reader: in a goroutine of its own it would end the process.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func newConversation(p *webSocketProber) *conversation {
	return &conversation{prober: p, trace: newTrace(), inbox: make(chan frame), pings: make(chan string, 1), done: make(chan struct{})}
}

// run opens the WebSocket, makes the conversation and closes it.
func (c *conversation) run(ctx context.Context, r Request) error {
	defer c.end() // also if it panics
	h, err := c.prober.header(ctx, r)
	if err != nil {
		return err
	}
	if err := c.dial(ctx, r.URL, h); err != nil {
		return err
	}
	if err := c.upgrade(ctx, r.URL, h); err != nil {
		return err
	}
	reading, stop := context.WithCancel(ctx)
	c.stop = stop
	c.reader.Go(func() { c.read(reading) })
	for _, part := range []struct {
		phase PhaseName
		on    bool
		run   func(context.Context) error
	}{
		{PhaseMessages, len(c.prober.cfg.QueryResponse) > 0, c.steps},
		{PhasePing, c.prober.cfg.Ping, c.ping},
		{PhaseClose, true, c.close},
	} {
		if !part.on {
			continue
		}
		c.phase = part.phase
		from := c.trace.now()
		err := part.run(ctx)
		c.trace.phase(part.phase, from)
		if errors.Is(err, errClosed) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// end leaves nothing behind, and does so once. A target that is still there gets a close, also from a probe that failed.
func (c *conversation) end() {
	if c.over {
		return
	}
	c.over = true
	if c.conn != nil && !c.closed {
		c.sendClose(websocket.CloseNormalClosure)
	}
	close(c.done)
	if c.stop != nil {
		c.stop()
	}
	if c.link != nil {
		c.link.close()
	}
	c.reader.Wait()
	if c.head != nil {
		c.head.release()
	}
	if c.held != nil {
		c.held()
	}
}

// read passes on what the target sends until there is nothing more. The library answers closes meanwhile.
func (c *conversation) read(ctx context.Context) {
	defer func() {
		if v := recover(); v != nil {
			c.deliver(frame{err: &panicError{v}})
		}
	}()
	answer := sync.OnceFunc(func() { c.reader.Go(func() { c.pong(ctx) }) }) // few targets ping
	c.conn.SetPingHandler(func(data string) error {
		answer()
		select {
		case <-c.pings: // only the last one needs an answer (RFC 6455 section 5.5.3)
		default:
		}
		c.pings <- data
		return nil
	})
	c.conn.SetPongHandler(func(data string) error {
		c.deliver(frame{kind: PongMessage, data: []byte(data)})
		return nil
	})
	for {
		f := c.next(ctx)
		if !c.deliver(f) || f.err != nil {
			return
		}
	}
}

// pong answers the pings of the target. The reader does not, because a target that does not read would block it.
func (c *conversation) pong(ctx context.Context) {
	deadline, _ := ctx.Deadline()
	for {
		select {
		case data := <-c.pings:
			// If it cannot be sent, what the target says next shows why.
			_ = c.conn.WriteControl(websocket.PongMessage, []byte(data), deadline)
		case <-c.done:
			return
		}
	}
}

// deliver reports whether f was taken.
func (c *conversation) deliver(f frame) bool {
	select {
	case c.inbox <- f:
		return true
	case <-c.done:
		return false
	}
}

// next reads one message, decompressed and within the limit.
func (c *conversation) next(ctx context.Context) frame {
	kind, r, err := c.conn.NextReader()
	if err != nil {
		return frame{err: err}
	}
	limit := c.prober.cfg.MessageLimit()
	k := keptText{most: limit + 1, hold: func() error { return c.keep(ctx) }}
	_, err = k.ReadFrom(io.LimitReader(r, limit+1))
	data := k.data
	switch {
	case err != nil:
		return frame{err: err}
	case int64(len(data)) > limit:
		return frame{err: errTooLarge}
	case kind == websocket.BinaryMessage:
		return frame{kind: BinaryMessage, data: data}
	case !utf8.Valid(data):
		return frame{err: errNotUTF8}
	default:
		return frame{kind: TextMessage, data: data}
	}
}

// receive waits for the next frame. Its error is errNoTime or the failure that the end of the frames means.
func (c *conversation) receive(ctx context.Context) (frame, error) {
	select {
	case f := <-c.inbox:
		if errors.Is(f.err, errNoMemory) {
			return frame{}, c.ended(f.err)
		}
		if ctx.Err() != nil || f.err != nil && c.link.wire.cut.Load() {
			return frame{}, errNoTime // the connection ends with the context, which may show there first
		}
		if f.err != nil {
			return frame{}, c.ended(f.err)
		}
		if f.kind != PongMessage {
			c.result.Received++
		}
		c.note(message(f.kind, f.data))
		return f, nil
	case <-ctx.Done():
		if c.starved.Load() {
			return frame{}, c.ended(errNoMemory)
		}
		return frame{}, errNoTime
	}
}

// ended says what the end of the frames means.
func (c *conversation) ended(err error) *failure {
	bye, ok := errors.AsType[*websocket.CloseError](err)
	_, panicked := errors.AsType[*panicError](err)
	switch {
	case panicked:
		return failf(ReasonInternal, c.phase, "reading a message: %w", err)
	case errors.Is(err, errNoMemory):
		return failf(ReasonLocalResource, c.phase, "reading a message: %w", err)
	case ok && bye.Code != websocket.CloseAbnormalClosure:
		c.result.CloseCode = bye.Code
		c.note(closeMessage(bye.Code, bye.Text))
		return failf(ReasonWSClosed, c.phase, "the target closed with %s", closeText(bye.Code))
	case errors.Is(err, errTooLarge):
		return failf(ReasonTooLarge, c.phase, "reading a message: more than %d bytes (message_size_limit)", c.prober.cfg.MessageLimit())
	case ok, c.link.wire.readEnded.Load(), errors.Is(err, io.EOF): // io.EOF: TLS was closed
		c.result.CloseCode = websocket.CloseAbnormalClosure
		return failf(ReasonWSClosed, c.phase, "the target closed the connection without a close (1006)")
	case isLocal(err):
		return failf(ReasonLocalResource, c.phase, "reading a message: %w", bare(err))
	case isTimeout(err):
		return failf(ReasonWSMessage, c.phase, "the connection timed out")
	default:
		return failf(ReasonWSMessage, c.phase, "the target broke the protocol: %s", withoutAddrs(err))
	}
}

// broken finds out why nothing could be sent, from what the target said last.
func (c *conversation) broken(ctx context.Context) error {
	for {
		if _, err := c.receive(ctx); err != nil {
			return c.unlessWanted(err)
		}
	}
}

// unlessWanted returns errClosed instead of err if the target has closed as it should, which it may do at any time.
func (c *conversation) unlessWanted(err error) error {
	if code := c.result.CloseCode; code != 0 && slices.Contains(c.prober.cfg.ExpectCloseCodes, code) {
		return errClosed
	}
	return err
}

// ping measures a round trip (RFC 6455 section 5.5.2). Messages that come meanwhile are ignored.
func (c *conversation) ping(ctx context.Context) error {
	text := rand.Text() // so that no other pong is taken for its answer
	deadline, _ := ctx.Deadline()
	c.note(Message{Type: PingMessage, Sent: true, Bytes: len(text)})
	err := c.conn.WriteControl(websocket.PingMessage, []byte(text), deadline)
	if err != nil {
		err = c.broken(ctx)
	}
	for f := (frame{}); err == nil && (f.kind != PongMessage || string(f.data) != text); {
		f, err = c.receive(ctx)
	}
	if errors.Is(err, errNoTime) {
		return failf(ReasonWSPongTimeout, PhasePing, "the ping was not answered in time")
	}
	if err != nil {
		return c.unlessWanted(err)
	}
	return nil
}

// close does the closing handshake (RFC 6455 section 7.1.2), or waits for the target to do so if that is expected.
func (c *conversation) close(ctx context.Context) error {
	want := c.prober.cfg.ExpectCloseCodes
	if len(want) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, closeWait)
		defer cancel()
		c.sendClose(websocket.CloseNormalClosure)
		// A target that closes without a code, or did so before, has not complained.
		want = []int{websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived, websocket.CloseAbnormalClosure}
	}
	for {
		_, err := c.receive(ctx)
		switch closed := c.result.CloseCode; {
		case err == nil: // said before the close
		case errors.Is(err, errNoTime) && c.closed:
			c.trace.event("The target did not answer the close")
			return nil
		case errors.Is(err, errNoTime):
			return failf(ReasonWSClosed, PhaseClose, "the target did not close in time, want %s", closeTexts(want))
		case closed != 0 && slices.Contains(want, closed):
			return nil
		case closed != 0 && !c.closed:
			return failf(ReasonWSClosed, PhaseClose, "the target closed with %s, want %s", closeText(closed), closeTexts(want))
		default:
			return err
		}
	}
}

// sendClose sends a close, unless the library has already answered one.
func (c *conversation) sendClose(code int) {
	c.closed = true
	deadline := time.Now().Add(closeWait)
	if c.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), deadline) == nil {
		m := closeMessage(code, "")
		m.Sent = true
		c.note(m)
	}
}

// closeNames are the codes of RFC 6455 section 7.4.1 and of its registry.
var closeNames = map[int]string{
	1000: "normal closure", 1001: "going away", 1002: "protocol error", 1003: "unsupported data", 1005: "no code",
	1006: "no close", 1007: "invalid data", 1008: "policy violation", 1009: "message too big", 1010: "mandatory extension",
	1011: "internal error", 1012: "service restart", 1013: "try again later", 1014: "bad gateway",
}

func closeText(code int) string {
	if name := closeNames[code]; name != "" {
		return strconv.Itoa(code) + " (" + name + ")"
	}
	return strconv.Itoa(code)
}

func closeTexts(codes []int) string {
	all := make([]string, len(codes))
	for i, code := range codes {
		all[i] = closeText(code)
	}
	return strings.Join(all, " or ")
}
