package page

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/text/language"
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
	Lang     string
	messages map[string]message
}

// catalogues are those of all languages, by language.
var catalogues = readCatalogues()

func readCatalogues() map[string]*catalogue {
	all := map[string]*catalogue{}
	for _, lang := range languages {
		text, err := textFiles.ReadFile("text/" + lang + ".json")
		c := &catalogue{Lang: lang}
		if err == nil {
			err = json.Unmarshal(text, &c.messages)
		}
		if err != nil {
			panic(fmt.Sprintf("page: text/%s.json: %v", lang, err)) // it is embedded, and a test reads it
		}
		all[lang] = c
	}
	return all
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
	if c, ok := catalogues[r.URL.Query().Get("lang")]; ok {
		return c
	}
	accepted := strings.Join(r.Header.Values("Accept-Language"), ",")
	_, i := language.MatchStrings(matcher, accepted)
	return catalogues[languages[i]]
}
