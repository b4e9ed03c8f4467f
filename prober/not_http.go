package prober

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
)

// A notHTTPError is that of an answer that does not begin as one of HTTP/1.1. It has no text of the target.
type notHTTPError struct{ protocol string } // empty: not known

func (e *notHTTPError) Error() string {
	if e.protocol == "" {
		return "it is not proper HTTP"
	}
	return "it is not proper HTTP: " + e.protocol
}

func isNotHTTP(err error) bool {
	_, ok := errors.AsType[*notHTTPError](err)
	return ok
}

// statusLineBegins is how every status line begins (RFC 9112 section 4). An n stands for a digit.
const statusLineBegins = "HTTP/n.n "

// beginsAsHTTP looks at the first bytes of an answer, and waits for no byte more than it takes to tell. Its error is a
// notHTTPError, or that of the connection if it ends before there is anything wrong.
func beginsAsHTTP(in *bufio.Reader) error {
	for i, want := range []byte(statusLineBegins) {
		line, err := in.Peek(i + 1)
		if err != nil {
			return err
		}
		got := line[i]
		if digit := want == 'n' && '0' <= got && got <= '9'; got != want && !digit {
			came, _ := in.Peek(in.Buffered())
			return &notHTTPError{protocolOf(came)}
		}
	}
	return nil
}

// greetings are how servers of other protocols begin, and what is said of them.
var greetings = []struct{ begins, protocol string }{
	{"\x15\x03", "that port speaks TLS"}, // an alert (RFC 8446 section 5.1)
	{"\x16\x03", "that port speaks TLS"},
	{"SSH-", "that port speaks SSH"},
	{"220", "that port speaks SMTP or FTP"},
	{"+OK", "that port speaks POP3"},
	{"* OK", "that port speaks IMAP"},
	{"-ERR", "that port speaks the protocol of Redis"},
	{"RTSP/", "that port speaks RTSP"},
	{"ICY ", "the status line is that of SHOUTcast"},
	{"\r\n", "it begins with an empty line"},
	{"\n", "it begins with an empty line"},
}

// protocolOf says what an answer that is not HTTP/1.1 seems to be; empty: nothing that is known.
func protocolOf(came []byte) string {
	if isHTTP2(came) {
		return "that port speaks HTTP/2 without TLS (h2c), as gRPC does"
	}
	for _, g := range greetings {
		if bytes.HasPrefix(came, []byte(g.begins)) {
			return g.protocol
		}
	}
	if len(came) >= len("HTTP/") && strings.EqualFold(string(came[:len("HTTP/")]), "HTTP/") {
		return "the version in the status line is not one of HTTP"
	}
	return ""
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
