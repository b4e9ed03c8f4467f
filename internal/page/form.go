package page

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// maxForm is how long a form may be that a browser sends, in bytes.
const maxForm = 64 << 10

// A form is what a browser sends: each field at most once.
type form struct {
	*query.Parameters
}

// formOf reads the form of a request, which has no other fields than these. If it cannot be read, formOf answers, and ok is false.
func (p *Pages) formOf(w http.ResponseWriter, r *http.Request, known ...string) (f form, ok bool) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if kind = strings.TrimSpace(kind); kind != "" && !strings.EqualFold(kind, "application/x-www-form-urlencoded") {
		p.Refuse(w, r, http.StatusUnsupportedMediaType, errors.New("want a form as browsers send it, application/x-www-form-urlencoded; for JSON there is the API"))
		return f, false
	}
	q := query.Of(r.URL.Query())
	q.Only("lang")
	q.OneOf("lang", languages...)
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	f = form{query.Of(r.PostForm)}
	f.Only(known...)
	for _, name := range known {
		f.Text(name)
	}
	if err = cmp.Or(q.Err(), err, f.Err()); err != nil {
		p.Refuse(w, r, statusOf(err), err)
		return f, false
	}
	return f, true
}

// line is a field of one line.
func (f form) line(name string) string { return strings.TrimSpace(f.Text(name)) }

// A mistake is one thing that is wrong with a form. Field is empty if it is about the whole.
type mistake struct {
	Field, Label, Text string
	Ours               bool // the text is in the language of the page; others are in English
}

// mistakesOf are those of an error, each with the field of a form that it is about, in the order of the fields.
func mistakesOf(c *catalogue, err error, fields []string) []mistake {
	return mistakesIn(func(key string) string { return c.say("form." + key) }, err, fields)
}

// mistakesIn is mistakesOf for fields that have these labels.
func mistakesIn(label func(key string) string, err error, fields []string) (all []mistake) {
	invalid, ok := errors.AsType[*managed.InvalidError](err)
	if !ok {
		return []mistake{{Text: printable.Text(err.Error(), printable.MaxError)}}
	}
	for _, one := range invalid.Problems {
		found := mistake{Text: printable.Text(one.Detail, printable.MaxError)}
		key, rest, _ := strings.Cut(strings.TrimPrefix(one.Pointer, "/"), "/")
		if slices.Contains(fields, key) {
			found.Field, found.Label = key, label(key)
			if rest != "" {
				found.Text = printable.Text(rest, printable.MaxLog) + ": " + found.Text
			}
		} else if one.Pointer != "" {
			found.Label = printable.Text(strings.TrimPrefix(one.Pointer, "/"), printable.MaxLog)
		}
		all = append(all, found)
	}
	place := func(m mistake) int {
		if i := slices.Index(fields, m.Field); i >= 0 {
			return i
		}
		return len(fields) // what the form does not have comes last
	}
	slices.SortStableFunc(all, func(a, b mistake) int { return cmp.Compare(place(a), place(b)) })
	return all
}
