package prober_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

type frames = func(f *http2.Framer, stream uint32) error

func goAway(last uint32, code http2.ErrCode) frames {
	return func(f *http2.Framer, _ uint32) error {
		return f.WriteGoAway(last, code, []byte("canary GOAWAY HTTP_1_1_REQUIRED"))
	}
}

func reset(code http2.ErrCode) frames {
	return func(f *http2.Framer, stream uint32) error { return f.WriteRSTStream(stream, code) }
}

// A request that the target has not looked at is asked again on one new connection, whatever its method. What may have been looked at
// is not, and fails with the code that the target gave.
func TestUnprocessed(t *testing.T) {
	cert := probetest.NewCA(t).Issue(t, probetest.Cert{})
	const insecure = "tls_config: {insecure_skip_verify: true}\n"
	shutdown, refused := goAway(0, http2.ErrCodeNo), reset(http2.ErrCodeRefusedStream)
	for _, tt := range []struct {
		name        string
		first       []frames
		reason      prober.Reason
		text        string
		connections int
	}{
		{"answers", nil, "", "", 1},
		{"GOAWAY", []frames{shutdown}, "", "", 2},
		{"REFUSED_STREAM", []frames{refused}, "", "", 2},
		{"GOAWAY twice", []frames{shutdown, shutdown, shutdown}, prober.ReasonConnectionClosed, "shutting down and took no request (GOAWAY, NO_ERROR)", 2},
		{"REFUSED_STREAM twice", []frames{refused, refused, refused}, prober.ReasonConnectionClosed, "reset the stream (REFUSED_STREAM)", 2},
		{"one of each", []frames{shutdown, refused, shutdown}, prober.ReasonConnectionClosed, "(REFUSED_STREAM)", 2},
		{"CANCEL", []frames{reset(http2.ErrCodeCancel)}, prober.ReasonConnectionClosed, "reset the stream (CANCEL)", 1},
		{"INTERNAL_ERROR", []frames{reset(http2.ErrCodeInternal)}, prober.ReasonConnectionClosed, "reset the stream (INTERNAL_ERROR)", 1},
		{"ENHANCE_YOUR_CALM", []frames{reset(http2.ErrCodeEnhanceYourCalm)}, prober.ReasonConnectionClosed, "(ENHANCE_YOUR_CALM)", 1},
		{"PROTOCOL_ERROR", []frames{reset(http2.ErrCodeProtocol)}, prober.ReasonHTTPVersion, "reset the stream (PROTOCOL_ERROR)", 1},
		{"INADEQUATE_SECURITY", []frames{reset(http2.ErrCodeInadequateSecurity)}, prober.ReasonTLSFailed, "(INADEQUATE_SECURITY)", 1},
		{"HTTP_1_1_REQUIRED", []frames{reset(http2.ErrCodeHTTP11Required)}, prober.ReasonHTTPVersion, "set enable_http2: false", 1},
		{"an unknown code", []frames{reset(0x4711)}, prober.ReasonConnectionClosed, "(code 0x4711)", 1},
		{"GOAWAY, ENHANCE_YOUR_CALM", []frames{goAway(0, http2.ErrCodeEnhanceYourCalm)}, prober.ReasonConnectionClosed, "by a GOAWAY (ENHANCE_YOUR_CALM)", 1},
		{"GOAWAY, an unknown code", []frames{goAway(0, 0x4711)}, prober.ReasonConnectionClosed, "by a GOAWAY (code 0x4711)", 1},
		{"GOAWAY, HTTP_1_1_REQUIRED", []frames{goAway(0, http2.ErrCodeHTTP11Required)}, prober.ReasonHTTPVersion, "set enable_http2: false", 1},
		{"GOAWAY after the request", []frames{goAway(1, http2.ErrCodeNo)}, prober.ReasonConnectionClosed, "by a GOAWAY (NO_ERROR)", 1},
		{"GOAWAY after the request, INTERNAL_ERROR", []frames{goAway(1, http2.ErrCodeInternal)}, prober.ReasonConnectionClosed, "by a GOAWAY (INTERNAL_ERROR)", 1},
	} {
		for name, block := range map[string]string{"GET": insecure, "POST": insecure + "method: POST\nbody: hello"} {
			cause := prober.CauseNone
			switch {
			case strings.Contains(tt.text, "took no request"), strings.Contains(tt.text, "REFUSED_STREAM"):
				cause = prober.CauseNotTaken
			case strings.Contains(tt.text, "ENHANCE_YOUR_CALM"):
				cause = prober.CauseAskedTooOften
			}
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				s := probetest.HTTP2Frames(t, cert, true, tt.first...)
				res := probe(t, newProber(t, block), target(t, s.URL), patient)
				if tt.reason == "" {
					wantSuccess(t, res)
				} else if res.Reason != tt.reason || !strings.Contains(res.Err.Error(), tt.text) || strings.Contains(res.Err.Error(), "canary") {
					t.Errorf("reason is %q (%v), want %q with %q", res.Reason, res.Err, tt.reason, tt.text)
				}
				if res.Cause != cause {
					t.Errorf("the cause is %q, want %q", res.Cause, cause)
				}
				wantAsked(t, res, s, tt.connections)
			})
		}
	}
}

