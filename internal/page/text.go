package page

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/text/language"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

//go:embed text/*.json
var textFiles embed.FS

// Languages of the page, the first one for whoever asks for none of them.
var languages = []string{"en", "ko"}

// A message is a text with verbs of fmt. Where it counts something it may have one form for a single thing and one for others.
type message struct{ one, other string }

// UnmarshalJSON implements json.Unmarshaler: a text, or an object with one and other.
func (m *message) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, &m.other)
	}
	var forms struct{ One, Other string }
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(&forms)
	m.one, m.other = forms.One, forms.Other
	return err
}

// A catalogue has every text of the page in one language. All catalogues have the same keys.
type catalogue struct {
	Lang string
	// Query is what a link of ours has, so that the language stays that was asked for by ?lang=: such as "?lang=ko". Empty: none was.
	Query    string
	messages map[string]message
	halves   map[string]halves // of messages with one verb and one form
}

// halves are what is before and after the verb of a message.
type halves struct{ before, after string }

// catalogues are those of all languages, by language.
var catalogues = readCatalogues()

func readCatalogues() map[string]*catalogue {
	all := map[string]*catalogue{}
	for _, lang := range languages {
		text, err := textFiles.ReadFile("text/" + lang + ".json")
		c := &catalogue{Lang: lang, halves: map[string]halves{}}
		if err == nil {
			err = json.Unmarshal(text, &c.messages)
		}
		if err != nil {
			panic(fmt.Sprintf("page: text/%s.json: %v", lang, err)) // it is embedded, and a test reads it
		}
		for key, m := range c.messages {
			if before, after, ok := strings.Cut(m.other, "%s"); ok && m.one == "" && !strings.Contains(after, "%s") {
				c.halves[key] = halves{strings.ReplaceAll(before, "%%", "%"), strings.ReplaceAll(after, "%%", "%")}
			}
		}
		all[lang] = c
	}
	return all
}

// asked are the catalogues for who asks for a language in the query.
var asked = func() map[string]*catalogue {
	all := map[string]*catalogue{}
	for lang, c := range catalogues {
		that := *c
		that.Query = "?lang=" + lang
		all[lang] = &that
	}
	return all
}()

// around is the text of a key before and after its only verb, for rows: they are appended and not formatted.
func (c *catalogue) around(key string) (before, after string) {
	h, ok := c.halves[key]
	if !ok {
		return key, ""
	}
	return h.before, h.after
}

// reason is the short word for why a probe failed.
func (c *catalogue) reason(r prober.Reason) string {
	if r == prober.ReasonNone {
		return c.say("reason.unknown")
	}
	return c.say("reason." + string(r))
}

// say is the text of a key. The first number among the arguments chooses the form.
func (c *catalogue) say(key string, args ...any) string {
	m, ok := c.messages[key]
	if !ok {
		return key // a test looks for every key that the code has
	}
	form := m.other
	if m.one != "" {
		for _, a := range args {
			if n, ok := a.(int); ok {
				if n == 1 {
					form = m.one
				}
				break
			}
		}
	}
	if len(args) == 0 {
		return form
	}
	return fmt.Sprintf(form, args...)
}

var matcher = language.NewMatcher(func() (tags []language.Tag) {
	for _, lang := range languages {
		tags = append(tags, language.MustParse(lang))
	}
	return tags
}())

// catalogueFor is the catalogue of the language that a request asks for: by ?lang=, or else as its browser says.
func catalogueFor(r *http.Request) *catalogue {
	if c, ok := asked[r.URL.Query().Get("lang")]; ok {
		return c
	}
	accepted := strings.Join(r.Header.Values("Accept-Language"), ",")
	_, i := language.MatchStrings(matcher, accepted)
	return catalogues[languages[i]]
}
