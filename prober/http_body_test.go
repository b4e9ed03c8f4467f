package prober_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func TestCompression(t *testing.T) {
	text := strings.Repeat("hello ", 1000)
	for _, tt := range []struct {
		name, compression string
		writer            func(io.Writer) io.WriteCloser
	}{
		{"gzip", "gzip", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }},
		{"brotli", "br", func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) }},
		{"zlib", "deflate", func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }},
		{"raw deflate", "DEFLATE", func(w io.Writer) io.WriteCloser {
			f, _ := flate.NewWriter(w, flate.DefaultCompression)
			return f
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var body bytes.Buffer
			w := tt.writer(&body)
			if _, err := io.WriteString(w, text); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			s := record(t, func(h http.Handler) *probetest.Server { return probetest.Serve(t, h) },
				func(w http.ResponseWriter, _ *http.Request) { w.Write(body.Bytes()) })
			res := probe(t, newProber(t, "compression: "+tt.compression+"\nfail_if_body_not_matches_regexp: ['^(hello ){1000}$']"), target(t, s.URL), patient)
			wantSuccess(t, res)
			if res.HTTP.BodyBytes != int64(len(text)) {
				t.Errorf("body bytes are %d, want the decompressed %d", res.HTTP.BodyBytes, len(text))
			}
			if got, want := s.last(t).Header.Get("Accept-Encoding"), strings.ToLower(tt.compression); got != want {
				t.Errorf("Accept-Encoding is %q, want %q", got, want)
			}
		})
	}
}

// A body that is not compressed as the module says fails with what the answer says of itself.
func TestNotCompressed(t *testing.T) {
	for _, tt := range []struct{ algorithm, encoding, body, want string }{
		{"gzip", "", "short", "decompressing the body as gzip: unexpected EOF; the answer has no Content-Encoding"},
		{"gzip", "", "", "decompressing the body as gzip: EOF; the answer has no Content-Encoding"},
		{"gzip", "", "a body that is long enough", "decompressing the body as gzip: gzip: invalid header; the answer has no Content-Encoding"},
		{"gzip", "br", "a body that is long enough", `gzip: invalid header; its Content-Encoding is "br"`},
		{"gzip", "gzip", "a body that is long enough", `gzip: invalid header; its Content-Encoding is "gzip"`},
		{"gzip", "\u202e", "a body that is long enough", `; its Content-Encoding is "\u202e"`},
		{"br", "", "a body that is long enough", "; the answer has no Content-Encoding"},
		{"br", "gzip", "", `decompressing the body as br: unexpected EOF; its Content-Encoding is "gzip"`},
		{"deflate", "", "", "decompressing the body as deflate: EOF; the answer has no Content-Encoding"},
		{"deflate", "identity", "\xff\xff\xff", `; its Content-Encoding is "identity"`},
		{"deflate", "", "\x78\x9c\xff\xff\xff", "; the answer has no Content-Encoding"},
	} {
		t.Run(fmt.Sprintf("%s, %q is %q", tt.algorithm, tt.body, tt.encoding), func(t *testing.T) {
			s := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tt.encoding != "" {
					w.Header().Set("Content-Encoding", tt.encoding)
				}
				fmt.Fprint(w, tt.body)
			}))
			res := probe(t, newProber(t, "compression: "+tt.algorithm), target(t, s.URL), patient)
			wantFailure(t, res, prober.ReasonBody, prober.PhaseTransfer, tt.want)
		})
	}
}
