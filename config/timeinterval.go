package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the container image has no time zones

	"go.yaml.in/yaml/v3"
)

// A TimeInterval is an entry of Alertmanager's time_intervals
// (https://prometheus.io/docs/alerting/latest/configuration/#time_interval-0): it contains a moment that is in
// one range of every list that is not empty.
//
// Alertmanager's own package is not used, for two reasons. It divides the hours of a month by 24, and so takes March for a
// month of 30 days where the clocks go forward. And its errors do not say what was wanted.
type TimeInterval struct {
	Times       []TimeRange       `yaml:"times,omitempty"`
	Weekdays    []WeekdayRange    `yaml:"weekdays,omitempty,flow"`
	DaysOfMonth []DayOfMonthRange `yaml:"days_of_month,omitempty,flow"`
	Months      []MonthRange      `yaml:"months,omitempty,flow"`
	Years       []YearRange       `yaml:"years,omitempty,flow"`
	// Location is the time zone. nil: UTC.
	Location *Location `yaml:"location,omitempty"`
}

// A TimeRange is a part of a day. It does not include its end.
type TimeRange struct {
	Start ClockTime `yaml:"start_time"`
	End   ClockTime `yaml:"end_time"`
}

// A ClockTime is a time of day: the minutes since midnight, plus one. 0: not set.
type ClockTime int

// A WeekdayRange includes both ends. Sunday is 0.
type WeekdayRange struct{ Begin, End int }

// A DayOfMonthRange includes both ends. A negative day counts from the end of the month, which is -1.
type DayOfMonthRange struct{ Begin, End int }

// A MonthRange includes both ends. January is 1.
type MonthRange struct{ Begin, End int }

// A YearRange includes both ends.
type YearRange struct{ Begin, End int }

// A Location is a time zone.
type Location struct{ *time.Location }

// Contains reports whether t is in the interval.
func (i *TimeInterval) Contains(t time.Time) bool {
	t = t.In(i.zone())
	now := clock(t)
	days := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return anyOf(i.Times, func(r TimeRange) bool { return r.contains(now) }) &&
		anyOf(i.Weekdays, func(r WeekdayRange) bool { return r.Begin <= int(t.Weekday()) && int(t.Weekday()) <= r.End }) &&
		anyOf(i.DaysOfMonth, func(r DayOfMonthRange) bool { return r.contains(t.Day(), days) }) &&
		anyOf(i.Months, func(r MonthRange) bool { return r.Begin <= int(t.Month()) && int(t.Month()) <= r.End }) &&
		anyOf(i.Years, func(r YearRange) bool { return r.Begin <= t.Year() && t.Year() <= r.End })
}

// Lasts returns a moment up to which the interval contains everything from t on, if it contains t: the end of a range of its
// times, midnight, or a change of the clocks, whichever comes first. It may go on after that moment.
func (i *TimeInterval) Lasts(t time.Time) time.Time {
	t = t.In(i.zone())
	now, end := clock(t), midnight
	if len(i.Times) > 0 {
		end = now
	}
	for _, r := range i.Times {
		if r.contains(now) {
			end = max(end, r.End)
		}
	}
	// Between two changes of the clocks, clock time passes as fast as time.
	began := time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond()) // the minute
	until := t.Add(time.Duration(end-now)*time.Minute - began)
	if _, change := t.ZoneBounds(); !change.IsZero() && change.Before(until) {
		return change
	}
	return until
}

func (i *TimeInterval) zone() *time.Location {
	if i.Location == nil {
		return time.UTC
	}
	return i.Location.Location
}

// midnight is 24:00.
const midnight ClockTime = 24*60 + 1

// clock is the time of day of t.
func clock(t time.Time) ClockTime { return ClockTime(t.Hour()*60 + t.Minute() + 1) }

func (r TimeRange) contains(now ClockTime) bool { return r.Start <= now && now < r.End }

// anyOf reports whether a list is empty or has an item for which f holds.
func anyOf[T any](list []T, f func(T) bool) bool {
	return len(list) == 0 || slices.ContainsFunc(list, f)
}

// TimeIntervals are the times of a maintenance window.
type TimeIntervals []TimeInterval

// Contain reports whether one of the intervals contains t.
func (all TimeIntervals) Contain(t time.Time) bool {
	return slices.ContainsFunc(all, func(i TimeInterval) bool { return i.Contains(t) })
}

// contains reports whether a day is in the range, in a month with so many days.
func (r DayOfMonthRange) contains(day, days int) bool {
	begin, end := r.Begin, r.End
	if begin < 0 {
		begin += days + 1
	}
	if end < 0 {
		end += days + 1
	}
	return begin <= day && day <= end
}

