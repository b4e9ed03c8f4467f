package prober

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// An http2Code says why a stream or connection of HTTP/2 was ended (RFC 9113 section 7).
type http2Code uint32

// Codes that say more than that it was ended.
const (
	http2NoError   http2Code = 0x0
	http2Refused   http2Code = 0x7
	http2Calm      http2Code = 0xb
	http2WantsOld  http2Code = 0xd
	http2ErrorCode           = "unknown error code 0x" // as net/http writes any other code
)

// http2Codes are all codes. A code for a violation of the protocol is ReasonHTTPVersion, whichever side noticed it, as
// with HTTP/3.
var http2Codes = map[http2Code]struct {
	name   string
	reason Reason
}{
	http2NoError:  {"NO_ERROR", ReasonConnectionClosed},
	0x1:           {"PROTOCOL_ERROR", ReasonHTTPVersion},
	0x2:           {"INTERNAL_ERROR", ReasonConnectionClosed},
	0x3:           {"FLOW_CONTROL_ERROR", ReasonHTTPVersion},
	0x4:           {"SETTINGS_TIMEOUT", ReasonHTTPVersion},
	0x5:           {"STREAM_CLOSED", ReasonHTTPVersion},
	0x6:           {"FRAME_SIZE_ERROR", ReasonHTTPVersion},
	http2Refused:  {"REFUSED_STREAM", ReasonConnectionClosed},
	0x8:           {"CANCEL", ReasonConnectionClosed},
	0x9:           {"COMPRESSION_ERROR", ReasonHTTPVersion},
	0xa:           {"CONNECT_ERROR", ReasonConnectionClosed},
	http2Calm:     {"ENHANCE_YOUR_CALM", ReasonConnectionClosed},
	0xc:           {"INADEQUATE_SECURITY", ReasonTLSFailed},
	http2WantsOld: {"HTTP_1_1_REQUIRED", ReasonHTTPVersion},
}

// String is the name of the code.
func (c http2Code) String() string {
	if info, ok := http2Codes[c]; ok {
		return info.name
	}
	return fmt.Sprintf("code %#x", uint32(c))
}

// reason is why a probe fails whose stream or connection ends with this code.
func (c http2Code) reason() Reason {
	if info, ok := http2Codes[c]; ok {
		return info.reason
	}
	return ReasonConnectionClosed // an unknown code has no special meaning (RFC 9113 section 7)
}

// An unprocessedError says that the target did not process the request, or never got it. The request may be sent again,
// whatever its method (RFC 9113 section 8.7, RFC 9114 section 4.1.1).
type unprocessedError struct{ how string }

func (e *unprocessedError) Error() string { return e.how }

// unprocessed is the failure of a request that the target did not process.
func unprocessed(phase PhaseName, doing, how string) *failure {
	return failf(ReasonConnectionClosed, phase, "%s: %w", doing, &unprocessedError{how}).because(CauseNotTaken)
}

// A streamError has the fields of the error for the end of a stream, which net/http copies into any struct that has them.
type streamError struct {
	StreamID uint32
	Code     http2Code
	Cause    error
}

func (e streamError) Error() string { return "stream error " + e.Code.String() }

// What net/http says about a GOAWAY: one before the request, and one after which the connection ended.
var goAwayErrors = []*regexp.Regexp{
	regexp.MustCompile(`^http2: Transport received GOAWAY from server ErrCode:([A-Z0-9_]+|unknown error code 0x[0-9a-f]+)$`),
	regexp.MustCompile(`^http2: server sent GOAWAY and closed the connection; LastStreamID=[0-9]+, ErrCode=([A-Z0-9_]+|unknown error code 0x[0-9a-f]+), debug=`),
}

// What it says if a request was not sent, or not processed.
const (
	gracefulGoAway = "http2: Transport received Server's graceful shutdown GOAWAY"
	sentByPeer     = "received from peer"
)

// http2Violated reports whether net/http says that the target broke the rules of the connection. It may hang up after that.
func http2Violated(text string) bool {
	return strings.Contains(text, "connection error:") || strings.Contains(text, "http2: frame too large")
}

// errUnusable is the error of net/http for a connection that ended before the request.
var errUnusable = errors.New("http2: client conn not usable")

// http2End is what the end of a stream or connection of HTTP/2 means; nil: the error is about something else.
func http2End(phase PhaseName, doing string, err error) *failure {
	if e, ok := errors.AsType[streamError](err); ok {
		if e.Cause == nil || e.Cause.Error() != sentByPeer {
			return failf(ReasonHTTPVersion, phase, "%s: it is not proper HTTP/2: %s", doing, e.Code)
		}
		return http2Ended(phase, doing, "reset the stream", e.Code)
	}
	switch text := err.Error(); text {
	case gracefulGoAway:
		return unprocessed(phase, doing, "the target is shutting down and took no request (GOAWAY, NO_ERROR)")
	case errUnusable.Error():
		return unprocessed(phase, doing, "the target closed the connection, or sent a GOAWAY, before the request")
	default:
		for _, re := range goAwayErrors {
			if m := re.FindStringSubmatch(text); m != nil {
				return http2Ended(phase, doing, "closed the connection by a GOAWAY", codeNamed(m[1]))
			}
		}
		return nil
	}
}

// http2Ended is the failure of a request that the target has ended.
func http2Ended(phase PhaseName, doing, how string, code http2Code) *failure {
	text := fmt.Sprintf("the target %s (%s)", how, code)
	switch code { //nolint:exhaustive // most are alike
	case http2WantsOld:
		return failf(ReasonHTTPVersion, phase, "the target wants HTTP/1.1: set enable_http2: false")
	case http2Refused:
		return unprocessed(phase, doing, text)
	case http2Calm:
		return failf(code.reason(), phase, "%s: %s", doing, text).because(CauseAskedTooOften)
	default:
		return failf(code.reason(), phase, "%s: %s", doing, text)
	}
}

// codeNamed is the code to which net/http gives this name.
func codeNamed(name string) http2Code {
	for code, info := range http2Codes {
		if info.name == name {
			return code
		}
	}
	if len(name) > len(http2ErrorCode) {
		if n, err := strconv.ParseUint(name[len(http2ErrorCode):], 16, 32); err == nil {
			return http2Code(n)
		}
	}
	return http2Code(1<<32 - 1)
}
