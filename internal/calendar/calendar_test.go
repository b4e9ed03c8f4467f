package calendar

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// zones are those whose clocks do odd things: by half an hour or by two, at midnight, or with an odd difference to UTC.
var zones = []string{
	"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo", "America/St_Johns",
	"Pacific/Apia", "Antarctica/Troll", "Asia/Beirut", "America/Scoresbysund", "America/Sao_Paulo", "Pacific/Auckland",
}

// The end is what a look at every minute finds, in random calendars and zones, mostly around changes of the clocks.
func TestEndIsThatOfEveryMinute(t *testing.T) {
	n := 1500
	if testing.Short() {
		n = 300
	}
	open, found := 0, 0
	for i := range n {
		rnd := rand.New(rand.NewPCG(3, uint64(i)))
		zone := zones[rnd.IntN(len(zones))]
		c, now := randomCalendar(rnd, zone), randomTime(t, rnd, zone)
		got := c.At(now)
		want := everyMinute(c, now)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("case %d, in %s at %s, windows %+v (-want +got):\n%s", i, zone, now.Format(time.RFC3339Nano), c, diff)
		}
		if got.Name != "" {
			open++
		}
		if !got.Until.IsZero() {
			found++
		}
	}
	t.Logf("of %d, %d were open and %d had an end", n, open, found)
	if open < n/3 || found < n/4 {
		t.Error("the test asks at the wrong times")
	}
}

// everyMinute is the definition.
func everyMinute(c Calendar, now time.Time) Window {
	name := func(t time.Time) string {
		for _, w := range c {
			if w.Intervals.Contain(t) {
				return w.Name
			}
		}
		return ""
	}
	w := Window{Name: name(now)}
	if w.Name == "" {
		return w
	}
	first := now.Truncate(time.Minute)
	for t := first; t.Before(first.Add(7 * 24 * time.Hour)); t = t.Add(time.Minute) {
		if name(t) == "" {
			w.Until = t.UTC()
			return w
		}
	}
	return w
}

func randomCalendar(rnd *rand.Rand, zone string) Calendar {
	var c Calendar
	for i := range 1 + rnd.IntN(3) {
		w := Windows{Name: fmt.Sprint("windows ", i)}
		for range 1 + rnd.IntN(3) {
			in := zone
			if rnd.IntN(4) == 0 {
				in = zones[rnd.IntN(len(zones))]
			}
			w.Intervals = append(w.Intervals, randomInterval(rnd, in))
		}
		c = append(c, w)
	}
	return c
}

func randomInterval(rnd *rand.Rand, zone string) config.TimeInterval {
	var i config.TimeInterval
	if location, err := time.LoadLocation(zone); err == nil && zone != "UTC" {
		i.Location = &config.Location{Location: location}
	}
	sometimes := func(n int) bool { return rnd.IntN(n) == 0 }
	ordered := func(lowest, highest int) (int, int) {
		a, b := lowest+rnd.IntN(highest-lowest+1), lowest+rnd.IntN(highest-lowest+1)
		return min(a, b), max(a, b)
	}
	for range rnd.IntN(4) {
		a, b := ordered(0, 24*60-1)
		if sometimes(4) {
			a = 0
		}
		if sometimes(4) {
			b = 24*60 - 1
		}
		i.Times = append(i.Times, config.TimeRange{Start: config.ClockTime(a + 1), End: config.ClockTime(b + 2)})
	}
	if sometimes(2) {
		a, b := ordered(0, 6)
		i.Weekdays = []config.WeekdayRange{{Begin: a, End: b}}
	}
	if sometimes(5) {
		a, b := ordered(-31, -1)
		i.DaysOfMonth = []config.DayOfMonthRange{{Begin: a, End: b}}
	}
	if sometimes(5) {
		a, b := ordered(1, 12)
		i.Months = []config.MonthRange{{Begin: a, End: b}}
	}
	if sometimes(8) {
		a, b := ordered(2025, 2028)
		i.Years = []config.YearRange{{Begin: a, End: b}}
	}
	return i
}

// randomTime is within two days of a change of the clocks in the zone, or of anything where there is none.
func randomTime(t *testing.T, rnd *rand.Rand, zone string) time.Time {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2010+rnd.IntN(18), time.Month(1+rnd.IntN(12)), 1+rnd.IntN(28), 0, 0, 0, 0, location)
	if _, change := at.ZoneBounds(); !change.IsZero() {
		at = change
	}
	return at.Add(time.Duration(rnd.Int64N(int64(96*time.Hour))) - 48*time.Hour).In(location)
}

// To ask costs little, so nothing has to be remembered: a week of windows that follow each other takes some steps a day.
func TestSteps(t *testing.T) {
	var i config.TimeInterval
	for hour := range 24 {
		i.Times = append(i.Times, config.TimeRange{Start: config.ClockTime(hour*60 + 1), End: config.ClockTime(hour*60 + 61)})
	}
	c := Calendar{{Name: "always", Intervals: config.TimeIntervals{i}}}
	steps := 0
	now := time.Date(2026, 11, 18, 0, 10, 30, 0, time.UTC)
	for t := now; t.Before(now.Add(Farthest)); steps++ {
		_, t = c.open(t)
	}
	if want := 7*24 + 1; steps != want {
		t.Errorf("%d steps, want %d", steps, want)
	}
	if got := c.At(now); got != (Window{Name: "always"}) {
		t.Errorf("the window is %+v, want one without an end", got)
	}
}

func TestNoWindows(t *testing.T) {
	if got := Calendar(nil).At(time.Now()); got != (Window{}) {
		t.Errorf("the window is %+v, want none", got)
	}
}
