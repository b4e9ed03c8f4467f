package managed

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

// Listed returns the targets as a list for other exporters, which read it as one of their target_apis. Who is muted at a time
// has no notification there, and a maintenance that has not ended is a window of those very dates.
func (r *Registry) Listed(at time.Time) ([]json.RawMessage, error) {
	if err := r.Broken(); err != nil {
		return nil, &StoreError{Err: err}
	}
	s := r.state()
	list := make([]json.RawMessage, 0, len(s.targets))
	for _, name := range s.names() {
		list = append(list, named(name, laidOver(s.targets[name], s.overlays[name], at)))
	}
	return list, nil
}

// laidOver is a definition with the overlay of its target.
func laidOver(rec *record, o *overlay, at time.Time) json.RawMessage {
	muted, maintenance := o.period(Mute), o.period(Maintenance)
	mute := muted.Contains(at) && holdsIn(rec.environment, muted)
	if maintenance != nil && (!at.Before(maintenance.End) || !holdsIn(rec.environment, maintenance)) {
		maintenance = nil
	}
	if !mute && maintenance == nil {
		return rec.Definition
	}
	fields := decodeObject(rec.Definition)
	if mute {
		fields["notification"] = "off"
	}
	if maintenance != nil {
		windows, _ := fields["maintenance"].([]any)
		fields["maintenance"] = append(windows, intervals(maintenance)...)
	}
	return Encode(fields)
}

// intervals are a period as entries of a maintenance: a day each, or the whole days of a month together. A minute that is only
// partly in the period is in them.
func intervals(p *calendar.Period) (all []any) {
	const day = 24 * time.Hour
	start := p.Start.UTC().Truncate(time.Minute)
	end := p.End.UTC().Add(time.Minute - 1).Truncate(time.Minute)
	for start.Before(end) {
		midnight := start.Truncate(day)
		next := midnight.Add(day)
		if start.Equal(midnight) && !end.Before(next) { // a whole day, and those after it in this month
			last := midnight
			for after := last.Add(day); after.Month() == midnight.Month() && !end.Before(after.Add(day)); after = after.Add(day) {
				last = after
			}
			all = append(all, dates(midnight, last, nil))
			start = last.Add(day)
			continue
		}
		until := "24:00"
		if end.Before(next) {
			next, until = end, end.Format("15:04")
		}
		all = append(all, dates(midnight, midnight, []any{map[string]any{"start_time": start.Format("15:04"), "end_time": until}}))
		start = next
	}
	return all
}

// dates is an entry for the days from first to last of one month.
func dates(first, last time.Time, times []any) map[string]any {
	days := strconv.Itoa(first.Day())
	if first.Day() != last.Day() {
		days += ":" + strconv.Itoa(last.Day())
	}
	entry := map[string]any{
		"days_of_month": []any{days}, "months": []any{strconv.Itoa(int(first.Month()))}, "years": []any{strconv.Itoa(first.Year())},
	}
	if times != nil {
		entry["times"] = times
	}
	return entry
}
