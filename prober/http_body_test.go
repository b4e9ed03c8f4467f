package prober_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
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
