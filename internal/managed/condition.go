package managed

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Zero reports whether nothing is expected.
func (c Condition) Zero() bool { return !c.Absent && !c.Any && len(c.Revisions) == 0 }

// Expected are the revisions of which one is expected, for people.
func (c Condition) Expected() string {
	var all []string
	for _, r := range c.Revisions {
		all = append(all, strconv.FormatUint(r, 10))
	}
	return strings.Join(all, ", ")
}

// Judge returns why something of a revision is not what was expected, or nil; 0: there is nothing. The error is a RequiredError or a
// ChangedError without Now.
func (c Condition) Judge(revision uint64) error {
	switch {
	case revision == 0 && (c.Any || len(c.Revisions) > 0):
		return &ChangedError{Want: c}
	case revision == 0:
		return nil
	case c.Zero():
		return &RequiredError{Revision: revision}
	case c.Absent, !c.Any && !slices.Contains(c.Revisions, revision):
		return &ChangedError{Revision: revision, Want: c}
	}
	return nil
}

// judge is Judge for a target.
func (c Condition) judge(now *record) error {
	if now == nil {
		return c.Judge(0)
	}
	err := c.Judge(now.Revision)
	if changed, ok := errors.AsType[*ChangedError](err); ok {
		changed.Now = now.Target
	}
	return err
}

// judgeAll is judge for everything, which has a revision, and nothing in it where empty.
func (c Condition) judgeAll(revision uint64, empty bool) error {
	switch {
	case c.Zero(), c.Any:
		return nil
	case c.Absent && empty, slices.Contains(c.Revisions, revision):
		return nil
	}
	return &ChangedError{Revision: revision, Want: c}
}
