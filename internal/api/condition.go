package api

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// maxTags is how many ETags a condition may have.
const maxTags = 100

// condition is what If-Match and If-None-Match of a change ask for (RFC 9110 sections 13.1.1 and 13.1.2). An ETag here is a revision,
// so one that is not a number, and a weak one, match nothing.
func condition(h http.Header) (managed.Condition, error) {
	var c managed.Condition
	match, none := h.Values("If-Match"), h.Values("If-None-Match")
	switch {
	case len(match) > 0 && len(none) > 0:
		return c, badHeader("If-Match and If-None-Match contradict each other; send one of them")
	case len(none) > 0:
		if strings.TrimSpace(strings.Join(none, ",")) != "*" {
			return c, badHeader(`If-None-Match of a change can only be *, which is to make what does not exist`)
		}
		c.Absent = true
		return c, nil
	case len(match) == 0:
		return c, nil
	}
	text := strings.TrimSpace(strings.Join(match, ","))
	if text == "*" {
		c.Any = true
		return c, nil
	}
	tags, err := entityTags(text)
	if err != nil {
		return c, err
	}
	c.Revisions = []uint64{} // see unmeetable
	for _, t := range tags {
		n, err := strconv.ParseUint(t.opaque, 10, 64)
		if err == nil && !t.weak && strconv.FormatUint(n, 10) == t.opaque {
			c.Revisions = append(c.Revisions, n)
		}
	}
	return c, nil
}

// unmeetable reports whether nothing meets a condition, since it has no ETag that could be one of ours. It must not count as none.
func unmeetable(c *managed.Condition) bool { return c.Revisions != nil && len(c.Revisions) == 0 }

// An entityTag is what identifies a version of something (RFC 9110 section 8.8.3).
type entityTag struct {
	opaque string
	weak   bool
}

// entityTags reads a list of them. Empty elements count for nothing (RFC 9110 section 5.6.1.2).
func entityTags(text string) (tags []entityTag, err error) {
	for rest := text; ; {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" {
			break
		}
		var t entityTag
		rest, t.weak = strings.CutPrefix(rest, "W/")
		quoted, ok := strings.CutPrefix(rest, `"`)
		end := strings.IndexByte(quoted, '"')
		if !ok || end < 0 || strings.ContainsFunc(quoted[:max(end, 0)], func(c rune) bool { return c <= ' ' || c == 0x7f }) {
			return nil, badHeader(`If-Match is %.100q, want an ETag such as "17", in its quotes, or *`, text)
		}
		t.opaque, rest = quoted[:end], strings.TrimLeft(quoted[end+1:], " \t")
		if rest != "" && rest[0] != ',' {
			return nil, badHeader(`If-Match is %.100q, want a comma between two ETags`, text)
		}
		if tags = append(tags, t); len(tags) > maxTags {
			return nil, badHeader("If-Match has more than %d ETags", maxTags)
		}
	}
	if len(tags) == 0 {
		return nil, badHeader("If-Match is empty")
	}
	return tags, nil
}

func badHeader(format string, args ...any) error {
	return &StatusError{Status: http.StatusBadRequest, Err: fmt.Errorf(format, args...)}
}
