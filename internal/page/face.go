package page

import (
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A face is what people see change in a row. How long a probe took, how old it is, and how often the target was up are in the row,
// too, but change with every probe: a probe that finds what the last one found does not change a face.
type face struct {
	state                              status.State
	stale, flapping, unable, own       bool
	maintenance, muted                 bool
	cause, restarting, errorText, hint string
	reason                             prober.Reason
	code                               int
	since                              int64 // microseconds since 1970
}

// faceOf is the face of a target with the hint that its row has.
func faceOf(t *board.Target, hint string) face {
	f := face{
		state: t.State, stale: t.Stale, flapping: t.Flapping, unable: t.Unable, own: t.Own,
		maintenance: t.Quiet.InMaintenance, muted: t.Quiet.Muted,
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
