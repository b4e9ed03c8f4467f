package prober

import (
	"bytes"
	"strings"
)

// maxBegin is how many of the first bytes of an answer are looked at for another protocol.
const maxBegin = 24

// beginnings are how answers of other protocols begin.
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

// complaints are how the parsers of net/http and net/textproto begin to say what is wrong. What follows quotes the target.
var complaints = []struct {
	begins string
	cause  Cause
}{
	{"http: message cannot contain multiple Content-Length headers", CauseContentLengths},
	{"bad Content-Length", CauseContentLength},
	{"unsupported transfer encoding", CauseTransferEncoding},
	{"too many transfer encodings", CauseTransferEncoding},
	{"malformed MIME header", CauseHeaderLine},
	{"malformed HTTP", CauseStatusLine},
}

// malformedCause is the kind of an answer that begins with these bytes and of which the parser says err.
func malformedCause(begin []byte, err error) Cause {
	const frameHead, settings = 9, 4
	if len(begin) >= frameHead && begin[0] == 0 && begin[3] == settings && bytes.Equal(begin[5:frameHead], []byte{0, 0, 0, 0}) {
		return CauseSpeaksHTTP2 // RFC 9113 section 3.4: it begins with SETTINGS
	}
	if len(begin) > 4+5 && begin[3] == 0 && begin[4] == 10 { // the first packet of MySQL, protocol 10
		return CauseGreeting
	}
	for _, b := range beginnings {
		if bytes.HasPrefix(begin, []byte(b.begins)) {
			return b.cause
		}
	}
	text := strings.TrimPrefix(err.Error(), "net/http: HTTP/1.x transport connection broken: ")
	for _, c := range complaints {
		if strings.HasPrefix(text, c.begins) {
			return c.cause
		}
	}
	return CauseNone
}

// properHTTP says that an answer is not proper HTTP, and of what kind it is.
func properHTTP(why Cause) string {
	const text = "it is not proper HTTP"
	if words := why.words(); words != "" {
		return text + ": " + words
	}
	return text
}
