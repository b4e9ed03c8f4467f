package prober

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/andybalholm/brotli"
)

// readBody reads the response body to its end, decompressed and within the limit. The bytes are kept only if a check
// has to see them, and are always counted in size.
func (x *exchange) readBody(ctx context.Context, resp *http.Response) (body []byte, size int64, err error) {
	if !hasBody(resp) {
		return nil, 0, nil
	}
	p := x.prober
	wire := &wireReader{r: resp.Body}
	if plainRefusal := resp.StatusCode == http.StatusBadRequest && !x.result.TLS; plainRefusal {
		wire.begins = make([]byte, 0, maxRefusal)
		defer func() { x.result.WantsTLS = wantsTLS(wire.begins) }()
	}
	if x.excerpt && !p.cfg.ValidStatusCodes.Contains(resp.StatusCode) && resp.Header.Get("Content-Encoding") == "" {
		if wire.begins == nil {
			wire.begins = make([]byte, 0, maxRefusedBody)
		}
		defer func() { x.result.Excerpt = string(wire.begins[:min(len(wire.begins), maxRefusedBody)]) }()
	}
	r, err := decompress(p.cfg.Compression, wire)
	if err == nil {
		r = &contextReader{ctx, r} // a decompressor can go on for a long time with what it has
		limit := p.cfg.BodyLimit()
		if limit > 0 {
			r = io.LimitReader(r, limit+1)
		}
		if p.cfg.NeedsBody() {
			k := keptText{most: x.longest(resp), hold: func() error { return x.keep(ctx, resp) }}
			size, err = k.ReadFrom(r)
			body = k.data
		} else {
			size, err = io.Copy(io.Discard, r)
		}
		if limit > 0 && size > limit {
			return nil, limit, failf(ReasonTooLarge, PhaseTransfer, "reading the body: more than %d bytes (body_size_limit)", limit)
		}
	}
	doing := "reading the body, got " + got(size, resp.ContentLength)
	switch {
	case err == nil:
		return body, size, nil
	case errors.Is(err, errNoMemory):
		return nil, size, failf(ReasonLocalResource, PhaseTransfer, "reading the body, got %d bytes: %w", size, err)
	case ctx.Err() != nil || isTimeout(err):
		return nil, size, failf(ReasonTransferTimeout, PhaseTransfer, "reading the body: not complete in time, got %d bytes", size)
	case wire.err == nil:
		return nil, size, failf(ReasonBody, PhaseTransfer, "decompressing the body as %s: %w; %s", p.cfg.Compression, err, encoding(resp.Header))
	case x.sessionFailure(wire.err) != nil:
		return nil, size, x.sessionFailure(wire.err)
	case x.http2End(PhaseTransfer, doing, wire.err) != nil:
		return nil, size, x.http2End(PhaseTransfer, doing, wire.err)
	case x.ended(wire.err) && !http2Violated(x.words(wire.err)):
		return nil, size, x.closedFailure(PhaseTransfer, doing, wire.err)
	default:
		return nil, size, failf(ReasonHTTPVersion, PhaseTransfer, "reading the body: it is not proper HTTP")
	}
}

// longest is how many bytes the body of a response may have, and one more, which shows that it is longer.
func (x *exchange) longest(resp *http.Response) int64 {
	limit := x.prober.cfg.BodyLimit()
	if x.prober.cfg.Compression == "" && resp.ContentLength >= 0 {
		limit = min(limit, resp.ContentLength)
	}
	return limit + 1
}

// keep takes the memory for a body that is not small, until the exchange is over. It is taken all at once: if several
// probes had a part each, none could go on. A module whose limit is higher than the memory there is gets all of it.
func (x *exchange) keep(ctx context.Context, resp *http.Response) (err error) {
	x.release, err = toKeep.take(ctx, min(x.longest(resp), toKeep.size))
	return err
}

// hasBody reports whether a response has a body to read. What follows 101 is another protocol, and some responses never
// have a body, so there is nothing to decompress (RFC 9110 section 6.4.1).
func hasBody(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusSwitchingProtocols, http.StatusNoContent, http.StatusNotModified:
		return false
	default:
		return resp.Request.Method != http.MethodHead
	}
}

// A contextReader ends with its context.
type contextReader struct {
	ctx context.Context //nolint:containedctx // a Reader has no other way to be told
	r   io.Reader
}

func (c *contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

func got(size, announced int64) string {
	if announced < 0 {
		return fmt.Sprintf("%d bytes", size)
	}
	return fmt.Sprintf("%d of %d bytes", size, announced)
}

// A wireReader remembers the error of the connection, so that it is not mistaken for an error of decompression.
type wireReader struct {
	r      io.Reader
	err    error  // nil if reading goes well or has ended properly
	begins []byte // the first bytes, up to its capacity
}

func (w *wireReader) Read(b []byte) (int, error) {
	n, err := w.r.Read(b)
	w.begins = append(w.begins, b[:min(n, cap(w.begins)-len(w.begins))]...)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// decompress wraps r to decompress the body as the module says, whatever Content-Encoding the target claims.
func decompress(algorithm string, r io.Reader) (io.Reader, error) {
	switch algorithm {
	case "gzip":
		return gzip.NewReader(r)
	case "br":
		return brotli.NewReader(r), nil
	case "deflate":
		return inflate(r)
	default: // identity, or not configured
		return r, nil
	}
}

// encoding says how the target claims to have compressed a body.
func encoding(h http.Header) string {
	values := h.Values("Content-Encoding")
	if len(values) == 0 {
		return "the answer has no Content-Encoding"
	}
	return "its Content-Encoding is " + quote(strings.Join(values, ", "))
}

// inflate reads the zlib format that RFC 9110 section 8.4.1.2 calls deflate, and the raw format that some servers send
// instead.
func inflate(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(2)
	if err != nil {
		return nil, err
	}
	const deflateMethod = 8 // RFC 1950 section 2.2: CM, and CMF*256+FLG is a multiple of 31
	if head[0]&0x0f == deflateMethod && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}
