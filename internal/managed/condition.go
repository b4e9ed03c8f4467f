package managed

import (
	"slices"
	"strconv"
	"strings"
)

// zero reports whether nothing is expected.
func (c Condition) zero() bool { return !c.Absent && !c.Any && len(c.Revisions) == 0 }

// revisions are those that are expected, for people.
func (c Condition) revisions() string {
	var all []string
	for _, r := range c.Revisions {
		all = append(all, strconv.FormatUint(r, 10))
	}
	return strings.Join(all, ", ")
}

// judge returns why what there is now is not what was expected, or nil.
func (c Condition) judge(now *record) error {
	switch {
	case now == nil && (c.Any || len(c.Revisions) > 0):
		return &ChangedError{Want: c}
	case now == nil:
		return nil
	case c.zero():
		return &RequiredError{Revision: now.Revision}
	case c.Absent, !c.Any && !slices.Contains(c.Revisions, now.Revision):
		return &ChangedError{Now: now.Target, Revision: now.Revision, Want: c}
	}
	return nil
}

// judgeAll is judge for everything, which has a revision, and nothing in it where empty.
func (c Condition) judgeAll(revision uint64, empty bool) error {
	switch {
	case c.zero(), c.Any:
		return nil
	case c.Absent && empty, slices.Contains(c.Revisions, revision):
		return nil
	}
	return &ChangedError{Revision: revision, Want: c}
}
