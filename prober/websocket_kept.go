package prober

import (
	"context"
	"encoding/hex"
	"log/slog"
	"strconv"
	"strings"

	"github.com/gorilla/websocket"
)

// How many messages of a conversation a Result keeps, and how many bytes of each. A target may send any number of any
// length.
const (
	maxMessages = 50
	maxExcerpt  = 200
)

// messagesAtOnce is how many messages a conversation holds at the same time: the one that is judged, the one after it,
// and the beginning of a binary message before both.
const messagesAtOnce = 3

// keep takes the memory for messages that are not small, until the conversation is over.
func (c *conversation) keep(ctx context.Context) error {
	if c.held != nil {
		return nil
	}
	c.starved.Store(true)
	release, err := toKeep.take(ctx, min(messagesAtOnce*(min(c.prober.cfg.MessageLimit(), toKeep.size)+1), toKeep.size))
	if err == nil {
		c.held = release
		c.starved.Store(false)
	}
	return err
}

// note keeps what was said.
func (c *conversation) note(m Message) {
	if len(c.result.Messages) == maxMessages {
		return
	}
	m.At = c.trace.now()
	c.result.Messages = append(c.result.Messages, m)
	verb := "Received message"
	if m.Sent {
		verb = "Sent message"
	}
	c.trace.event(verb, slog.String("type", string(m.Type)), slog.Int("bytes", m.Bytes))
}

// message is one with data, as it is kept.
func message(kind MessageType, data []byte) Message {
	excerpt := data[:min(len(data), maxExcerpt)]
	m := Message{Type: kind, Bytes: len(data)}
	switch kind {
	case TextMessage:
		m.Excerpt = strings.ToValidUTF8(string(excerpt), "") // the cut may split a character
	case BinaryMessage:
		m.Excerpt = hex.EncodeToString(excerpt)
	case CloseMessage, PingMessage, PongMessage: // not for pings; for closes see closeMessage
	}
	return m
}

// closeMessage is a close with its code and reason.
func closeMessage(code int, reason string) Message {
	m := Message{Type: CloseMessage, Excerpt: closeText(code)}
	if code != websocket.CloseNoStatusReceived {
		m.Bytes = 2 + len(reason)
	}
	if reason != "" {
		m.Excerpt += " " + strconv.Quote(reason)
	}
	return m
}
