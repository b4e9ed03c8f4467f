package page

import (
	"bytes"
	"cmp"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// The bounds of what is public.
const (
	maxPublicRequests = 60   // a second, of all who ask together
	maxPublicTargets  = 1000 // on the page: those that are down come first
)

// How long others may keep what is public.
const (
	publicCaching      = "public, max-age=1"
	publicBadgeCaching = "public, " + badgeCaching
)

// publicPolicy is the content security policy of the public page: its own style alone.
const publicPolicy = "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// A public is what everybody may see: the targets of some environments, each by its name, its state and its uptime.
type public struct {
	pages    *Pages
	settings func() *config.PublicStatus
	second   second
}

// Public serves what the settings show to everybody, and nothing else. Without settings that is nothing. Refused is told of
// every request that is one too many.
func (p *Pages) Public(settings func() *config.PublicStatus, refused func()) http.Handler {
	s := &public{pages: p, settings: settings}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /api/v1/summary", s.summary)
	mux.HandleFunc("GET /badge/{file}", s.badge)
	mux.HandleFunc("GET /assets/{version}/page.css", func(w http.ResponseWriter, r *http.Request) {
		r.SetPathValue("file", "page.css")
		p.Asset(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !s.second.admit(time.Now()):
			refused()
			w.Header().Set("Retry-After", "1")
			http.Error(w, "more is asked here than is answered in a second", http.StatusTooManyRequests)
		case settings() == nil:
			http.NotFound(w, r)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// A second is the present one: how much was asked in it, and what was made.
type second struct {
	mu    sync.Mutex // protects the following
	at    int64      // since 1970
	asked int
	made  map[string]*answer
}

// admit counts a request and reports whether it is answered.
func (s *second) admit(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := now.Unix(); at != s.at {
		s.at, s.asked, s.made = at, 0, map[string]*answer{}
	}
	s.asked++
	return s.asked <= maxPublicRequests
}

// once makes an answer if it was not made in this second. Others wait for it.
func (s *second) once(key string, makeIt func() *answer) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.made[key]
	if a == nil {
		a = makeIt()
		s.made[key] = a
	}
	return a
}

// shown are the targets that are shown. Settings that are gone in the meantime show none.
func (s *public) shown() func(*inventory.Entry) bool {
	settings := s.settings()
	return func(e *inventory.Entry) bool {
		return settings != nil && slices.Contains(settings.Environments, e.Environment)
	}
}

func (s *public) badge(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	s.second.once(r.URL.RequestURI(), func() *answer { return s.pages.badge(r, s.shown()) }).send(w, r, publicBadgeCaching)
}

func (s *public) summary(w http.ResponseWriter, r *http.Request) {
	if !only(w, r) {
		return
	}
	s.second.once("summary", func() *answer {
		sum, _ := s.targets()
		body, _ := json.Marshal(sum) // it is made of texts and numbers
		return &answer{http.StatusOK, "application/json", append(body, '\n')}
	}).send(w, r, publicCaching)
}

// only refuses parameters that are not known.
func only(w http.ResponseWriter, r *http.Request, known ...string) bool {
	q := query.Of(r.URL.Query())
	q.Only(known...)
	if err := q.Err(); err != nil {
		http.Error(w, printable.Text(err.Error(), printable.MaxLog), http.StatusBadRequest)
		return false
	}
	return true
}

// targets are those that are shown, those that are down first, and the sum of them.
func (s *public) targets() (board.Summary, []board.Target) {
	var sum board.Summary
	var all []board.Target
	b, shown := s.pages.Board.At(time.Now()), s.shown()
	for _, e := range b.Inventory.Entries() {
		if shown(e) {
			t := b.Target(e)
			sum.Count(&t)
			all = append(all, t)
		}
	}
	sum.Judge()
	slices.SortStableFunc(all, func(x, y board.Target) int { return cmp.Compare(publicRank(&x), publicRank(&y)) })
	return sum, all
}

func publicRank(t *board.Target) int {
	switch {
	case t.State == status.StateDown && !t.Stale && !t.Quiet.InMaintenance:
		return 0
	case t.State == status.StateUp && !t.Stale && !t.Quiet.InMaintenance:
		return 2
	default:
		return 1
	}
}

// A publicPage is the page for everybody.
type publicPage struct {
	*catalogue

	Site, Title, Root, Assets string
	Class                     string // of the title
	Languages                 []languageLink
	Groups                    []publicGroup
	More                      int // targets that are not on it
}

type (
	publicGroup struct {
		Name string
		Rows []publicRow
	}
	publicRow struct {
		Name, Class, Icon, Word, Reason string
		Since, Day, Month               template.HTML
	}
)

func (s *public) page(w http.ResponseWriter, r *http.Request) {
	if !only(w, r, "lang") {
		return
	}
	c := catalogueFor(r)
	made := s.second.once("page "+c.Lang+c.Query, func() *answer { return s.render(c, r) })
	if made.status == http.StatusOK {
		w.Header().Set("Content-Language", c.Lang)
		w.Header().Set("Content-Security-Policy", publicPolicy)
	}
	made.send(w, r, publicCaching)
}

func (s *public) render(c *catalogue, r *http.Request) *answer {
	sum, all := s.targets()
	p := &publicPage{catalogue: c, Site: s.pages.Title(), Root: "./", Assets: assetVersion, Languages: languageLinks(r)}
	p.Title, p.Class = headline(c, &sum)
	if p.More = len(all) - maxPublicTargets; p.More > 0 {
		all = all[:maxPublicTargets]
	}
	now := time.Now()
	settings := s.settings()
	for i := 0; settings != nil && i < len(settings.Environments); i++ {
		group := publicGroup{Name: settings.Environments[i]}
		for j := range all {
			if all[j].Environment == group.Name {
				group.Rows = append(group.Rows, s.row(c, &all[j], settings.ShowReasons, now))
			}
		}
		if len(group.Rows) > 0 {
			p.Groups = append(p.Groups, group)
		}
	}
	var b bytes.Buffer
	if err := templates[c.Lang].ExecuteTemplate(&b, "public", p); err != nil {
		return &answer{http.StatusInternalServerError, "text/plain; charset=utf-8", []byte("the page could not be made\n")} // a test renders it
	}
	return &answer{http.StatusOK, "text/html; charset=utf-8", b.Bytes()}
}

// row is a target as everybody may see it: neither why it is down, unless that is wanted, nor what it depends on.
func (s *public) row(c *catalogue, t *board.Target, reasons bool, now time.Time) publicRow {
	words := stateSigns[t.State]
	r := publicRow{Name: printable.Text(t.Name, printable.MaxURL), Class: string(t.State), Icon: words.sign.icon, Word: c.say(words.sign.key), Since: none, Day: none, Month: none}
	switch {
	case t.Quiet.InMaintenance:
		r.Class, r.Icon, r.Word = "stale", "⚙", c.say("state.maintenance")
	case t.Stale:
		r.Class, r.Icon, r.Word = "stale", words.stale.icon, c.say(words.stale.key)
	case t.State == status.StateDown && reasons:
		r.Reason = c.reason(t.Reason)
	}
	if !t.Since.IsZero() {
		r.Since = clock(t.Since)
	}
	u := s.pages.Board.Status.Uptime(t.Name, now)
	for of, n := range map[*template.HTML]status.Count{&r.Day: u.Day, &r.Month: u.Month} {
		if n.Total() > 0 {
			*of = template.HTML(appendPercent(nil, c, n)) //nolint:gosec // it is escaped
		}
	}
	return r
}

// headline is how all targets are, in a sentence.
func headline(c *catalogue, sum *board.Summary) (text, class string) {
	switch {
	case sum.Down > 0:
		return c.say("public.down", sum.Down, sum.Targets), "down"
	case sum.Stale > 0:
		return c.say("public.stale", sum.Stale, sum.Targets), "stale"
	case sum.Up > 0:
		return c.say("public.up"), "up"
	default:
		return c.say("public.unknown"), "unknown"
	}
}
