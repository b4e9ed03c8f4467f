package alertconf

import (
	"regexp"
	"slices"
	"strings"
)

// environmentLabel is the label of an alert that has the environment of its target.
const environmentLabel = "environment"

// Environments returns those to which the matchers of a channel confine it, sorted: environment="DEV", or environment=~"DEV|STAGE"
// of plain words. Of several such matchers it returns those of all. None: the channel may hear of any environment.
func (c *Channel) Environments() []string {
	var all []string
	for _, text := range c.Matchers {
		m, err := ParseMatcher(text)
		if err != nil || m.Name != environmentLabel {
			continue
		}
		words := []string{m.Value}
		if m.Op == Match {
			words = strings.Split(m.Value, "|")
		}
		if m.Op == Equal && m.Value != "" || m.Op == Match && !slices.ContainsFunc(words, notPlain) {
			all = append(all, words...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// notPlain reports whether a part of a regular expression matches anything but itself, or the lack of a label.
func notPlain(word string) bool { return word == "" || regexp.QuoteMeta(word) != word }
