package page

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"sync"

	"github.com/prometheus/common/version"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/send"
)

//go:embed html/*.html
var htmlFiles embed.FS

// templates are those of each language: html/layout.html with the others in it.
var templates = func() map[string]*template.Template {
	all := map[string]*template.Template{}
	for _, lang := range languages {
		c := catalogues[lang]
		all[lang] = template.Must(template.New("").Funcs(template.FuncMap{"say": c.say, "clean": clean}).ParseFS(htmlFiles, "html/*.html"))
	}
	return all
}()

// clean is a short text from outside as a page shows it.
func clean(s string) string { return printable.Text(s, printable.MaxLog) }

// A shell is what is around the content of a page.
type shell struct {
	*catalogue

	Content string // the name of the template in it
	Title   string // of the document
	Site    string // status.title
	Here    string // the entry of the navigation that is current
	Root    string // the way to the front page, such as "../": a link of ours is relative, right behind every proxy
	User    string // who asks, and what he may; empty: he has no name
	MayAdd  bool
	Version string
	Assets  string
	Mark    string // since which the script asks for changes; empty: it does not
	List    string // see listOf
	Body    any

	Languages []languageLink
	// Ages are the texts for how long something lasts, and for how long ago it was, in seconds, minutes, hours and days, for the
	// script.
	Ages string
}

// A languageLink leads to the same page in a language.
type languageLink struct{ Lang, Name, Link string }

// languageLinks lead to what a request asks for, in each language.
func languageLinks(r *http.Request) (all []languageLink) {
	if r.Method == http.MethodPost { // a link would not send what was typed
		return nil
	}
	q := r.URL.Query()
	for _, lang := range languages {
		q.Set("lang", lang)
		all = append(all, languageLink{lang, catalogues[lang].say("language"), "?" + q.Encode()})
	}
	return all
}

// pagePolicy is the content security policy of a page: its own files alone, and nothing inline.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ofContent has a page get an ETag of what it says.
const ofContent = "content"

// pageCaching lets a browser keep a page, and ask each time whether it has changed.
const pageCaching = "private, no-cache"

// pageReferrer has a browser name the page that a form is on, to the exporter alone. Without that it would send no Origin with the
// form, and over plain http there is nothing else to tell a form of ours by (Fetch, "append a request Origin header").
const pageReferrer = "same-origin"

// keep sets the headers of a page that a browser keeps. Where it has the page already, these replace those that it has kept.
func keep(h http.Header) {
	h.Set("Cache-Control", pageCaching)
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", pageReferrer)
}

// buffers are for pages: a long one takes a megabyte.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// render writes a page. A page that is made anew for everybody has an ETag; empty: it is not kept.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, status int, s shell, etag string) {
	s.Site, s.Version, s.Assets, s.Languages, s.Ages = p.Title(), version.Version, assetVersion, languageLinks(r), s.ages()
	if id := access.From(r.Context()); id.Name != "" {
		s.User = printable.Text(id.String(), printable.MaxLog)
	}
	s.MayAdd = p.editor(r)
	b := buffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // there is nothing else in it
	defer buffers.Put(b)
	b.Reset()
	if err := templates[s.Lang].ExecuteTemplate(b, "layout", &s); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError) // a test renders every page
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", s.Lang)
	if etag == "" || status != http.StatusOK {
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("Referrer-Policy", pageReferrer)
		w.WriteHeader(status)
		_, _ = w.Write(b.Bytes()) // who asked is gone
		return
	}
	if etag == ofContent {
		etag = send.ETag(b.Bytes())
	}
	keep(h)
	sendText(w, r, etag, b.Bytes())
}

// sendText answers with a body that is in a language. Its Content-Type is set.
func sendText(w http.ResponseWriter, r *http.Request, etag string, body []byte) {
	w.Header().Add("Vary", "Accept-Language")
	send.Body(w, r, etag, body)
}

// refuse writes a page that says what is wrong with a request.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, status int, root string, err error) {
	c := catalogueFor(r)
	p.render(w, r, status, shell{
		catalogue: c, Content: "error", Title: c.say("error.title"), Root: root, Body: printable.Text(err.Error(), printable.MaxError),
	}, "")
}
