package prober

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gorilla/websocket"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// steps goes through the query_response of the module.
func (c *conversation) steps(ctx context.Context) error {
	all := c.prober.cfg.QueryResponse
	for i := range all {
		err := c.step(ctx, &all[i])
		if errors.Is(err, errClosed) {
			if !slices.ContainsFunc(all[i+1:], func(s config.Step) bool { return s.Expects() }) {
				return err
			}
			err = failf(ReasonWSClosed, PhaseMessages, "the target closed with %s before it sent everything that is wanted", closeText(c.result.CloseCode))
		}
		if err != nil {
			f := asFailure(err)
			return failf(f.reason, f.phase, "step %d: %w", i+1, f.err)
		}
	}
	return nil
}

func (c *conversation) step(ctx context.Context, s *config.Step) error {
	text := []byte(s.Send)
	if s.Expects() {
		met, err := c.expect(ctx, s)
		if err != nil {
			return err
		}
		if s.Expect.Regexp != nil {
			text = s.Expect.Expand(nil, text, met.data, met.groups)
		}
	}
	switch {
	case s.SendBinary != "":
		return c.send(ctx, BinaryMessage, s.SendBinary.Bytes())
	case s.Send != "":
		return c.send(ctx, TextMessage, text)
	default:
		return nil
	}
}

func (c *conversation) send(ctx context.Context, kind MessageType, data []byte) error {
	opcode := websocket.TextMessage
	if kind == BinaryMessage {
		opcode = websocket.BinaryMessage
	}
	m := message(kind, data)
	m.Sent = true
	c.note(m)
	if c.conn.WriteMessage(opcode, data) == nil {
		return nil
	}
	err := c.broken(ctx)
	if errors.Is(err, errNoTime) {
		c.result.TimedOut = true
		return failf(ReasonWSMessage, PhaseMessages, "the target did not take a message in time")
	}
	return err
}

// A met expectation is the message that met it, with the groups of the regular expression as indices.
type met struct {
	data   []byte
	groups []int
}

// expect waits for the message that a step wants.
func (c *conversation) expect(ctx context.Context, s *config.Step) (met, error) {
	var begun []byte // of what is wanted, in earlier messages
	for others := 0; ; {
		f, err := c.receive(ctx)
		switch {
		case errors.Is(err, errNoTime):
			return met{}, c.noMessage(s, others)
		case err != nil:
			return met{}, err
		case f.kind == PongMessage: // answers no ping of ours, and is not a message
			continue
		}
		alone := f
		f.data = append(begun, f.data...)
		groups, err := meets(ctx, s, f)
		if err != nil && !errors.Is(err, errBegun) && s.SkipUntilMatch && len(begun) > 0 {
			f, others = alone, others+1 // what seemed to be a beginning was another message
			groups, err = meets(ctx, s, f)
		}
		switch _, failed := errors.AsType[*failure](err); {
		case err == nil:
			return met{f.data, groups}, nil
		case failed: // it could not be judged
			return met{}, err
		case errors.Is(err, errBegun):
			begun = f.data
			continue
		case ctx.Err() != nil && len(f.data) > maxAtOnce:
			return met{}, failf(ReasonWSMessage, PhaseMessages, "judging a message of %d bytes: not finished in time", len(f.data))
		case ctx.Err() != nil:
			return met{}, c.noMessage(s, others+1)
		case !s.SkipUntilMatch:
			return met{}, failf(ReasonWSMessage, PhaseMessages, "%w", err)
		}
		others, begun = others+1, nil
	}
}

// noMessage is the failure of a step whose message did not come in time. A target that says other things meanwhile does
// not hang.
func (c *conversation) noMessage(s *config.Step, others int) *failure {
	c.result.TimedOut = others == 0
	if others == 0 {
		return failf(ReasonWSMessage, PhaseMessages, "no message in time, want %s", wanted(s))
	}
	return failf(ReasonWSMessage, PhaseMessages, "none of %d messages in time meets what is wanted: %s", others, wanted(s))
}

// errBegun says that a binary message is the beginning of what is wanted. Streams such as MQTT may be cut into messages
// anywhere.
var errBegun = errors.New("there is more to come")

// meets says why a message does not meet the expectation of a step, or returns nil if it does. The error does not
// repeat the message.
func meets(ctx context.Context, s *config.Step, f frame) (groups []int, err error) {
	switch {
	case s.Expect.Regexp != nil:
		if groups = submatch(ctx, s.Expect, f.data); groups == nil {
			return nil, fmt.Errorf("the message does not match, want %s", wanted(s))
		}
		return groups, nil
	case s.ExpectBinary != "":
		switch want := s.ExpectBinary.Bytes(); {
		case f.kind == BinaryMessage && bytes.HasPrefix(f.data, want):
			return nil, nil
		case f.kind == BinaryMessage && bytes.HasPrefix(want, f.data):
			return nil, errBegun
		}
		return nil, fmt.Errorf("got another %s message of %d bytes, want %s", f.kind, len(f.data), wanted(s))
	default:
		return nil, meetsJSON(ctx, s.ExpectJSON, f.data)
	}
}

func meetsJSON(ctx context.Context, want *config.CEL, data []byte) error {
	release, err := takeToJudge(ctx, PhaseMessages, data, want)
	if err != nil {
		return err
	}
	defer release()
	value, err := config.ParseDocument(data)
	if err != nil {
		return fmt.Errorf("the message is not JSON%s", jsonPlace(err))
	}
	ok, err := want.Eval(ctx, value)
	if err != nil {
		return fmt.Errorf("the expression %q cannot be evaluated for this message: %w", want.Expression, err)
	}
	if !ok {
		return fmt.Errorf("%q is false for the message, want true", want.Expression)
	}
	return nil
}

// wanted is the expectation of a step in words.
func wanted(s *config.Step) string {
	switch {
	case s.Expect.Regexp != nil:
		return fmt.Sprintf("a match of %q", s.Expect.String())
	case s.ExpectBinary != "":
		return fmt.Sprintf("a binary message that begins with % x", s.ExpectBinary.Bytes())
	default:
		return fmt.Sprintf("%q to be true", s.ExpectJSON.Expression)
	}
}
