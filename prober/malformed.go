package prober

import "strings"

// complaints are the beginnings of the error texts of the parsers in net/http and net/textproto. What follows quotes
// the target.
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

// complaintCause is the cause of a parser's error about the head of an answer.
func complaintCause(err error) Cause {
	text := strings.TrimPrefix(err.Error(), "net/http: HTTP/1.x transport connection broken: ")
	for _, c := range complaints {
		if strings.HasPrefix(text, c.begins) {
			return c.cause
		}
	}
	return CauseNone
}

// properHTTP says that an answer is not proper HTTP and, if it is known, why.
func properHTTP(why Cause) string {
	const text = "it is not proper HTTP"
	if words := why.words(); words != "" {
		return text + ": " + words
	}
	return text
}
