package collector

import (
	"fmt"
	"io"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// WriteCertificates writes what a target presented, one line for each certificate, and which of them expires first.
func WriteCertificates(w io.Writer, c *prober.Certificates, now time.Time) {
	say := func(format string, args ...any) {
		fmt.Fprintln(w, printable.Text("  "+fmt.Sprintf(format, args...), maxLine))
	}
	for i, p := range c.Presented {
		what := "sent along:"
		if i == 0 {
			what = "certificate of"
		}
		say("%s %q, %s", what, p.Name, validity(p.NotAfter, now))
	}
	if c.Left > 0 {
		say("and %d more", c.Left)
	}
	if len(c.Presented) > 1 || c.ChainFirst != c.First {
		say("the first to end is %q, %s", c.First.Name, validity(c.First.NotAfter, now))
	}
	if c.Verified && c.ChainFirst != c.First {
		say("the chain that was verified ends with %q, %s", c.ChainFirst.Name, validity(c.ChainFirst.NotAfter, now))
	}
}

// validity says until when a certificate is valid, or when it expired.
func validity(notAfter, now time.Time) string {
	left := notAfter.Sub(now)
	verb := "valid until"
	if left < 0 {
		verb = "expired on"
	}
	return fmt.Sprintf("%s %s (%s)", verb, notAfter.UTC().Format(time.DateOnly), fromNow(left))
}

// fromNow says when something is that is d from now: in days, or in hours if it is less than a day.
func fromNow(d time.Duration) string {
	const day = 24 * time.Hour
	n, unit := int64(d.Abs()/time.Hour), "hour"
	if d.Abs() >= day {
		n, unit = int64(d.Abs()/day), "day"
	}
	if n != 1 {
		unit += "s"
	}
	if d < 0 {
		return fmt.Sprintf("%d %s ago", n, unit)
	}
	return fmt.Sprintf("in %d %s", n, unit)
}
