package channels

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// silentFor is how long one of Settings.Syncs may say nothing until it counts as unreachable.
const silentFor = 2 * time.Minute

// A report is what one of Settings.Syncs has said last.
type report struct {
	Result

	at time.Time
}

// Apply publishes what there is once more, also in place of what somebody else has written, if overwrite is set.
func (e *Editor) Apply(ctx context.Context, by managed.Author, overwrite bool) (Alertmanager, error) {
	err := e.Writable()
	if err == nil && by.May == nil {
		err = errors.New("it is not known what the author may do")
	}
	if err == nil {
		err = by.May("") // it is about all channels
	}
	if err == nil {
		err = e.options.Registry.Admit(by)
	}
	if err == nil {
		err = e.take(ctx)
	}
	if err != nil {
		return Alertmanager{}, e.refused(err)
	}
	defer e.release()
	f := e.force()
	if f == nil {
		return Alertmanager{}, e.refused(e.off())
	}
	err = e.publishAll(ctx, f, overwrite)
	e.wake()
	if err != nil {
		return Alertmanager{}, e.refused(err)
	}
	e.options.Log.Info("Somebody has published the channels again", "user", by.Name, "overwrite", overwrite)
	return e.Alertmanager()
}

// Alertmanager is what is known of all Alertmanagers. The error is ErrOff or a managed.StoreError.
func (e *Editor) Alertmanager() (Alertmanager, error) {
	f := e.force()
	if f == nil {
		return Alertmanager{}, e.off()
	}
	a := Alertmanager{
		Revision: e.options.Registry.ChannelsRevision(), File: f.settings.Place.ConfigFile(), Servers: []alertconf.Standing{},
	}
	a.Servers = append(a.Servers, f.standings()...)
	a.Servers = append(a.Servers, e.elsewhere(f, a.Revision, time.Now())...)
	return a, nil
}

// standings are those of the Servers. One that runs what was there before, because what there is cannot be published, is not in sync.
func (f *force) standings() []alertconf.Standing {
	all := f.publisher.Standings()
	if len(all) != len(f.settings.Servers) {
		all = make([]alertconf.Standing, len(f.settings.Servers))
		for i, s := range f.settings.Servers {
			all[i] = alertconf.Standing{Server: s.Name(), State: alertconf.Pending, Detail: "nobody has looked yet"}
		}
	}
	for i := range all {
		all[i].Detail = printable.Text(all[i].Detail, printable.MaxError)
	}
	failed := f.failed.Load()
	if failed == nil {
		return all
	}
	state := alertconf.Pending
	if is[*alertconf.RefusedError](*failed) {
		state = alertconf.ReloadFailed
	} else if errors.Is(*failed, alertconf.ErrFileChanged) {
		state = alertconf.FileChanged
	}
	for i := range all {
		if all[i].State != alertconf.Unreachable {
			all[i].State, all[i].Detail = state, printable.Text((*failed).Error(), printable.MaxError)
		}
	}
	return all
}

// elsewhere are the standings of Settings.Syncs.
func (e *Editor) elsewhere(f *force, revision uint64, now time.Time) (all []alertconf.Standing) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range f.settings.Syncs {
		r, ok := e.reports[name]
		s := r.Standing
		s.Server = name
		switch {
		case !ok:
			s.State, s.Detail = alertconf.Unreachable, "it has not reported since the exporter was started"
		case now.Sub(r.at) >= silentFor:
			s.State, s.Detail = alertconf.Unreachable, "it reported last at "+r.at.UTC().Format(time.RFC3339)
		case s.State == alertconf.InSync && r.Revision != revision: // more than that: an older file was restored here
			s.State, s.Detail = alertconf.Pending, fmt.Sprintf("it runs revision %d, want %d", r.Revision, revision)
		}
		all = append(all, s)
	}
	return all
}

// Report takes what became of a Bundle with one of Settings.Syncs.
func (e *Editor) Report(server string, r Result) error {
	f := e.force()
	if f == nil {
		return e.off()
	}
	if !slices.Contains(f.settings.Syncs, server) {
		return fmt.Errorf("%q is not the name of a user of role sync", printable.Text(server, printable.MaxLog))
	}
	now := time.Now().UTC()
	if !slices.Contains(alertconf.States(), r.Standing.State) {
		return managed.Invalid("result", []managed.Problem{{Pointer: "/standing/state", Detail: fmt.Sprintf("want one of %q", alertconf.States())}})
	}
	r.Standing.Detail = printable.Text(r.Standing.Detail, printable.MaxError)
	for _, at := range []*time.Time{&r.Standing.LookedAt, &r.Standing.InSyncAt, &r.Standing.LoadedAt} {
		if at.After(now) { // its clock is ahead
			*at = now
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reports[server] = report{r, now}
	return nil
}
