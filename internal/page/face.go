package page

import (
	"hash/maphash"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A face is what people see change in a row. How long a probe took, how old it is, and how often the target was up are in the row,
// too, but change with every probe: a probe that finds what the last one found does not change a face.
type face struct {
	state                              status.State
	stale, flapping, unable, own       bool
	maintenance, muted                 bool
	said                               uint64 // a hash of what people have said of it; 0: nothing
	cause, restarting, errorText, hint string
	reason                             prober.Reason
	code                               int
	since                              int64 // microseconds since 1970
}

// faceOf is the face of a target with the hint that its row has.
func faceOf(t *board.Target, hint string) face {
	f := face{
		state: t.State, stale: t.Stale, flapping: t.Flapping, unable: t.Unable, own: t.Own,
		maintenance: t.Quiet.InMaintenance, muted: t.Quiet.Muted, said: saidOf(&t.Quiet),
		cause: t.Cause, restarting: t.Restarting, errorText: t.Error, hint: hint,
		reason: t.Reason, code: t.StatusCode,
	}
	if !t.Since.IsZero() {
		f.since = t.Since.UnixMicro()
	}
	if t.State == status.StateUp {
		f.code = 0 // the row of a target that is up does not show it
	}
	return f
}

// A periodFace is what a row shows of a period that a person has set.
type periodFace struct {
	end          int64 // nanoseconds since 1970
	by, reason   string
	untilHealthy bool
}

// saidOf is a hash of what people have said of a target that nobody is told of: a face is kept for each target, and texts are long.
func saidOf(q *inventory.Quiet) uint64 {
	if q.Mute == nil && q.Maintenance == nil {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(etagSeed)
	for _, p := range []*calendar.Period{q.Mute, q.Maintenance} {
		if p == nil {
			_ = h.WriteByte(0)
			continue
		}
		maphash.WriteComparable(&h, periodFace{p.End.UnixNano(), p.By, p.Reason, p.UntilHealthy})
	}
	return h.Sum64()
}
