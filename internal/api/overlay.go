package api

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// Overlays keep what people say of targets for a time, as managed.Registry does.
type Overlays interface {
	Set(ctx context.Context, e managed.Edit, k managed.Kind, subjects []managed.Subject, p *calendar.Period) ([]string, error)
	Overlays(k managed.Kind, at time.Time) []managed.Overlay
	Period(k managed.Kind, target string, at time.Time) *calendar.Period
}

// Periods serve the overlays of one kind. The target may be of any source.
type Periods struct {
	Kind     managed.Kind
	Overlays Overlays
	Board    *board.Source
	Author   Author
}

// Show serves the period of the target that the path names, if it has not ended.
func (s *Periods) Show(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	subject, err := s.subject(r, now)
	if err = cmp.Or(bare(r), err); err != nil {
		Fail(w, err)
		return
	}
	p := s.of(subject.Name, now)
	if p == nil {
		Fail(w, &StatusError{Status: http.StatusNotFound, Err: fmt.Errorf("target %q has no %s", printable.Text(subject.Name, printable.MaxLog), s.Kind)})
		return
	}
	answer(w, p)
}

// Put mutes the target that the path names, or has it in maintenance, as the body says.
func (s *Periods) Put(w http.ResponseWriter, r *http.Request) {
	edit, err := plainEdit(r)
	if err != nil {
		Fail(w, err)
		return
	}
	body, _, err := oneObject.read(w, r)
	if err != nil {
		Fail(w, err)
		return
	}
	now := time.Now()
	period, err := s.period(body, nil, now)
	if err == nil {
		err = s.setOne(r, edit, period, now)
	}
	if err != nil {
		Fail(w, err)
		return
	}
	if kept := s.of(r.PathValue("name"), now); kept != nil && !edit.DryRun {
		period = kept // one that goes on has begun before
	}
	answer(w, period)
}

// of is the period of a target that has not ended at a time, or nil.
func (s *Periods) of(target string, at time.Time) *calendar.Period {
	found := s.Overlays.Period(s.Kind, target, at)
	if found == nil {
		return nil
	}
	p := utc(*found)
	return &p
}

// Delete ends it. There need not be one.
func (s *Periods) Delete(w http.ResponseWriter, r *http.Request) {
	edit, err := plainEdit(r)
	if err == nil {
		_, _, err = nothing.read(w, r)
	}
	if err == nil {
		err = s.setOne(r, edit, nil, time.Now())
	}
	if err != nil {
		Fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// plainEdit is an Edit without a condition: the last one holds.
func plainEdit(r *http.Request) (managed.Edit, error) {
	p, _ := query.Parse(r.URL.RawQuery)
	p.Only("dry_run")
	return managed.Edit{DryRun: p.Flag("dry_run")}, p.Err()
}

// setOne sets the period of the target that the path names; nil ends it.
func (s *Periods) setOne(r *http.Request, edit managed.Edit, period *calendar.Period, now time.Time) error {
	subject, err := s.subject(r, now)
	if err != nil {
		return err
	}
	subjects := []managed.Subject{subject}
	if edit.By, err = s.judge(r, subjects); err != nil {
		return err
	}
	_, err = s.set(r, edit, subjects, period)
	return err
}

// subject is the target that the path names.
func (s *Periods) subject(r *http.Request, now time.Time) (managed.Subject, error) {
	e, err := named(s.Board.At(now), r.PathValue("name"))
	if err != nil {
		return managed.Subject{}, err
	}
	return managed.Subject{Name: e.Name, Environment: e.Environment}, nil
}

// judge returns who a request is from, if he may do this to all of the targets.
func (s *Periods) judge(r *http.Request, subjects []managed.Subject) (by managed.Author, err error) {
	judged := map[string]bool{}
	for _, subject := range subjects {
		if !judged[subject.Environment] {
			judged[subject.Environment] = true
			by = s.Author(r, access.Operate, printable.Text(subject.Name, printable.MaxLog))
			if err := by.May(subject.Environment); err != nil {
				return by, err
			}
		}
	}
	return by, nil
}

// set sets the period of targets.
func (s *Periods) set(r *http.Request, edit managed.Edit, subjects []managed.Subject, period *calendar.Period) ([]string, error) {
	if period != nil {
		period.By = edit.By.Name
	}
	return s.Overlays.Set(r.Context(), edit, s.Kind, subjects, period)
}

// period reads a period that is set now. Fields are those of the body besides.
func (s *Periods) period(body []byte, fields map[string]any, now time.Time) (*calendar.Period, error) {
	var duration, start, until, reason string
	p := &calendar.Period{}
	all := map[string]any{"duration": &duration, "until": &until, "start": &start, "reason": &reason}
	if s.Kind == managed.Maintenance {
		all["until_healthy"] = &p.UntilHealthy
	}
	maps.Copy(all, fields)
	if err := assign(string(s.Kind), body, all); err != nil {
		return nil, err
	}
	wrong := wrongs{What: string(s.Kind)}
	p.Reason, p.Start = reason, now.UTC().Truncate(time.Second)
	if start != "" {
		p.Start = wrong.time("start", start)
	}
	switch {
	case duration == "" && until == "":
		wrong.Problems = append(wrong.Problems, managed.Problem{Detail: "it has no end, want either a duration or until"})
	case duration != "" && until != "":
		wrong.add("until", "is there beside duration, want one of them")
	case until != "":
		p.End = wrong.time("until", until)
	default:
		d, err := config.ParseDuration(duration)
		if err != nil {
			wrong.add("duration", "%v", err)
		}
		p.End = p.Start.Add(time.Duration(d))
	}
	return p, wrong.err()
}

// time is the value of a key that is a time.
func (w *wrongs) time(key, text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		w.add(key, "got %q, want a time such as 2026-12-01T08:00:00Z", printable.Text(text, printable.MaxLog))
	}
	return t.UTC()
}

// utc is a period in UTC, as all times are told.
func utc(p calendar.Period) calendar.Period {
	p.Start, p.End = p.Start.UTC(), p.End.UTC()
	return p
}
