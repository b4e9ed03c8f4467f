package page

import (
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
)

// A count is how many targets are in a state, and where the list of them is.
type count struct {
	Key, Icon string // of the words and the class
	N         int
	Link      string // empty: nothing lists them
}

// Number is N as people read it; empty for none, which is not shown.
func (n count) Number() string {
	if n.N == 0 {
		return ""
	}
	return string(appendCount(nil, n.N))
}

// countsOf are the counts of a Summary, the worst first. Whether there are targets or not, they are always the same ones.
func countsOf(s *board.Summary) []count {
	return []count{
		{Key: "down", Icon: "✖", N: s.Down},
		{Key: "stale", Icon: "⌛", N: s.Stale},
		{Key: "unknown", Icon: "○", N: s.Unknown},
		{Key: "maintenance", Icon: "⚙", N: s.Maintenance},
		{Key: "up", Icon: "●", N: s.Up},
	}
}

// sentence says how many targets are how, such as "2 down, 398 up".
func (c *catalogue) sentence(s *board.Summary) string {
	var all []string
	for _, n := range countsOf(s) {
		if n.N > 0 {
			all = append(all, c.say("list.count."+n.Key, n.Number()))
		}
	}
	if len(all) == 0 {
		return c.say("list.count.none")
	}
	return strings.Join(all, ", ")
}

// headline says the worst of it in a few words. It is the title of the document.
func (c *catalogue) headline(s *board.Summary) string {
	for _, n := range countsOf(s) {
		switch {
		case n.N == 0:
		case n.Key == "down", n.Key == "stale", n.Key == "unknown":
			return c.say("list.count."+n.Key, n.Number())
		default:
			return c.say("list.all_up")
		}
	}
	return c.say("list.count.none")
}

// texts are what the list says of numbers, by the id of the element that says it. Those of live pages are replaced as they change.
func (s *selection) texts(c *catalogue) map[string]string {
	all := map[string]string{"headline": c.headline(&s.Counts)}
	for _, n := range countsOf(&s.Counts) {
		all["n-"+n.Key] = n.Number()
	}
	for _, g := range s.Groups {
		all["n-"+g.ID] = c.sentence(&g.Counts)
	}
	return all
}
