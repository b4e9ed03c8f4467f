package pm2

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// A process is one instance of an app, as PM2 lists it. An app in cluster mode has several with one name.
type process struct {
	name     string
	id       string // pm_id: a number, or "_old_3" for what a reload is replacing
	pid      int64
	status   string
	started  time.Time // zero: never
	restarts int64
	unstable int64 // how often in a row it has ended at once
}

// UnmarshalJSON implements json.Unmarshaler. An app's environment stands among the other keys of pm2_env: the names are
// compared exactly, which decoding into a struct does not do, and everything else is left alone.
func (p *process) UnmarshalJSON(b []byte) error {
	var outer, env map[string]json.RawMessage
	if err := json.Unmarshal(b, &outer); err != nil {
		return err
	}
	if err := json.Unmarshal(outer["pm2_env"], &env); err != nil {
		return err
	}
	*p = process{
		name: text(env["name"]), id: text(outer["pm_id"]), pid: number(outer["pid"]), status: text(env["status"]),
		restarts: number(env["restart_time"]), unstable: number(env["unstable_restarts"]),
	}
	if ms := number(env["pm_uptime"]); ms > 0 {
		p.started = time.UnixMilli(ms)
	}
	return nil
}

// text is a JSON string, or a number as it is written.
func text(b json.RawMessage) string {
	var s string
	if json.Unmarshal(b, &s) == nil {
		return s
	}
	return string(b)
}

// number is a JSON number, or one in a string. Anything else is 0.
func number(b json.RawMessage) int64 {
	f, err := strconv.ParseFloat(text(b), 64)
	if err != nil {
		return 0
	}
	return int64(f)
}

// settled is how long an instance has to run until earlier crashes at its start no longer count.
const settled = time.Minute

// unfit returns what speaks against a restart of an instance.
func (p *process) unfit(now time.Time) restart.Unfit {
	switch p.status {
	case "online":
		switch {
		case strings.HasPrefix(p.id, "_old_"):
			return restart.UnfitRolling
		case p.unstable > 0 && now.Sub(p.started) < settled:
			return restart.UnfitLooping
		}
		return ""
	case "errored": // PM2 has given up, so nobody else will repair it
		return ""
	case "stopped", "stopping":
		return restart.UnfitStopped
	case "waiting restart":
		return restart.UnfitLooping
	default: // "launching", and new ones of later versions
		return restart.UnfitRolling
	}
}

// weightiest are the reasons, in the order in which they count if instances differ.
var weightiest = []restart.Unfit{restart.UnfitStopped, restart.UnfitRolling, restart.UnfitLooping}

// status returns the status of an app. Its instances are restarted together, so what speaks against one speaks against all.
func status(all []process, app string, now time.Time) restart.Status {
	var s restart.Status
	var identity []string
	counts, unfit := map[string]int{}, map[restart.Unfit]bool{}
	for i := range all {
		p := &all[i]
		if p.name != app {
			continue
		}
		identity = append(identity, fmt.Sprintf("%s:%d:%d:%d", p.id, p.pid, p.restarts, p.started.UnixMilli()))
		counts[p.known()]++
		unfit[p.unfit(now)] = true
		if p.started.After(s.StartedAt) {
			s.StartedAt = p.started
		}
	}
	if len(identity) == 0 {
		return restart.Status{Unfit: restart.UnfitMissing, Detail: "PM2 has no app of this name"}
	}
	for _, u := range weightiest {
		if unfit[u] {
			s.Unfit = u
			break
		}
	}
	slices.Sort(identity)
	s.Identity = strings.Join(identity, " ")
	s.Running = counts["online"] == len(identity)
	var words []string
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%d %s", counts[word], word))
	}
	s.Detail = "PM2 says " + strings.Join(words, ", ")
	return s
}

// known returns the status in PM2's words, if it is one of PM2's: a variable of the app's environment can replace it.
func (p *process) known() string {
	switch p.status {
	case "online", "errored", "stopped", "stopping", "waiting restart", "launching":
		return p.status
	default:
		return "in an unknown status"
	}
}

// reloadLock is how long PM2's own lock is valid.
const reloadLock = 30 * time.Second

// reloading reports whether somebody runs pm2 reload: it writes the time in milliseconds into a file, and empties it.
func reloading(home string, now time.Time) bool {
	f, err := os.Open(filepath.Join(home, "reload.lock"))
	if err != nil {
		return false // as for PM2
	}
	defer func() { _ = f.Close() }() // only read
	b, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return false
	}
	ms, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	age := now.Sub(time.UnixMilli(ms))
	return err == nil && age >= 0 && age < reloadLock
}
