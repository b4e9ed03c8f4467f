package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// Supply serves the managed targets as a source of other exporters, format: targets. What somebody has said of one for a time is in it:
// a mute that is in force as notification, a maintenance as windows of its very dates.
type Supply struct {
	Managed  Managed
	Overlays Overlays
}

// Targets serves them as a list.
func (s *Supply) Targets(w http.ResponseWriter, r *http.Request) {
	p, _ := query.Parse(r.URL.RawQuery)
	p.Only()
	if err := p.Err(); err != nil {
		Fail(w, err)
		return
	}
	list, err := s.targets(r, time.Now())
	if err != nil {
		Fail(w, err)
		return
	}
	w.Header().Add("Vary", "Authorization")
	answerList(w, r, list)
}

func (s *Supply) targets(r *http.Request, now time.Time) ([]json.RawMessage, error) {
	all, _, err := s.Managed.Export()
	if err != nil {
		return nil, err
	}
	list, err := definitions(r, all.Targets)
	if err != nil {
		return nil, err
	}
	muted, maintained := s.periods(managed.Mute, now), s.periods(managed.Maintenance, now)
	for i, definition := range list {
		var name struct{ Name string }
		if err := json.Unmarshal(definition, &name); err != nil {
			return nil, fmt.Errorf("reading a definition: %w", err)
		}
		mute, maintenance := muted[name.Name], maintained[name.Name]
		if mute.Contains(now) || maintenance != nil {
			if list[i], err = overlaid(definition, mute.Contains(now), maintenance); err != nil {
				return nil, err
			}
		}
	}
	if list == nil {
		list = []json.RawMessage{}
	}
	return list, nil
}

// periods are those of a kind that have not ended, by target.
func (s *Supply) periods(k managed.Kind, now time.Time) map[string]*calendar.Period {
	all := map[string]*calendar.Period{}
	for _, o := range s.Overlays.Overlays(k, now) {
		all[o.Target] = &o.Period
	}
	return all
}

// overlaid is a definition with what somebody has said of the target.
func overlaid(definition json.RawMessage, muted bool, maintenance *calendar.Period) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(definition, &fields); err != nil {
		return nil, fmt.Errorf("reading a definition: %w", err)
	}
	if muted {
		fields["notification"] = encoded("off")
	}
	if maintenance != nil {
		var windows []json.RawMessage
		if written, ok := fields["maintenance"]; ok {
			if err := json.Unmarshal(written, &windows); err != nil {
				return nil, fmt.Errorf("reading the maintenance of a definition: %w", err)
			}
		}
		for _, window := range windowsOf(maintenance) {
			windows = append(windows, encoded(window))
		}
		fields["maintenance"] = encoded(windows)
	}
	return encoded(fields), nil
}

// A window is a time interval of a target, as config.TimeInterval reads it.
type window struct {
	Times []clock  `json:"times,omitempty"`
	Days  []string `json:"days_of_month"`
	Month []string `json:"months"`
	Years []string `json:"years"`
}

type clock struct {
	Start string `json:"start_time"`
	End   string `json:"end_time"`
}

// windowsOf are the windows, in UTC and to the minute, that cover a period: its first day, its last day, and for each month the days
// between.
func windowsOf(p *calendar.Period) (all []window) {
	const minute = time.Minute
	start, end := p.Start.UTC().Truncate(minute), p.End.UTC().Add(minute-1).Truncate(minute)
	for day := midnight(start); day.Before(end); {
		next := day.AddDate(0, 0, 1)
		if day.Before(start) || next.After(end) { // not the whole day
			from, to := "00:00", "24:00"
			if day.Before(start) {
				from = start.Format("15:04")
			}
			if next.After(end) {
				to = end.Format("15:04")
			}
			all = append(all, windowOn(day, day, clock{from, to}))
			day = next
			continue
		}
		last := day
		for !last.AddDate(0, 0, 2).After(end) && last.AddDate(0, 0, 1).Month() == day.Month() {
			last = last.AddDate(0, 0, 1)
		}
		all = append(all, windowOn(day, last))
		day = last.AddDate(0, 0, 1)
	}
	return all
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// windowOn is a window on days of one month.
func windowOn(first, last time.Time, times ...clock) window {
	days := strconv.Itoa(first.Day())
	if last.Day() > first.Day() {
		days += ":" + strconv.Itoa(last.Day())
	}
	return window{times, []string{days}, []string{strconv.Itoa(int(first.Month()))}, []string{strconv.Itoa(first.Year())}}
}
