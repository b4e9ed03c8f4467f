package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// A PeriodOf is a period with its target.
type PeriodOf struct {
	Target string `json:"target"`
	calendar.Period
}

// PeriodList is the answer of GET /api/v1/mutes and /api/v1/maintenances. One of the lists is there.
type PeriodList struct {
	Mutes        *[]PeriodOf `json:"mutes,omitempty"`
	Maintenances *[]PeriodOf `json:"maintenances,omitempty"`
	// Next is where the list goes on, relative to the path of the request. Empty: this is the end.
	Next string `json:"next,omitempty"`
}

// A PeriodChange is the answer to a change of many.
type PeriodChange struct {
	// Found is how many targets the request is about.
	Found int `json:"found"`
	// Targets are those of them that are not as they were, sorted.
	Targets []string `json:"targets"`
	// Period is what holds for all of them. nil: nothing does any more.
	*calendar.Period
}

// An unnumberedError says that a request about many targets does not say how many are expected.
type unnumberedError struct{ found int }

// Error implements error.
func (e *unnumberedError) Error() string {
	return fmt.Sprintf("expect is missing, want %d, the number of targets that this is about", e.found)
}

// List serves those that are in force or to come, of the targets that a query asks for, sorted by target. Without a filter those
// of targets that are gone are among them.
func (s *Periods) List(w http.ResponseWriter, r *http.Request) {
	list, err := s.list(r, time.Now())
	if err != nil {
		Fail(w, err)
		return
	}
	answerList(w, r, list)
}

func (s *Periods) list(r *http.Request, now time.Time) (*PeriodList, error) {
	p, values := query.Parse(r.URL.RawQuery)
	part := pagingOf(p, values)
	f, err := filterOf(p, values, "after", "limit")
	if err != nil {
		return nil, err
	}
	filtered := slices.ContainsFunc(board.FilterParameters(), values.Has)
	b := s.Board.At(now)
	found, list := []PeriodOf{}, &PeriodList{}
	for _, o := range s.Overlays.Overlays(s.Kind, now) {
		e := b.Inventory.ByName(o.Target)
		if o.Target <= part.after || filtered && (e == nil || !selects(b, &f, o.Target)) {
			continue
		}
		if len(found) == part.limit {
			list.Next = part.next(found[part.limit-1].Target)
			break
		}
		found = append(found, PeriodOf{o.Target, utc(o.Period)})
	}
	if s.Kind == managed.Mute {
		list.Mutes = &found
	} else {
		list.Maintenances = &found
	}
	return list, nil
}

// A many is a request about many targets.
type many struct {
	edit     managed.Edit
	filter   board.Filter
	expected int // less than 0: nothing was said
}

// many reads the parameters of a request about many targets.
func (s *Periods) many(r *http.Request, parameters ...string) (*many, error) {
	p, values := query.Parse(r.URL.RawQuery)
	m := &many{expected: -1}
	m.edit.DryRun = p.Flag("dry_run")
	if slices.Contains(parameters, "expect") && values.Has("expect") {
		m.expected = int(p.Number("expect", maxExpected)) //nolint:gosec // it is at most maxExpected
	}
	var err error
	m.filter, err = filterOf(p, values, append(parameters, "dry_run")...)
	return m, err
}

// maxExpected is more than there can be.
const maxExpected = 1 << 30

// PutMany mutes all targets that a query asks for, or has them in maintenance.
func (s *Periods) PutMany(w http.ResponseWriter, r *http.Request) {
	m, err := s.many(r)
	if err != nil {
		Fail(w, err)
		return
	}
	body, _, err := oneObject.read(w, r)
	if err != nil {
		Fail(w, err)
		return
	}
	now, expect := time.Now(), uint64(maxExpected+1)
	period, err := s.period(body, map[string]any{"expect": &expect}, now)
	if err != nil {
		Fail(w, err)
		return
	}
	if expect <= maxExpected {
		m.expected = int(expect) //nolint:gosec // likewise
	}
	s.setMany(w, r, m, period, now)
}

// DeleteMany ends it for all targets that a query asks for.
func (s *Periods) DeleteMany(w http.ResponseWriter, r *http.Request) {
	m, err := s.many(r, "expect")
	if err == nil {
		_, _, err = nothing.read(w, r)
	}
	if err != nil {
		Fail(w, err)
		return
	}
	s.setMany(w, r, m, nil, time.Now())
}

// setMany sets the period of all targets that a request is about, if they are as many as it expects.
func (s *Periods) setMany(w http.ResponseWriter, r *http.Request, m *many, period *calendar.Period, now time.Time) {
	subjects := s.subjects(&m.filter, now)
	by, err := s.judge(r, subjects)
	switch {
	case err != nil:
	case m.expected < 0:
		err = &unnumberedError{len(subjects)}
	case m.expected != len(subjects):
		err = &managed.NumberError{Expected: m.expected, Found: len(subjects)}
	}
	change := PeriodChange{Found: len(subjects), Targets: []string{}, Period: period}
	if err == nil && len(subjects) > 0 {
		var changed []string
		m.edit.By = by
		changed, err = s.set(r, m.edit, subjects, period)
		change.Targets = append(change.Targets, changed...)
	}
	if err != nil {
		Fail(w, err)
		return
	}
	answer(w, change)
}

// subjects are the targets that a Filter asks for, sorted by name.
func (s *Periods) subjects(f *board.Filter, now time.Time) (all []managed.Subject) {
	b := s.Board.At(now)
	for _, e := range b.Inventory.Entries() {
		if selects(b, f, e.Name) {
			all = append(all, managed.Subject{Name: e.Name, Environment: e.Environment})
		}
	}
	return all
}

// selects reports whether a Filter asks for a target of the inventory.
func selects(b *board.Board, f *board.Filter, name string) bool {
	e := b.Inventory.ByName(name)
	if !f.Selects(e) {
		return false
	}
	of := b.Target(e)
	return f.Has(&of)
}

// filterOf reads a filter, and refuses what is not known.
func filterOf(p *query.Parameters, values url.Values, others ...string) (board.Filter, error) {
	known := append(board.FilterParameters(), others...)
	slices.SortFunc(known, strings.Compare)
	p.Only(known...)
	f, err := board.ParseFilter(values, p)
	if err != nil {
		p.Wrong("%w", err)
	}
	return f, p.Err()
}
