package importer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A window is an entry of maintenance in the configuration.
type window struct {
	Times    []span   `yaml:"times,flow,omitempty"`
	Weekdays []string `yaml:"weekdays,flow,omitempty"`
	Location string   `yaml:"location,omitempty"`
}

type span struct {
	Start string `yaml:"start_time"`
	End   string `yaml:"end_time"`
}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// day is how long a window may be.
const day = 24 * time.Hour

// gatusWindows are the windows of a maintenance of Gatus, which begins at a time of some days and lasts for some hours. What lasts
// over midnight is two windows.
func gatusWindows(r *record) (all []window, why string) {
	if r.text("enabled") != "" && !r.yes("enabled") {
		return nil, ""
	}
	clock, err := time.Parse("15:04", r.text("start"))
	length := r.duration("duration", 0)
	var days []int
	for _, name := range r.texts("every") {
		days = append(days, slices.Index(weekdays, strings.ToLower(name)))
	}
	location := r.text("timezone")
	if _, wrong := time.LoadLocation(location); err != nil || wrong != nil || length < time.Minute || length > day || slices.Contains(days, -1) {
		return nil, "want start as 23:00, duration from 1m to 24h, every with names of days, and timezone"
	}
	start := time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute
	end := start + length
	all = []window{{Times: []span{{ofDay(start), ofDay(min(end, day))}}, Weekdays: names(days, 0), Location: location}}
	if end > day {
		all = append(all, window{Times: []span{{ofDay(0), ofDay(end - day)}}, Weekdays: names(days, 1), Location: location})
	}
	return all, ""
}

// maintained returns the targets, and the maintenance of all of them. Where some come from elsewhere, those of Gatus have it.
func (im *Importer) maintained() (targets []*yaml.Node, all []window, err error) {
	if len(im.maintenance) == 0 || len(im.gatus) == len(im.targets) && len(im.files) == 0 {
		return im.targets, im.maintenance, nil
	}
	var windows yaml.Node
	if err := windows.Encode(im.maintenance); err != nil {
		return nil, nil, err
	}
	for _, t := range im.targets {
		if im.gatus[t] {
			own := *t
			own.Content = slices.Clone(t.Content)
			t = &own
			list := windows
			for i := 1; i < len(t.Content); i += 2 {
				if t.Content[i-1].Value == "maintenance" {
					list.Content = slices.Concat(t.Content[i].Content, windows.Content)
					t.Content = slices.Delete(t.Content, i-1, i+1)
				}
			}
			t.Content = append(t.Content, mapping("maintenance", &list).Content...)
		}
		targets = append(targets, t)
	}
	return targets, nil, nil
}

// ofDay is a time of the day, in whole minutes.
func ofDay(d time.Duration) string {
	minutes := int(d.Round(time.Minute) / time.Minute)
	return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) //nolint:mnd // minutes of an hour
}

// names are the days, moved by some. There are none for each day.
func names(days []int, by int) []string {
	var all []string
	for _, d := range days {
		all = append(all, weekdays[(d+by)%len(weekdays)])
	}
	return all
}
