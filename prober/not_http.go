package prober

import (
	"bufio"
	"bytes"
	"errors"
)

// A notHTTPError says that an answer does not begin as HTTP/1.1 does. It has no text of the target.
type notHTTPError struct{ cause Cause }

func (e *notHTTPError) Error() string { return properHTTP(e.cause) }

func isNotHTTP(err error) bool { return notHTTPCause(err) != CauseNone }

// notHTTPCause is the cause of a notHTTPError, or CauseNone for another error.
func notHTTPCause(err error) Cause {
	if e, ok := errors.AsType[*notHTTPError](err); ok {
		return e.cause
	}
	return CauseNone
}

// statusLineBegins is how every status line begins (RFC 9112 section 4). An n stands for a digit.
const statusLineBegins = "HTTP/n.n "

// beginsAsHTTP looks at the first bytes of an answer, and waits for no more bytes than it needs. Its error is a
// notHTTPError, or the error of the connection if that ends before anything is wrong.
func beginsAsHTTP(in *bufio.Reader) error {
	for i, want := range []byte(statusLineBegins) {
		line, err := in.Peek(i + 1)
		if err != nil {
			return err
		}
		got := line[i]
		if digit := want == 'n' && '0' <= got && got <= '9'; got != want && !digit {
			came, _ := in.Peek(in.Buffered())
			return &notHTTPError{beginningCause(came)}
		}
	}
	return nil
}

// beginnings are the first bytes of answers of other protocols.
var beginnings = []struct {
	begins string
	cause  Cause
}{
	{"\x15\x03", CauseSpeaksTLS}, // an alert (RFC 8446 section 5.1)
	{"\x16\x03", CauseSpeaksTLS},
	{"ICY ", CauseICY},
	{"\r\n", CauseEmptyLine},
	{"\n", CauseEmptyLine},
	{"SSH-", CauseGreeting},
	{"220 ", CauseGreeting}, // SMTP, FTP
	{"220-", CauseGreeting},
	{"421 ", CauseGreeting},
	{"554 ", CauseGreeting},
	{"+OK", CauseGreeting},      // POP3
	{"* OK", CauseGreeting},     // IMAP
	{"* BYE", CauseGreeting},    // IMAP
	{"-ERR", CauseGreeting},     // Redis
	{"RFB ", CauseGreeting},     // VNC
	{"RTSP/", CauseGreeting},    // streams
	{"SIP/", CauseGreeting},     // telephones
	{"AMQP", CauseGreeting},     // message queues
	{"\x05\x00", CauseGreeting}, // SOCKS
}

// beginningCause is what an answer that is not HTTP/1.1 seems to be.
func beginningCause(came []byte) Cause {
	if isHTTP2(came) {
		return CauseSpeaksHTTP2
	}
	if len(came) > 4+5 && came[3] == 0 && came[4] == 10 { // the first packet of MySQL, protocol 10
		return CauseGreeting
	}
	for _, b := range beginnings {
		if bytes.HasPrefix(came, []byte(b.begins)) {
			return b.cause
		}
	}
	return CauseStatusLine
}

// isHTTP2 reports whether an answer begins with a frame of a connection of HTTP/2 (RFC 9113 section 4.1): SETTINGS, with which every
// server begins, or GOAWAY.
func isHTTP2(came []byte) bool {
	const (
		header           = 9 // length (3), type, flags, stream (4)
		settings, goAway = 4, 7
		setting          = 6
	)
	if len(came) < header || !bytes.Equal(came[5:header], make([]byte, 4)) || came[0] != 0 {
		return false
	}
	length := int(came[1])<<8 | int(came[2])
	return came[3] == settings && length%setting == 0 || came[3] == goAway && length >= 8
}
