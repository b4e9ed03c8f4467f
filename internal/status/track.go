package status

import (
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// How much is kept of a target. With the rest it is about 2 kB.
const (
	keptMinutes  = 60
	keptQuarters = 96
	keptDays     = 90
	keptRecent   = 20
	keptChanges  = 32
)

// A track is what is known of one target of the inventory.
type track struct {
	counts
	firstSeen int64 // when the first probe was counted, in seconds since 1970; 0: none was

	known   bool  // there was a conclusive probe
	down    bool  // it failed
	since   int64 // microseconds since 1970
	last    sample
	err     string // of the last probe; empty: it succeeded
	unable  bool   // the exporter could not probe it last time
	own     bool   // the exporter probed it by itself last time
	recent  []sample
	changes []change
}

// counts are how often a target was found up and down.
type counts struct {
	minutes       [keptMinutes]cell[uint16]
	quarters      [keptQuarters]cell[uint16]
	days          [keptDays]cell[uint32]
	newestMinute  int64
	newestQuarter int64
	newestDay     int64
}

func (c *counts) minuteRow() row[uint16] { return row[uint16]{c.minutes[:], &c.newestMinute, minute} }

func (c *counts) quarterRow() row[uint16] {
	return row[uint16]{c.quarters[:], &c.newestQuarter, quarter}
}
func (c *counts) dayRow() row[uint32] { return row[uint32]{c.days[:], &c.newestDay, day} }

func (c *counts) add(at time.Time, up bool) {
	c.minuteRow().add(at, up)
	c.quarterRow().add(at, up)
	c.dayRow().add(at, up)
}

// A sample is a probe in 16 bytes.
type sample struct {
	at     int64  // microseconds since 1970
	took   uint32 // microseconds
	code   uint16
	reason small
	phase  small
}

// A change is the moment at which a target was first seen up, or down.
type change struct {
	at      int64 // microseconds since 1970
	code    uint16
	reason  small
	down    bool
	planned bool // in maintenance
}

func sampleOf(r *prober.Result) sample {
	return sample{
		at: r.Start.UnixMicro(), took: uint32(min(r.Duration.Microseconds(), 1<<32-1)), //nolint:gosec // it fits
		code: uint16(min(max(code(r), 0), 1<<16-1)), reason: reasons.of(string(r.Reason)), phase: phases.of(string(r.FailedPhase)), //nolint:gosec // it fits
	}
}

// code is the status code of the answer; 0: there was none.
func code(r *prober.Result) int {
	switch {
	case r.HTTP != nil:
		return r.HTTP.StatusCode
	case r.WebSocket != nil:
		return r.WebSocket.StatusCode
	default:
		return 0
	}
}

// observe takes in a conclusive probe and reports whether the target was down before.
func (t *track) observe(p *Probe) (wasDown bool) {
	s := sampleOf(&p.Result)
	down := !p.Result.Success()
	wasDown = t.down
	if !t.known || wasDown != down {
		t.since = s.at
	}
	if wasDown != down { // one that is up when it is first seen has not changed
		t.changes = appendBounded(t.changes, change{s.at, s.code, s.reason, down, p.Maintenance}, keptChanges)
	}
	t.known, t.down, t.last, t.err, t.own = true, down, s, "", p.Own
	if down {
		t.err = p.Result.Err.Error()
	}
	if t.recent == nil {
		t.recent = make([]sample, 0, keptRecent) // growing would take more than that
	}
	t.recent = appendBounded(t.recent, s, keptRecent)
	if !p.Maintenance {
		t.add(p.Result.Start, !down)
		if t.firstSeen == 0 {
			t.firstSeen = p.Result.Start.Unix()
		}
	}
	return wasDown
}

// appendBounded appends to a list that drops its oldest where it would be longer than most.
func appendBounded[E any](all []E, e E, most int) []E {
	if len(all) < most {
		return append(all, e)
	}
	copy(all, all[1:])
	all[len(all)-1] = e
	return all
}
