package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
)

// contentPolicy is the content security policy of a page with forms that lead to the exporter. Its style comes on top.
const contentPolicy = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// styled lets a page have the style that it begins with, and forms that lead to the exporter.
func styled(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole := &heldPage{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(whole, r)
		_, rest, _ := strings.Cut(whole.body.String(), "<style>")
		style, _, _ := strings.Cut(rest, "</style>")
		hash := sha256.Sum256([]byte(style))
		w.Header().Set("Content-Security-Policy", contentPolicy+"; style-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'")
		w.WriteHeader(whole.status)
		_, _ = whole.body.WriteTo(w) // who asked is gone
	})
}

// A heldPage keeps a page until its headers are known.
type heldPage struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (p *heldPage) WriteHeader(status int) { p.status = status }

// Write implements http.ResponseWriter.
func (p *heldPage) Write(b []byte) (int, error) { return p.body.Write(b) }
