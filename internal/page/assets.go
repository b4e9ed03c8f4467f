package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/send"
)

//go:embed assets/page.css
var pageCSS []byte

//go:embed assets/page.js
var pageJS []byte

// assetVersion changes with the assets, so that a browser may keep them for ever.
var assetVersion = func() string {
	h := sha256.New()
	h.Write(pageCSS)
	h.Write(pageJS)
	return hex.EncodeToString(h.Sum(nil))[:12]
}()

// Asset serves the style and the script of the page.
func (p *Pages) Asset(w http.ResponseWriter, r *http.Request) {
	var body []byte
	switch file := r.PathValue("file"); {
	case r.PathValue("version") != assetVersion: // of another version of the exporter, which a reload of the page names
		http.NotFound(w, r)
		return
	case file == "page.css":
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		body = pageCSS
	case file == "page.js":
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		body = pageJS
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	send.Body(w, r, `"`+assetVersion+`"`, body)
}