var clockForm = regexp.MustCompile(`^([01]\d|2[0-3]):([0-5]\d)$|^24:00$`)

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *ClockTime) UnmarshalYAML(n *yaml.Node) error {
	const want = "a time such as 09:00, up to 24:00"
	s, err := scalar(n, want)
	if err != nil {
		return err
	}
	if !clockForm.MatchString(s) {
		return fmt.Errorf("got %q, want %s", s, want)
	}
	hours, _ := strconv.Atoi(s[:2])
	minutes, _ := strconv.Atoi(s[3:])
	*c = ClockTime(hours*60 + minutes + 1)
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (c ClockTime) MarshalYAML() (any, error) {
	return fmt.Sprintf("%02d:%02d", (c-1)/60, (c-1)%60), nil
}

var (
	weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	months   = []string{
		"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
	}
)

// parseRange reads "a" or "a:b"; member reads one end.
func parseRange(n *yaml.Node, want string, member func(string) (int, bool)) (begin, end int, err error) {
	s, err := scalar(n, want)
	if err != nil {
		return 0, 0, err
	}
	first, last, ranged := strings.Cut(s, ":")
	if !ranged {
		last = first
	}
	begin, ok1 := member(first)
	end, ok2 := member(last)
	if !ok1 || !ok2 {
		return 0, 0, fmt.Errorf("got %q, want %s", s, want)
	}
	return begin, end, nil
}

func inOrder(n *yaml.Node, begin, end int) error {
	if begin > end {
		return fmt.Errorf("got %q, want the lower end of the range first", n.Value)
	}
	return nil
}

// between returns a function that reads an integer from lowest to highest.
func between(lowest, highest int) func(string) (int, bool) {
	return func(s string) (int, bool) {
		v, err := strconv.Atoi(s)
		return v, err == nil && lowest <= v && v <= highest
	}
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *WeekdayRange) UnmarshalYAML(n *yaml.Node) error {
	begin, end, err := parseRange(n, `a day of the week such as monday, or a range such as "monday:friday"`, func(s string) (int, bool) {
		i := slices.Index(weekdays, strings.ToLower(s))
		return i, i >= 0
	})
	if err != nil {
		return err
	}
	r.Begin, r.End = begin, end
	if begin > end {
		return fmt.Errorf("got %q, want a range within a week from sunday to saturday", n.Value)
	}
	return nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *MonthRange) UnmarshalYAML(n *yaml.Node) error {
	begin, end, err := parseRange(n, `a month such as january or 1, or a range such as "january:march"`, func(s string) (int, bool) {
		if i := slices.Index(months, strings.ToLower(s)); i >= 0 {
			return i + 1, true
		}
		return between(1, 12)(s)
	})
	if err != nil {
		return err
	}
	r.Begin, r.End = begin, end
	return inOrder(n, begin, end)
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *YearRange) UnmarshalYAML(n *yaml.Node) error {
	begin, end, err := parseRange(n, `a year such as 2027, or a range such as "2027:2029"`, between(1, 9999))
	if err != nil {
		return err
	}
	r.Begin, r.End = begin, end
	return inOrder(n, begin, end)
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *DayOfMonthRange) UnmarshalYAML(n *yaml.Node) error {
	const want = `a day of the month from 1 to 31, or from the end, -31 to -1, or a range such as "1:5" or "-3:-1"`
	begin, end, err := parseRange(n, want, func(s string) (int, bool) {
		v, ok := between(-31, 31)(s)
		return v, ok && v != 0
	})
	if err != nil {
		return err
	}
	r.Begin, r.End = begin, end
	switch {
	case begin < 0 && end > 0:
		return fmt.Errorf("got %q, want both ends to count from the end of the month", n.Value)
	case begin < 0 == (end < 0):
		return inOrder(n, begin, end)
	case begin > 32+end: // in the longest month
		return fmt.Errorf("got %q, which is empty in every month", n.Value)
	default:
		return nil
	}
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (l *Location) UnmarshalYAML(n *yaml.Node) error {
	const want = "a time zone such as Europe/Berlin"
	s, err := scalar(n, want)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(s)
	if err != nil || s == "" {
		return fmt.Errorf("got %q, want %s", s, want)
	}
	l.Location = zone
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (l Location) MarshalYAML() (any, error) { return l.String(), nil }

// MarshalYAML implements yaml.Marshaler.
func (r WeekdayRange) MarshalYAML() (any, error) {
	return rangeText(weekdays[r.Begin], weekdays[r.End]), nil
}

// MarshalYAML implements yaml.Marshaler.
func (r MonthRange) MarshalYAML() (any, error) {
	return rangeText(months[r.Begin-1], months[r.End-1]), nil
}

// MarshalYAML implements yaml.Marshaler.
func (r DayOfMonthRange) MarshalYAML() (any, error) {
	return rangeText(strconv.Itoa(r.Begin), strconv.Itoa(r.End)), nil
}

// MarshalYAML implements yaml.Marshaler.
func (r YearRange) MarshalYAML() (any, error) {
	return rangeText(strconv.Itoa(r.Begin), strconv.Itoa(r.End)), nil
}

func rangeText(begin, end string) string {
	if begin == end {
		return begin
	}
	return begin + ":" + end
}