// What a target says before it hangs up counts, whether or not it took the rest of the request.
func TestHTTP2HangsUpWhileSending(t *testing.T) {
	const times = 50 // it is a matter of chance
	s := probetest.HTTP2Frames(t, probetest.NewCA(t).Issue(t, probetest.Cert{}), true, slices.Repeat([]frames{goAway(0, http2.ErrCodeHTTP11Required)}, times)...)
	p := newProber(t, "tls_config: {insecure_skip_verify: true}\nmethod: POST\nbody: "+strings.Repeat("x", 60_000))
	for range times {
		wantFailure(t, probe(t, p, target(t, s.URL), patient), prober.ReasonHTTPVersion, prober.PhaseProcessing, "set enable_http2: false")
	}
}

// wantAsked wants as many connections, and an event that tells of the second.
func wantAsked(t *testing.T, res prober.Result, s *probetest.Server, want int) {
	t.Helper()
	told := 0
	for _, e := range res.Events {
		if e.Message == "Asking again on a new connection" {
			told++
		}
	}
	if got := s.Accepted(); got != want || told != want-1 {
		t.Errorf("%d connections, and %d events about another try, want %d connections", got, told, want)
	}
}

// By HTTP/3, too, a rejected request is asked again, and no other.
func TestUnprocessedHTTP3(t *testing.T) {
	cert := probetest.NewCA(t).Issue(t, probetest.Cert{})
	for code, want := range map[http3.ErrCode]int{http3.ErrCodeRequestRejected: 2, http3.ErrCodeInternalError: 1, http3.ErrCodeExcessiveLoad: 1} {
		s := probetest.RawHTTP3(t, cert, func(_ context.Context, _ *quic.Conn, s *quic.Stream) {
			s.CancelRead(quic.StreamErrorCode(code))
			s.CancelWrite(quic.StreamErrorCode(code))
		})
		res := probe(t, newProber(t, "enable_http3: true\ntls_config: {insecure_skip_verify: true}"), target(t, s.URL), patient)
		wantFailure(t, res, prober.ReasonConnectionClosed, prober.PhaseProcessing, code.String())
		cause := map[http3.ErrCode]prober.Cause{http3.ErrCodeRequestRejected: prober.CauseNotTaken, http3.ErrCodeExcessiveLoad: prober.CauseAskedTooOften}[code]
		if res.Cause != cause {
			t.Errorf("the cause of %s is %q, want %q", code, res.Cause, cause)
		}
		wantAsked(t, res, s, want)
	}
}

// A target that negotiates HTTP/2 and speaks something else is not the exporter's mistake.
func TestHTTP2Negotiated(t *testing.T) {
	s := probetest.SaysTLS(t, probetest.NewCA(t).Issue(t, probetest.Cert{}), "HTTP/1.1 400 Bad Request\r\n\r\n", "h2")
	p := newProber(t, "tls_config: {insecure_skip_verify: true}")
	for range 50 { // whether net/http reads it before or after the request is a matter of chance
		res := probe(t, p, target(t, s.URL), patient)
		unread := res.Reason == prober.ReasonConnectionClosed && strings.Contains(res.Err.Error(), "before the request")
		if res.Reason != prober.ReasonHTTPVersion && !unread || strings.Contains(res.Err.Error(), "400") {
			t.Fatalf("reason is %s (%v), want %s", res.Reason, res.Err, prober.ReasonHTTPVersion)
		}
	}
}

// A target that breaks the rules of HTTP/2 fails for that, even if it hangs up after it, as a crash does.
func TestHTTP2Violations(t *testing.T) {
	cert := probetest.NewCA(t).Issue(t, probetest.Cert{})
	p := newProber(t, "tls_config: {insecure_skip_verify: true}")
	head := func(block string) frames {
		return func(f *http2.Framer, stream uint32) error {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte(block), EndHeaders: true, EndStream: true})
		}
	}
	raw := func(kind http2.FrameType, flags http2.Flags, payload string) frames {
		return func(f *http2.Framer, _ uint32) error { return f.WriteRawFrame(kind, flags, 0, []byte(payload)) }
	}
	for name, violation := range map[string]frames{
		"no status":            head("\x82"),
		"no header":            head(""),
		"a status of letters":  head("\x08\x03abc"),
		"a bad header block":   head("\xff\xff\xff\xff\xff"),
		"a head on no stream":  raw(http2.FrameHeaders, http2.FlagHeadersEndHeaders, "\x88"),
		"a reset of no stream": raw(http2.FrameRSTStream, 0, "\x00\x00\x00\x00"),
		"an empty window":      raw(http2.FrameWindowUpdate, 0, "\x00\x00\x00\x00"),
		"settings cut short":   raw(http2.FrameSettings, 0, "\x00\x00\x00"),
		"a ping cut short":     raw(http2.FramePing, 0, "\x00"),
		"a continuation":       raw(http2.FrameContinuation, http2.FlagContinuationEndHeaders, "\x88"),
		"data before the head": func(f *http2.Framer, stream uint32) error { return f.WriteData(stream, true, []byte("canary")) },
		"a frame over the size": func(f *http2.Framer, stream uint32) error {
			return f.WriteRawFrame(http2.FrameData, 0, stream, make([]byte, 2<<20))
		},
	} {
		for _, closes := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, closes %t", name, closes), func(t *testing.T) {
				s := probetest.HTTP2Frames(t, cert, closes, violation)
				wantFailure(t, probe(t, p, target(t, s.URL), patient), prober.ReasonHTTPVersion, prober.PhaseProcessing, "not proper HTTP")
			})
		}
	}
}
