// Package send answers requests with bodies that are made: not at all if the client has one already, and compressed if it likes.
package send

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// gzipLevel takes a fraction of the time of the highest and is a few percent longer.
const gzipLevel = 5

// leastGzip is how long an answer is that is worth compressing, in bytes.
const leastGzip = 1 << 10

var gzips = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzipLevel) // the level is valid
	return z
}}

// Body answers with a body whose Content-Type is set. Whoever has the ETag already is answered with 304.
func Body(w http.ResponseWriter, r *http.Request, etag string, body []byte) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	h.Set("ETag", etag)
	if Has(r, etag) {
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if len(body) < leastGzip || !acceptsGzip(r) {
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // who asked is gone
		return
	}
	h.Set("Content-Encoding", "gzip")
	z := gzips.Get().(*gzip.Writer) //nolint:forcetypeassert // there is nothing else in it
	defer gzips.Put(z)
	z.Reset(w)
	_, _ = z.Write(body) // likewise
	_ = z.Close()
}

// ETag is that of a body, by its content.
func ETag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// Has reports whether a client has the body of an ETag already (RFC 9110, section 13.1.2).
func Has(r *http.Request, etag string) bool {
	for one := range strings.SplitSeq(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// acceptsGzip reports whether a client likes gzip (RFC 9110, section 12.5.3).
func acceptsGzip(r *http.Request) bool {
	for one := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, q, _ := strings.Cut(strings.TrimSpace(one), ";")
		if coding = strings.TrimSpace(coding); !strings.EqualFold(coding, "gzip") && coding != "*" {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(q), "q="), 64)
		return q == "" || err == nil && value > 0
	}
	return false
}
