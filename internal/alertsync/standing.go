package alertsync

import (
	"context"
	"encoding/json"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// standing is how Alertmanager is: what the newest bundle came to, or else what it was when somebody last looked. Not known:
// nobody has looked yet.
func (s *Syncer) standing() (standing alertconf.Standing, known bool) {
	all := s.publisher.Standings()
	if len(all) > 0 {
		standing = all[0]
	} else {
		standing.Server, standing.LookedAt = s.publisher.Servers[0].Name(), time.Now().UTC()
	}
	switch {
	case s.problem == nil, standing.State == alertconf.Unreachable, standing.State == alertconf.FileChanged:
	default:
		standing.State, standing.Detail = s.problem.state, s.problem.text
	}
	standing.Detail = printable.Line(standing.Detail, printable.MaxError)
	return standing, standing.State != ""
}

// show logs how Alertmanager is when that has changed.
func (s *Syncer) show() {
	standing, known := s.standing()
	if !known || standing.State == s.shown.State && standing.Detail == s.shown.Detail {
		return
	}
	s.shown = standing
	log := s.log.Info
	if standing.State != alertconf.InSync {
		log = s.log.Warn
	}
	log("Alertmanager has changed its state", "state", standing.State, "detail", standing.Detail, "revision", s.memory.revision())
}

// tell tells the exporter how Alertmanager is, if that has changed, or if it was told some time ago.
func (s *Syncer) tell(ctx context.Context) {
	standing, known := s.standing()
	result := channels.Result{Revision: s.memory.revision(), Standing: standing}
	since := time.Since(s.toldAt)
	switch failed := s.silent[telling] != ""; {
	case !known:
		return
	case failed && since < s.interval, !failed && since < tellInterval && same(result, s.told):
		return
	}
	s.toldAt, s.told = time.Now(), result
	body, err := json.Marshal(result)
	if err == nil {
		_, err = s.exporter.Do(ctx, remote.Request{Method: "POST", Path: resultPath, JSON: body})
	}
	s.hear(ctx, telling, err)
}

// same reports whether two results say the same of Alertmanager, at whatever time.
func same(a, b channels.Result) bool {
	return a.Revision == b.Revision && a.Standing.State == b.Standing.State && a.Standing.Detail == b.Standing.Detail &&
		a.Standing.LoadedAt.Equal(b.Standing.LoadedAt)
}

// What the exporter is for.
const (
	asking = iota
	telling
)

// hear logs that asking or telling the exporter fails, or works again, when that has changed.
func (s *Syncer) hear(ctx context.Context, what int, err error) {
	if ctx.Err() != nil {
		return
	}
	text := ""
	if err != nil {
		text = printable.Line(err.Error(), printable.MaxError)
	}
	if text == s.silent[what] {
		return
	}
	before := s.silent[what]
	s.silent[what] = text
	switch {
	case text == "" && before != "" && what == asking:
		s.log.Info("The exporter answers again")
	case text == "" && before != "":
		s.log.Info("The exporter is told again how Alertmanager is")
	case what == asking:
		s.log.Warn("Asking the exporter for channels failed: those published last stay", "err", text)
	default:
		s.log.Warn("Telling the exporter how Alertmanager is failed", "err", text)
	}
}
