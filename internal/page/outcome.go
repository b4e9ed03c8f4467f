package page

import (
	"net/http"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// The outcomes of what people have done, which a page tells that follows. What a query says besides is told nobody.
var outcomes = []string{
	"added", "changed", "unchanged", "deleted", "muted", "unmuted", "maintained", "ended", "over", "probed",
	"channel_added", "channel_added_pending", "channel_changed", "channel_changed_pending", "channel_deleted", "channel_deleted_pending",
	"channel_on", "channel_on_pending", "channel_off", "channel_off_pending", "channel_testing", "applied", "applied_pending",
}

// away sends a browser to another page, which tells the outcome: without a session, and right behind every proxy.
func away(w http.ResponseWriter, c *catalogue, page, outcome string) {
	w.Header().Set("Location", to(c, page, "done", outcome))
	w.WriteHeader(http.StatusSeeOther)
}

// doneIn is the outcome that a query has, in words. Empty: it has none.
func doneIn(c *catalogue, q *query.Parameters) string {
	return c.done(q.OneOf("done", outcomes...))
}

// done is an outcome in words. Empty: there is none.
func (c *catalogue) done(outcome string) string {
	if outcome == "" {
		return ""
	}
	return c.say("done." + outcome)
}
