package systemd

import (
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// A unit is what systemd says about a unit, in the words of org.freedesktop.systemd1(5).
type unit struct {
	load, loadError   string        // LoadState; what is wrong if that is not "loaded"
	active, sub       string        // ActiveState, SubState
	result            string        // of the last run
	invocation        string        // InvocationID: a new one for each run
	job               bool          // somebody's job waits or runs
	freezer           string        // FreezerState; empty: this systemd freezes nothing
	byHand            bool          // false: it may be started and stopped only as a dependency
	restarts          uint64        // NRestarts: by systemd itself since somebody last started it
	limit             time.Duration // forever: a start counts as long as systemd knows the unit
	burst             uint64        // starts that systemd allows within limit; 0: any number
	stopTime, runTime time.Duration

	started []time.Time // when the last start began, went on and ended, as far as it got
	// By the monotonic clock, in microseconds; 0: never.
	inactiveExit, activeExit, mainExit uint64
}

// unitOf picks from the properties. A property that is missing, or has another type in another version of systemd, is zero.
func unitOf(all map[string]any) *unit {
	u := &unit{
		load: property[string](all, "LoadState"), active: property[string](all, "ActiveState"), sub: property[string](all, "SubState"),
		result: property[string](all, "Result"), invocation: hex.EncodeToString(property[[]byte](all, "InvocationID")),
		byHand:   !property[bool](all, "RefuseManualStart") && !property[bool](all, "RefuseManualStop"),
		restarts: uint64(property[uint32](all, "NRestarts")), burst: uint64(property[uint32](all, "StartLimitBurst")),
		limit: duration(all, "StartLimitIntervalUSec"), stopTime: duration(all, "TimeoutStopUSec"), runTime: duration(all, "TimeoutStartUSec"),
		freezer:      property[string](all, "FreezerState"),
		inactiveExit: property[uint64](all, "InactiveExitTimestampMonotonic"),
		activeExit:   property[uint64](all, "ActiveExitTimestampMonotonic"),
		mainExit:     property[uint64](all, "ExecMainExitTimestampMonotonic"),
	}
	if property[uint64](all, "StartLimitIntervalUSec") == math.MaxUint64 {
		u.limit = forever
	}
	if job := property[[]any](all, "Job"); len(job) > 0 { // number and path; number 0: none
		u.job = job[0] != uint32(0)
	}
	if why := property[[]any](all, "LoadError"); len(why) > 1 { // name and text
		u.loadError, _ = why[1].(string)
	}
	for _, name := range []string{"InactiveExitTimestamp", "ExecMainStartTimestamp", "ActiveEnterTimestamp"} {
		if us := property[uint64](all, name); us > 0 && us < math.MaxInt64 {
			u.started = append(u.started, time.UnixMicro(int64(us)))
		}
	}
	return u
}

// forever is an interval without an end.
const forever = time.Duration(math.MaxInt64)

func property[T any](all map[string]any, name string) T {
	v, _ := all[name].(T)
	return v
}

// duration returns a property in microseconds as a duration, 0 if it is infinite.
func duration(all map[string]any, name string) time.Duration {
	us := property[uint64](all, name)
	if us > uint64(math.MaxInt64/time.Microsecond) {
		return 0
	}
	return time.Duration(us) * time.Microsecond //nolint:gosec // it is small enough
}

const (
	// How long a unit has to run until earlier restarts by systemd no longer count.
	settled = time.Minute
	// How much longer a restart may take than the unit's settings allow.
	margin = 10 * time.Second
)

// status returns the status of the unit.
func (u *unit) status(now time.Time) restart.Status {
	s := restart.Status{
		Identity: u.invocation,
		Running:  u.active == "active",
		Itself:   u.restarts > 0,
		Detail:   "systemd says " + u.state(),
	}
	for _, t := range u.started {
		if t.After(s.StartedAt) {
			s.StartedAt = t
		}
	}
	if u.stopTime > 0 || u.runTime > 0 {
		s.Takes = u.stopTime + u.runTime + margin
	}
	var why string
	if s.Unfit, why = u.unfit(now.Sub(s.StartedAt)); why != "" {
		s.Detail += "; " + why
	}
	if s.Unfit == restart.UnfitLimited && u.limit != forever {
		s.FitAt = s.StartedAt.Add(u.limit)
	}
	return s
}

// state returns the state of the unit in systemd's words.
func (u *unit) state() string {
	switch {
	case u.load != "loaded":
		return u.load
	case u.active == "failed":
		return fmt.Sprintf("failed (%s)", u.result)
	default:
		return fmt.Sprintf("%s (%s)", u.active, u.sub)
	}
}

// unfit returns what speaks against a restart of a unit whose last start was that long ago, and why, for people.
func (u *unit) unfit(age time.Duration) (reason restart.Unfit, why string) {
	switch {
	case u.load == "masked":
		return restart.UnfitStopped, "somebody has masked it"
	case u.load != "loaded":
		return restart.UnfitMissing, u.loadError
	case !u.byHand:
		return restart.UnfitStopped, "RefuseManualStart or RefuseManualStop forbids it"
	case u.freezer != "" && u.freezer != "running":
		return restart.UnfitPaused, "somebody has frozen it"
	case u.active == "activating" && u.sub == "auto-restart":
		return restart.UnfitLooping, "it is about to start it again"
	case u.job:
		return restart.UnfitRolling, "it has a job for it"
	}
	switch u.active {
	case "active":
		if u.restarts > 0 && age < settled {
			return restart.UnfitLooping, fmt.Sprintf("it has restarted it %d times, the last one %s ago", u.restarts, age.Round(time.Second))
		}
	case "inactive":
		return restart.UnfitStopped, ""
	case "failed":
		if u.told() {
			return restart.UnfitStopped, "it failed when it was stopped"
		}
	default: // activating, deactivating, reloading, and new ones of later versions
		return restart.UnfitRolling, ""
	}
	return u.limited(age)
}

// told reports whether a failed unit was told to stop. Such a unit was no longer active when its main process ended, but one
// that crashed still was. A unit that was killed because it did not stop in time has failed, too, such as a hanging unit that
// somebody stops by hand.
func (u *unit) told() bool {
	switch {
	case u.result == "watchdog", u.result == "oom-kill", u.result == "start-limit-hit": // systemd's own doing
		return false
	case u.activeExit < u.inactiveExit: // the last run never became active: it could not be started
		return false
	default:
		return u.mainExit == 0 || u.mainExit > u.activeExit
	}
}

// limited refuses a start that may be one too many. The starts count from one that is at most the interval ago, and systemd does
// not say how many there were. If the last one is longer ago, the next is the first of a new interval.
func (u *unit) limited(age time.Duration) (reason restart.Unfit, why string) {
	if u.burst == 0 || u.limit == 0 || age > u.limit {
		return "", ""
	}
	within := " within " + u.limit.String()
	if u.limit == forever {
		within = ", however long it waits"
	}
	return restart.UnfitLimited, fmt.Sprintf("started %s ago, and systemd may refuse one more start%s (StartLimitBurst %d)",
		age.Round(time.Second), within, u.burst)
}
